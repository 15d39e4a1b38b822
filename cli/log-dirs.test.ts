// kafka-log-dirs and kafka-delete-records, as a user runs them against a broker.
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../engine/broker.testing.ts'
import { PlainClient } from '../engine/broker.directories.testing.ts'
import { type RunningBroker, startBroker } from '../engine/index.ts'
import { recordsToDelete } from './commands/delete-records.ts'
import { millrace } from './testing.ts'

let broker: RunningBroker
let client: PlainClient
let folder: string
const address = () => ['--bootstrap-server', broker.bootstrapServers]

beforeAll(async () => {
  folder = temporaryFolder('log-dirs')
  broker = await startBroker({ config: { 'log.dirs': `${folder}/a,${folder}/b` } })
  client = await PlainClient.connect(broker.port)
  await client.create('t', 2)
  await client.create('other', 1)
  await client.produce('t', 0, 'a', 'b', 'c')
})

afterAll(async () => {
  client?.close()
  await broker?.close()
  rmSync(folder, { recursive: true, force: true })
})

function offsets (partitions: unknown, version: unknown = 1): string {
  const file = join(folder, 'offsets.json')
  writeFileSync(file, JSON.stringify({ partitions, version }))
  return file
}

describe('log-dirs', () => {
  it('prints what lies in which directory, as Kafka does', async () => {
    const { stdout, code } = await millrace(['log-dirs', ...address(), '--describe', '--topic-list', 't'])
    const [asking, received, json] = stdout.split('\n')
    expect([asking, received, code]).toEqual([
      'Querying brokers for log directories information', 'Received log directory information from brokers 1', 0
    ])
    const size = JSON.parse(json).brokers[0].logDirs[0].partitions[0].size
    expect(size).toBeGreaterThan(200)
    expect(json).toBe('{"brokers":[{"broker":1,"logDirs":[' +
      `{"partitions":[{"partition":"t-0","size":${size},"offsetLag":0,"isFuture":false}],"error":null,"logDir":"${folder}/a"},` +
      `{"partitions":[{"partition":"t-1","size":0,"offsetLag":0,"isFuture":false}],"error":null,"logDir":"${folder}/b"}` +
      ']}],"version":1}')
  })

  it('says which brokers there are when asked for others', async () => {
    const { stdout, stderr, code } =
      await millrace(['log-dirs', ...address(), '--describe', '--broker-list', '1,77'])
    expect([stdout, code]).toEqual(['', 1])
    expect(stderr).toContain('--broker-list: 77. Current existent brokers: 1')
  })
})

describe('delete-records', () => {
  it('deletes, and tells what failed', async () => {
    const file = offsets([{ topic: 't', partition: 0, offset: 2 }, { topic: 't', partition: 1, offset: 9 }])
    const { stdout, code } = await millrace(['delete-records', ...address(), '--offset-json-file', file])
    expect(stdout.split('\n')).toEqual([
      'Executing records delete operation',
      'Records delete operation completed:',
      'partition: t-0\tlow_watermark: 2',
      'partition: t-1\terror: org.apache.kafka.common.errors.OffsetOutOfRangeException: ' +
        'The requested offset is not within the range of offsets maintained by the server.',
      ''
    ])
    expect(code).toBe(1)
    expect(await client.values('t', 0)).toEqual(['c'])
  })

  it('refuses files that do not say what to delete', () => {
    const one = { topic: 't', partition: 0, offset: 1 }
    expect(recordsToDelete(JSON.stringify({ partitions: [one] }))).toEqual([one])
    const wrong: [string, RegExp][] = [
      ['not json', /not a valid JSON/],
      ['{"version":1}', /Missing partitions/],
      [JSON.stringify({ partitions: [one], version: 2 }), /version field value 2/],
      [JSON.stringify({ partitions: [one, { ...one, offset: 2 }] }), /duplicate topic partitions: t-0/],
      [JSON.stringify({ partitions: [{ topic: 't', partition: 0 }] }), /No topic, partition and offset/]
    ]
    for (const [text, message] of wrong) expect(() => recordsToDelete(text), text).toThrow(message)
  })
})
