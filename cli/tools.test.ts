// The tools as processes against a broker: what they print, on which stream, and how they end.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type RunningBroker, startBroker } from '../engine/index.ts'
import { millrace, type RunOptions } from './testing.ts'

let broker: RunningBroker
beforeAll(async () => { broker = await startBroker() })
afterAll(() => broker.close())

const tool = (line: string, options: RunOptions = {}) => {
  const [name, ...args] = line.split(' ')
  return millrace([name, '--bootstrap-server', broker.bootstrapServers, ...args], options)
}
const lines = (text: string) => text.split('\n').slice(0, -1)

describe('topics', () => {
  it('creates, lists, describes, alters and deletes', async () => {
    expect(await tool('topics --create --topic orders --partitions 2 --config retention.ms=5000')).toEqual({
      code: 0, stdout: 'Created topic orders.\n', stderr: ''
    })
    expect((await tool('topics --list')).stdout.split('\n')).toContain('orders')
    await tool('topics --alter --topic orders --partitions 3')
    const described = lines((await tool('topics --describe --topic orders')).stdout)
    expect(described[0]).toMatch(new RegExp('^Topic: orders\tTopicId: [\\w-]{22}\tPartitionCount: 3\tReplicationFactor: 1' +
      '\tConfigs: min.insync.replicas=1,retention.ms=5000$'))
    expect(described.slice(1)).toEqual([0, 1, 2].map(partition =>
      `\tTopic: orders\tPartition: ${partition}\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: `))
    expect((await tool('topics --delete --topic orders')).code).toBe(0)
    expect((await tool('topics --list --topic orders')).stdout).toBe('\n')
  })

  it('answers in JSON', async () => {
    expect(JSON.parse((await tool('topics --create --topic json --json')).stdout)).toEqual({ topic: 'json', created: true })
    const [described] = JSON.parse((await tool('topics --describe --topic json --json')).stdout)
    expect(described).toMatchObject({ name: 'json', replicationFactor: 1, configs: { 'min.insync.replicas': '1' } })
    expect(described.partitions).toMatchObject([{ partition: 0, leader: 1, replicas: [1], isr: [1] }])
  })

  it('says what went wrong on both streams and ends with 1', async () => {
    await tool('topics --create --topic twice')
    const { code, stdout, stderr } = await tool('topics --create --topic twice')
    expect(code).toBe(1)
    expect(stdout).toBe("Error while executing topic command : Topic 'twice' already exists.\n")
    expect(stderr).toContain('TOPIC_ALREADY_EXISTS')
    expect((await tool('topics --create --topic twice --if-not-exists')).code).toBe(0)
  })

  it.each([
    ['topics --list', []], ['topics', []], ['topics --list --describe', ['@']], ['topics --list --no-such-option', ['@']],
    ['topics --create', ['@']], ['topics --delete --topic t --partitions 3', ['@']], ['console-producer', []],
    ['console-consumer --topic t --offset 5', ['@']], ['producer-perf-test --topic t', ['@']], ['nonsense', []]
  ])('%s is wrong usage: 2, and nothing on stdout', async (line, at) => {
    const [name, ...args] = line.split(' ')
    const { code, stdout, stderr } = await millrace([name, ...at.length > 0 ? ['--bootstrap-server', 'x:1'] : [], ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stderr).not.toBe('')
  })
})

describe('console', () => {
  it('carries keys, headers and nulls through all codecs', async () => {
    const reader = '--reader-property parse.key=true --reader-property parse.headers=true --reader-property null.marker=NULL'
    for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
      const stdin = `h:${codec}\tk\tv ${codec} ä\ta\n\\N:1\tNULL\tNULL\n`
      expect(await tool(`console-producer --topic rich --compression-codec ${codec} ${reader}`, { stdin }))
        .toEqual({ code: 0, stdout: '', stderr: '' })
    }
    const { stdout, stderr } = await tool('console-consumer --topic rich --from-beginning --max-messages 10 ' +
      '--formatter-property print.key=true --formatter-property print.headers=true --formatter-property print.offset=true')
    expect(lines(stdout)).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd'].flatMap((codec, index) => [
      `Offset:${index * 2}\th:${codec}\tk\tv ${codec} ä\ta`, `Offset:${index * 2 + 1}\t\\N:1\tnull\tnull`
    ]))
    expect(stderr).toBe('Processed a total of 10 messages\n')
  })

  it('passes bytes through that are no text', async () => {
    const stdin = Buffer.from([0xff, 0x00, 0xc3, 0x0a])
    await tool('console-producer --topic bytes', { stdin })
    const { stdout } = await tool('console-consumer --topic bytes --partition 0 --offset earliest --max-messages 1 ' +
      '--value-deserializer org.apache.kafka.common.serialization.ByteArrayDeserializer')
    expect(stdout).toBe(stdin.toString())
  })

  it('writes what was good before a bad line, and ends with 1', async () => {
    const options = '--reader-property parse.key=true --reader-property key.separator=:'
    const { code, stderr } = await tool(`console-producer --topic bad ${options}`, { stdin: 'k:v\nno separator\n' })
    expect(code).toBe(1)
    expect(stderr).toBe("ERROR No key separator found on line number 2: 'no separator'\n")
    const read = await tool('console-consumer --topic bad --from-beginning --timeout-ms 500')
    expect([read.code, read.stdout]).toEqual([0, 'v\n'])
  })

  it('goes on in a group where the last one stopped', async () => {
    await tool('console-producer --topic grouped --sync', { stdin: 'a\nb\nc\nd\n' })
    const read = (rest: string) => tool(`console-consumer --topic grouped --group readers ${rest}`)
    expect((await read('--from-beginning --max-messages 1')).stdout).toBe('a\n')
    expect((await read('--max-messages 2')).stdout).toBe('b\nc\n')
    expect((await read('--timeout-ms 1000')).stdout).toBe('d\n')
  })

  it('names the newer option of an old one, and refuses both', async () => {
    const old = await tool('console-producer --topic old --property parse.key=false', { stdin: 'x\n' })
    expect(old.stdout).toBe('Warning: --property is deprecated and will be removed in a future version. ' +
      'Use --reader-property instead.\n')
    expect((await tool('console-producer --topic old --property a=b --reader-property a=b')).code).toBe(2)
  })
})

