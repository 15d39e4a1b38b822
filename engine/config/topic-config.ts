// What a topic's settings are worth: its own overrides over the broker's settings of other names
// (log.retention.ms and so on), as Kafka derives and checks them. The log gets them typed.
import { type BrokerConfig } from './broker-config.ts'
import { type LogConfig } from './log-config.ts'
import { topicTable } from './tables.ts'
import { parseBoolean, parseList, parseNumber, problemWith } from './value.ts'

const hourMs = 3_600_000
const minuteMs = 60_000
/** Whatever the setting says: a thousandfold bomb of the default message size stays out. */
const decompressedBytesMax = 128 * 2 ** 20

/** The value of a topic setting as text: the topic's own, else what the broker's settings say. */
export function topicText (
  config: BrokerConfig, overrides: ReadonlyMap<string, string>, name: string
): string | null {
  return overrides.get(name) ?? topicDefault(config, name)
}

/** What a topic without overrides has. */
export function topicDefault (config: BrokerConfig, name: string): string | null {
  switch (name) {
    case 'retention.ms': return String(retentionDefaultMs(config))
    case 'segment.ms': return config.text('log.roll.ms') ?? String(config.number('log.roll.hours') * hourMs)
    case 'segment.jitter.ms':
      return config.text('log.roll.jitter.ms') ?? String(config.number('log.roll.jitter.hours') * hourMs)
    case 'flush.ms': return config.text('log.flush.interval.ms') ?? config.text('log.flush.scheduler.interval.ms')
    default: {
      const setting = topicTable.get(name)
      if (setting === undefined) return null
      return setting.synonym === undefined ? setting.fallback : config.text(setting.synonym)
    }
  }
}

/** ms wins over minutes over hours; anything negative is -1, for ever. */
function retentionDefaultMs (config: BrokerConfig): number | string {
  const text = config.text('log.retention.ms')
  if (text !== null) return parseNumber(text) < 0 ? -1 : text
  const minutes = config.numberOrNull('log.retention.minutes')
  const ms = minutes === null ? config.number('log.retention.hours') * hourMs : minutes * minuteMs
  return ms < 0 ? -1 : ms
}

export function topicNumber (
  config: BrokerConfig, overrides: ReadonlyMap<string, string>, name: string
): number {
  return parseNumber(topicText(config, overrides, name)!)
}

/** The settings of a topic's logs. */
export function logConfigOf (
  config: BrokerConfig, overrides: ReadonlyMap<string, string> = new Map()
): LogConfig {
  const text = (name: string) => topicText(config, overrides, name) ?? ''
  const number = (name: string) => parseNumber(text(name))
  const policies = parseList(text('cleanup.policy'))
  const compacts = policies.includes('compact')
  return {
    segmentBytes: number(text('internal.segment.bytes') === '' ? 'segment.bytes' : 'internal.segment.bytes'),
    segmentMs: compacts ? Math.min(number('segment.ms'), number('max.compaction.lag.ms')) : number('segment.ms'),
    segmentJitterMs: Math.min(number('segment.jitter.ms'), number('segment.ms')),
    segmentIndexBytes: number('segment.index.bytes'),
    indexIntervalBytes: number('index.interval.bytes'),
    maxMessageBytes: number('max.message.bytes'),
    retentionMs: number('retention.ms'),
    retentionBytes: number('retention.bytes'),
    fileDeleteDelayMs: number('file.delete.delay.ms'),
    logAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    timestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
    timestampAfterMaxMs: number('message.timestamp.after.max.ms'),
    deletes: policies.includes('delete'),
    compacts,
    compressionType: text('compression.type'),
    compressionLevels: {
      gzip: number('compression.gzip.level'),
      lz4: number('compression.lz4.level'),
      zstd: number('compression.zstd.level')
    },
    decompressedBytesMax: Math.min(number('max.decompressed.message.bytes'), decompressedBytesMax),
    minCleanableRatio: number('min.cleanable.dirty.ratio'),
    minCompactionLagMs: number('min.compaction.lag.ms'),
    maxCompactionLagMs: number('max.compaction.lag.ms'),
    deleteRetentionMs: number('delete.retention.ms'),
    flushMessages: number('flush.messages'),
    flushMs: number('flush.ms'),
    preallocate: parseBoolean(text('preallocate')),
    producerIdExpirationMs: config.number('producer.id.expiration.ms'),
    durability: text('millrace.durability') as LogConfig['durability']
  }
}

/** What is wrong with a topic's overrides, null when nothing is: INVALID_CONFIG with this text. */
export function problemWithTopicConfig (
  config: BrokerConfig, overrides: ReadonlyMap<string, string>
): string | null {
  for (const [name, text] of overrides) {
    const setting = topicTable.get(name)
    if (setting === undefined) return `Unknown topic config name: ${name}`
    const problem = problemWith(setting, text)
    if (problem !== null) return `Invalid value ${text} for configuration ${name}: ${problem}`
  }
  return problemWithPairs(config, overrides)
}

function problemWithPairs (config: BrokerConfig, overrides: ReadonlyMap<string, string>): string | null {
  const text = (name: string) => topicText(config, overrides, name) ?? ''
  const [low, high] = [text('min.compaction.lag.ms'), text('max.compaction.lag.ms')]
  if (parseNumber(low) > parseNumber(high)) {
    return `min.compaction.lag.ms (${low}) must not be above max.compaction.lag.ms (${high})`
  }
  if (parseBoolean(text('remote.storage.enable'))) {
    return 'Tiered storage is not built yet, so remote.storage.enable cannot be true'
  }
  return null
}
