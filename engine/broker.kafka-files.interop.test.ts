// A live Apache Kafka's data folder becomes ours, after an orderly stop and after SIGKILL; and Kafka's own
// dump tool reads what we wrote. Kafka is fetched with Maven when it is at hand; without Java or Maven the
// suite says that it was skipped.
import { spawnSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { fetchKafka, missing, type PeerBroker, startKafka, toolCommand } from '../bench/peers/kafka.ts'
import { PlainClient } from './broker.directories.testing.ts'
import { temporaryFolder } from './broker.testing.ts'
import { startBroker } from './index.ts'

const reason = missing()
if (reason !== null) console.warn(`skipped: ${reason}`)

const keepAll = { 'log.retention.ms': '-1' }
let folder: string
const undo: (() => unknown)[] = []

function dump (...files: string[]): string {
  const args = ['--files', files.join(','), '--print-data-log', '--deep-iteration']
  const [program, ...rest] = toolCommand('DumpLogSegments', args)
  const { stdout, stderr, status } = spawnSync(program, rest, { encoding: 'utf8' })
  expect(status, stderr).toBe(0)
  return stdout
}

/** Kafka and processes do not call us. */
function soon (): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, 50))
}

async function ended (pid: number, signal: NodeJS.Signals): Promise<void> {
  process.kill(pid, signal)
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await soon()
  }
}

const values = (count: number): string[] => Array.from({ length: count }, (_, index) => `value ${index}`)

describe.skipIf(reason !== null)("Kafka's files and ours", () => {
  beforeAll(() => {
    fetchKafka()
    folder = temporaryFolder('kafka-files')
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  afterEach(async () => {
    while (undo.length > 0) await undo.pop()!()
  })

  async function kafkaWith (count: number): Promise<{ kafka: PeerBroker, id: string }> {
    const kafka = await startKafka({ dataFolder: folder })
    undo.push(() => kafka.stop())
    const client = await PlainClient.connect(kafka.port)
    while (await client.create('t', 2) !== 'TOPIC_ALREADY_EXISTS') await soon()
    while (await client.produce('t', 1, 'first') !== 0) await soon()
    expect(await client.produce('t', 0, ...values(count))).toBe(count - 1)
    expect(await client.deleteBefore('t', 0, 10)).toBe(10)
    const id = await client.topicId('t')
    client.close()
    return { kafka, id }
  }

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    it(`a folder of a broker that ended by ${signal} is ours, with topic ids, records, log starts`, async () => {
      const { kafka, id } = await kafkaWith(200)
      await ended(kafka.pid, signal)
      const data = join(folder, signal)
      cpSync(kafka.dataFolder, data, { recursive: true })
      for (let round = 0; round < 2; round++) {
        const broker = await startBroker({ dataDirectory: data, config: keepAll })
        const client = await PlainClient.connect(broker.port)
        expect(await client.topicId('t')).toBe(id)
        const found = await client.values('t', 0)
        // Kafka's own checkpoint of log starts may be a minute old.
        const sure = found.slice(signal === 'SIGTERM' ? 0 : -190 - round)
        expect(sure).toEqual([...values(200).slice(10), ...values(round)])
        expect(await client.values('t', 1)).toEqual(['first'])
        expect(await client.produce('t', 0, `value ${round}`)).toBe(200 + round)
        client.close()
        await broker.close()
      }
    })
  }

  it("Kafka's dump tool finds nothing wrong in what we wrote, moved, and cut", async () => {
    const directories = [join(folder, 'ours-a'), join(folder, 'ours-b')]
    const config = { ...keepAll, 'log.dirs': directories.join(',') }
    const broker = await startBroker({ config })
    const client = await PlainClient.connect(broker.port)
    await client.create('t', 1, { 'internal.segment.bytes': '5000', 'index.interval.bytes': '100' })
    await client.produce('t', 0, ...values(300))
    expect(await client.deleteBefore('t', 0, 100)).toBe(100)
    expect(await client.moveTo(directories[1], 't', 0)).toBe('NONE')
    while ((await client.directories())[directories[1]] !== 't-0') await soon()
    await client.produce('t', 0, ...values(50))
    client.close()
    await broker.close()
    const names = readdirSync(join(directories[1], 't-0')).filter(name => /^\d+\./.test(name))
    expect(names.filter(name => name.endsWith('.log')).length).toBeGreaterThan(3)
    const text = dump(...names.map(name => join(directories[1], 't-0', name)))
    const offsets = [...text.matchAll(/^\| offset: (\d+) .*payload: (value \d+)$/gm)]
    const expected = Array.from({ length: 250 }, (_, index) => 100 + index)
    expect(offsets.map(([, offset]) => Number(offset))).toEqual(expected)
    expect(offsets.map(([,, payload]) => payload)).toEqual([...values(300).slice(100), ...values(50)])
    expect(text).not.toMatch(/isvalid: false|Mismatches|invalid bytes|timestamp mismatch|out of order/i)
  })
})