describe('perf tools', () => {
  it('write and read, with the lines that scripts grep', async () => {
    const written = await tool('producer-perf-test --topic perf --num-records 5000 --record-size 100 --throughput -1 ' +
      '--command-property acks=all linger.ms=1 --warmup-records 1000')
    const total = /^(\d+)( steady state)? records sent, \d+\.\d{6} records\/sec \(\d+\.\d\d MB\/sec\), \d+\.\d\d ms avg latency, \d+\.\d\d ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99\.9th\.$/
    expect(lines(written.stdout).slice(1).map(line => total.exec(line)?.slice(1))).toEqual([
      ['5000', undefined], ['4000', ' steady state']
    ])
    const read = lines((await tool('consumer-perf-test --topic perf --num-records 5000')).stdout)
    expect(read[0]).toBe('start.time, end.time, data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, ' +
      'rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec')
    expect(read[1].split(', ').slice(2, 5).filter((_, index) => index !== 1)).toEqual(['0.4768', '5000'])
    expect((await tool('get-offsets --topic perf')).stdout).toBe('perf:0:5000\n')
  })

  it('keep the pace they are told', async () => {
    const { stdout } = await tool('producer-perf-test --topic pace --num-records 200 --record-size 10 --throughput 1000')
    expect(Number(/sent, ([\d.]+) records/.exec(stdout)![1])).toBeLessThan(1200)
  })

  it('end with 1 when fewer came than expected', async () => {
    await tool('console-producer --topic few', { stdin: 'a\n' })
    const { stdout } = await tool('consumer-perf-test --topic few --num-records 2 --timeout 200')
    expect(stdout).toContain('WARNING: Exiting before consuming the expected number of records: timeout (200 ms) exceeded.')
  })
})

describe('help and version', () => {
  it('show every option, on stdout, and end with 0', async () => {
    const { code, stdout, stderr } = await millrace(['console-consumer', '--help'])
    expect([code, stderr]).toEqual([0, ''])
    for (const option of ['--from-beginning', '--formatter-property', '--isolation-level', '--consumer.config']) {
      expect(stdout).toContain(option)
    }
    expect((await millrace(['topics', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await millrace(['kafka-topics.sh', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await millrace(['server', 'status', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await millrace(['server:status', '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect((await millrace(['server'])).stdout).toContain('server start')
    expect((await millrace(['console-producer', '--topic', '--', '--help'])).code).toBe(2)
  })
})
