// kcat (librdkafka, C): all codecs both ways, groups, metadata, on a real broker. Skipped, visibly, where
// kcat is not installed.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Producer, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBrokerProcess, type BrokerProcess } from './broker.testing.ts'

const installed = spawnSync('kcat', ['-V']).status === 0
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

describe.skipIf(!installed)('kcat', () => {
  let broker: BrokerProcess

  beforeAll(async () => {
    broker = await startBrokerProcess()
  })
  afterAll(() => broker.dispose())

  async function kcat (args: string[], input = ''): Promise<string> {
    const child = spawn('kcat', ['-b', broker.bootstrapServers, '-m', '20', ...args])
    const out: string[] = []
    const errors: string[] = []
    child.stdout.on('data', chunk => out.push(String(chunk)))
    child.stderr.on('data', chunk => errors.push(String(chunk)))
    child.stdin.end(input)
    const [code] = await once(child, 'close')
    if (code !== 0) throw new Error(`kcat ${args.join(' ')} ended with ${code}: ${errors.join('')}`)
    return out.join('')
  }

  it('lists metadata', async () => {
    expect(await kcat(['-L'])).toContain(`broker 1 at 127.0.0.1:${broker.port}`)
  })

  it.each(codecs)('writes %s and reads it back with keys, headers and offsets', async codec => {
    const lines = Array.from({ length: 500 }, (_, n) => `k${n}:${codec}-${n}-${'y'.repeat(n % 50)}`)
    await kcat(
      ['-P', '-t', `kcat-${codec}`, '-K:', '-z', codec, '-H', 'h=1', '-X', 'enable.idempotence=true'],
      lines.join('\n') + '\n'
    )
    const read = await kcat([
      '-C',
      '-t',
      `kcat-${codec}`,
      '-o',
      'beginning',
      '-e',
      '-q',
      '-f',
      '%o %k:%s %h\n'
    ])
    expect(read.trimEnd().split('\n')).toEqual(lines.map((line, offset) => `${offset} ${line} h=1`))
  })

  it('reads all codecs that another client wrote, CRC checked', async () => {
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [broker.bootstrapServers],
      autocreateTopics: true,
      serializers: stringSerializers
    })
    for (const compression of codecs) {
      await producer.send({
        compression,
        messages: Array.from({ length: 20 }, (_, n) => ({
          topic: 'mixed',
          partition: 0,
          value: `${compression} ${n}`
        }))
      })
    }
    await producer.close()
    const read = await kcat(['-C', '-t', 'mixed', '-o', 'beginning', '-e', '-q', '-X', 'check.crcs=true'])
    expect(read.trimEnd().split('\n')).toEqual(
      codecs.flatMap(codec => Array.from({ length: 20 }, (_, n) => `${codec} ${n}`))
    )
  })

  it('consumes as a group and goes on where it stopped', async () => {
    await kcat(['-P', '-t', 'grouped'], 'a\nb\nc\n')
    const group = ['-G', 'kcat-group', '-q', '-e', '-X', 'auto.offset.reset=earliest', 'grouped']
    expect((await kcat(group)).trimEnd().split('\n')).toEqual(['a', 'b', 'c'])
    await kcat(['-P', '-t', 'grouped'], 'd\n')
    expect((await kcat(group)).trimEnd()).toBe('d')
  })
})
