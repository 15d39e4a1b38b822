import { describe, expect, it } from 'vitest'
import { BrokerConfig, ConfigError, loadBrokerConfig } from './broker-config.ts'
import { problemWithDynamic } from './dynamic.ts'
import { problemWithGroupConfig } from './group-config.ts'
import { problemWithClientMetrics } from './client-metrics.ts'
import { logConfigOf, problemWithTopicConfig, topicDefault } from './topic-config.ts'

function load (text: string, overrides: Record<string, string> = {}): BrokerConfig {
  return loadBrokerConfig({ files: [{ name: 'server.properties', text }], overrides })
}

function refusal (text: string): string {
  try {
    load(text)
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error(`${text} was accepted`)
}

describe('broker configuration', () => {
  it('reads a KRaft server.properties as Kafka ships it and leaves the controller listener closed', () => {
    const config = load(`
      # roles
      process.roles=broker,controller
      node.id=7
      controller.quorum.bootstrap.servers=localhost:9093
      listeners=PLAINTEXT://:9092,CONTROLLER://:9093
      inter.broker.listener.name=PLAINTEXT
      advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
      controller.listener.names=CONTROLLER
      listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
      num.network.threads=3
      log.dirs=/data/a, /data/b
      num.partitions=4
      log.retention.hours=168`)
    expect(config.nodeId).toBe(7)
    expect(config.number('broker.id')).toBe(7)
    expect(config.listeners).toEqual([{
      name: 'PLAINTEXT',
      host: '',
      port: 9092,
      securityProtocol: 'PLAINTEXT',
      advertisedHost: 'localhost',
      advertisedPort: 9092
    }])
    expect(config.logDirs).toEqual(['/data/a', '/data/b'])
    expect(config.number('num.partitions')).toBe(4)
    expect(config.warnings.map(line => line.split(' ')[1])).toEqual([
      'controller.quorum.bootstrap.servers', 'num.network.threads'
    ])
  })

  it('listens on the loopback and advertises localhost when nothing is set', () => {
    const [listener] = loadBrokerConfig().listeners
    expect(listener).toMatchObject({ host: '127.0.0.1', port: 9092, advertisedHost: 'localhost' })
    expect(loadBrokerConfig().nodeId).toBe(1)
  })

  it('tells an unknown key once and takes the rest', () => {
    const lines: string[] = []
    const add = (fields: object | string) => { lines.push(String(fields)) }
    loadBrokerConfig({
      overrides: { 'zookeeper.connect': 'x:2181' },
      logger: { debug: add, info: add, warn: add, error: add }
    })
    expect(lines).toEqual(['Setting zookeeper.connect is unknown and has no effect'])
  })

  it.each([
    ['num.partitions=zero', 'num.partitions', 'zero', 'INT'],
    ['num.partitions=0', 'num.partitions', '0', 'at least 1'],
    ['num.partitions=2147483648', 'num.partitions', '2147483648', 'INT'],
    ['log.flush.interval.messages=9223372036854775808', 'log.flush', '9223372036854775808', 'LONG'],
    ['auto.create.topics.enable=yes', 'auto.create.topics.enable', 'yes', 'true or false'],
    ['compression.type=rar', 'compression.type', 'rar', 'producer'],
    ['log.cleanup.policy=delete,shrink', 'log.cleanup.policy', 'shrink', 'compact'],
    ['log.cleaner.min.cleanable.ratio=1.5', 'log.cleaner.min.cleanable.ratio', '1.5', 'no more than 1'],
    ['compression.gzip.level=0', 'compression.gzip.level', '0', 'at least 1'],
    ['millrace.durability=sometimes', 'millrace.durability', 'sometimes', 'group-commit'],
    ['listeners=here', 'listeners', 'here', 'NAME://host:port'],
    ['listeners=A://:1', 'listeners', 'A://:1', 'listener.security.protocol.map'],
    ['listeners=SSL://:1', 'listeners', 'SSL', 'PLAINTEXT'],
    ['listeners=PLAINTEXT://:70000', 'listeners', '70000', '65535'],
    ['listeners=PLAINTEXT://:1,PLAINTEXT://:2', 'listeners', 'PLAINTEXT', 'twice'],
    ['advertised.listeners=PLAINTEXT://0.0.0.0:1', 'advertised.listeners', '0.0.0.0', 'cannot connect'],
    ['node.id=1\nbroker.id=2', 'broker.id', '2', 'node.id'],
    ['group.min.session.timeout.ms=10\ngroup.max.session.timeout.ms=5', 'group.m', '10', 'group.max.session.timeout.ms'],
    ['log.dirs=', 'log.dirs', '', 'at least one']
  ])('%s stops the start and says key, value and what is allowed', (text, key, value, allowed) => {
    const message = refusal(text)
    expect(message).toContain(key)
    expect(message).toContain(value)
    expect(message).toContain(allowed)
  })

  it('never shows a password', () => {
    const config = load('ssl.key.password=secret')
    expect(config.warnings.join()).not.toContain('secret')
  })

  it('keeps a number as it was written, and counts what no number holds as no limit', () => {
    const config = load('log.flush.interval.messages=9223372036854775807\nlog.retention.bytes= +5 ')
    expect(config.text('log.flush.interval.messages')).toBe('9223372036854775807')
    expect(config.number('log.flush.interval.messages')).toBe(Number.MAX_SAFE_INTEGER)
    expect(config.number('log.retention.bytes')).toBe(5)
  })

  it('looks a value up from this broker, all brokers, file and default, in this order', () => {
    const config = load('log.retention.ms=1000\nnum.io.threads=9')
    let changes = 0
    config.onChange(() => { changes++ })
    expect(config.number('log.retention.ms')).toBe(1000)
    config.setDynamic(new Map(), new Map([['log.retention.ms', '2000']]))
    expect(config.number('log.retention.ms')).toBe(2000)
    config.setDynamic(new Map([['log.retention.ms', '3000']]), new Map([['log.retention.ms', '2000']]))
    expect(config.number('log.retention.ms')).toBe(3000)
    expect(config.sources('log.retention.ms').map(({ value, source }) => [value, source])).toEqual([
      ['3000', 'dynamic-broker'], ['2000', 'dynamic-default'], ['1000', 'static']
    ])
    config.setDynamic(new Map(), new Map())
    expect(config.number('log.retention.ms')).toBe(1000)
    expect(changes).toBe(3)
  })

  it('takes overrides over files and later files over earlier ones', () => {
    const config = loadBrokerConfig({
      files: [{ name: 'a', text: 'num.partitions=2\nlog.dir=/a' }, { name: 'b', text: 'num.partitions=3' }],
      overrides: { 'log.dir': '/b', 'node.id': undefined }
    })
    expect([config.number('num.partitions'), config.logDirs]).toEqual([3, ['/b']])
  })

  it('takes defaults of the program under all that, without a word', () => {
    const config = loadBrokerConfig({
      defaults: { 'num.partitions': '2', 'transaction.state.log.min.isr': '1' },
      overrides: { 'num.partitions': '3' }
    })
    expect(config.warnings).toEqual([])
    expect([config.number('num.partitions'), config.number('transaction.state.log.min.isr')]).toEqual([3, 1])
  })

  it('reads escapes and continued lines as Java does', () => {
    const config = load('log.dirs = /a,\\\n    /b c\nbroker.rack : r\\u00e4ck')
    expect(config.logDirs).toEqual(['/a', '/b c'])
    expect(config.string('broker.rack')).toBe('r\u00e4ck')
  })
})

describe('topic configuration', () => {
  it.each([
    ['', '604800000'],
    ['log.retention.hours=1', '3600000'],
    ['log.retention.hours=1\nlog.retention.minutes=2', '120000'],
    ['log.retention.hours=1\nlog.retention.minutes=2\nlog.retention.ms=3', '3'],
    ['log.retention.minutes=-1', '-1'],
    ['log.retention.ms=-1', '-1']
  ])('derives retention from %j', (text, expected) => {
    expect(topicDefault(load(text), 'retention.ms')).toBe(expected)
  })

  it('derives the other units as Kafka does', () => {
    const config = load('log.roll.hours=2\nlog.roll.jitter.hours=1\nlog.flush.scheduler.interval.ms=77')
    expect(topicDefault(config, 'segment.ms')).toBe('7200000')
    expect(topicDefault(config, 'segment.jitter.ms')).toBe('3600000')
    expect(topicDefault(config, 'flush.ms')).toBe('77')
  })

  it('gives the log its settings: the topic first, then the broker', () => {
    const config = load('log.segment.bytes=2000000\nlog.message.timestamp.type=LogAppendTime\nmessage.max.bytes=99')
    const overrides = new Map([['cleanup.policy', 'compact, delete'], ['max.message.bytes', '5']])
    expect(logConfigOf(config, overrides)).toMatchObject({
      segmentBytes: 2_000_000, logAppendTime: true, maxMessageBytes: 5, deletes: true, compacts: true
    })
    expect(logConfigOf(config, new Map([['internal.segment.bytes', '100']])).segmentBytes).toBe(100)
  })

  it.each([
    ['retention.ms', '-2', 'at least -1'],
    ['cleanup.policy', 'nonsense', 'compact'],
    ['no.such.key', '1', 'Unknown topic config name'],
    ['preallocate', 'maybe', 'true or false'],
    ['leader.replication.throttled.replicas', '1-2', 'partitionId'],
    ['max.compaction.lag.ms', '0', 'at least 1'],
    ['remote.storage.enable', 'true', 'not built']
  ])('refuses %s=%s', (name, value, reason) => {
    expect(problemWithTopicConfig(loadBrokerConfig(), new Map([[name, value]]))).toContain(reason)
  })

  it('refuses compaction lags that contradict each other', () => {
    const overrides = new Map([['min.compaction.lag.ms', '10'], ['max.compaction.lag.ms', '9']])
    expect(problemWithTopicConfig(loadBrokerConfig(), overrides)).toContain('must not be above')
  })

  it('takes what Kafka takes', () => {
    const overrides = new Map([
      ['cleanup.policy', ''], ['retention.ms', '-1'], ['leader.replication.throttled.replicas', '*'],
      ['follower.replication.throttled.replicas', '0:1,1:1'], ['flush.messages', '9223372036854775807']
    ])
    expect(problemWithTopicConfig(loadBrokerConfig(), overrides)).toBeNull()
  })
})

describe('dynamic configuration', () => {
  const config = load('num.io.threads=8')
  it.each([
    ['num.partitions', '3', true, 'dynamically'],
    ['ssl.keystore.location', '/x', true, 'per listener'],
    ['ssl.cipher.suites', 'x', false, 'broker id'],
    ['listener.name.x.ssl.keystore.location', '/x', false, 'broker id'],
    ['log.cleaner.threads', 'x', true, 'INT'],
    ['num.io.threads', '17', true, 'double'],
    ['num.io.threads', '3', false, 'half']
  ])('refuses %s=%s (one broker: %s)', (name, value, perBroker, reason) => {
    expect(problemWithDynamic(config, new Map([[name, value]]), perBroker)).toContain(reason)
  })

  it.each([
    ['no.such.key', '1', false], ['log.cleaner.threads', '2', false], ['num.io.threads', '16', true],
    ['listener.name.x.ssl.keystore.location', '/x', true], ['message.max.bytes', '1', false]
  ])('takes %s=%s (one broker: %s)', (name, value, perBroker) => {
    expect(problemWithDynamic(config, new Map([[name, value]]), perBroker)).toBeNull()
  })
})

describe('settings of groups and telemetry', () => {
  const config = loadBrokerConfig()
  it.each([
    ['consumer.session.timeout.ms', '1', 'at least 45000'],
    ['consumer.session.timeout.ms', '70000', 'at most 60000'],
    ['share.partition.max.record.locks', '5000', 'at most 4000'],
    ['streams.num.standby.replicas', '3', 'at most 2'],
    ['streams.assignor.name', 'mine', 'sticky'],
    ['share.auto.offset.reset', 'by_duration:soon', 'latest'],
    ['no.such', '1', 'Unknown group config']
  ])('refuses %s=%s', (name, value, reason) => {
    expect(problemWithGroupConfig(config, new Map([[name, value]]))).toContain(reason)
  })

  it.each([
    ['consumer.session.timeout.ms', '50000'], ['share.auto.offset.reset', 'by_duration:PT1H'],
    ['share.auto.offset.reset', 'earliest']
  ])('takes %s=%s', (name, value) => {
    expect(problemWithGroupConfig(config, new Map([[name, value]]))).toBeNull()
  })

  it.each([
    ['interval.ms', '99', true], ['interval.ms', 'x', false], ['match', 'client_id', false],
    ['match', 'client_id=[', false], ['other', '1', true]
  ])('refuses telemetry %s=%s', (name, value, invalidRequest) => {
    expect(problemWithClientMetrics(new Map([[name, value]]))).toMatchObject({ invalidRequest })
  })

  it('takes a telemetry subscription', () => {
    expect(problemWithClientMetrics(new Map([
      ['interval.ms', '100'], ['match', 'client_id=app.*,client_software_name=x'], ['metrics', '*']
    ]))).toBeNull()
  })
})
