// A producer's settings by Kafka's names, as far as the small producer here knows them.
import { type ProducerOptions, producerDefaults } from '../../engine/client/producer-options.ts'
import { codecIds, type CodecName, codecNames } from '../../engine/protocol/compression/index.ts'
import { booleanSetting, numberSetting, type Settings } from './client-settings.ts'
import { UsageError } from './options.ts'

const acksByName: Readonly<Record<string, -1 | 0 | 1>> = { all: -1, '-1': -1, 0: 0, 1: 1 }

/** Throws UsageError with key and value. */
export function producerOptions (settings: Settings): ProducerOptions {
  const acks = acksByName[settings.get('acks') ?? 'all']
  if (acks === undefined) throw new UsageError(`acks=${settings.get('acks')}: one of all, -1, 0, 1 is expected`)
  const codec = (settings.get('compression.type') ?? 'none') as CodecName
  if (!codecNames.includes(codec)) {
    throw new UsageError(`compression.type=${codec}: one of ${codecNames.join(', ')} is expected`)
  }
  if (settings.has('transactional.id')) {
    throw new UsageError('transactional.id: this client writes no transactions yet')
  }
  const idempotent = booleanSetting(settings, 'enable.idempotence', acks === -1)
  if (idempotent && acks !== -1) throw new UsageError('enable.idempotence=true needs acks=all')
  return {
    acks,
    codec: codecIds[codec],
    idempotent,
    batchBytes: numberSetting(settings, 'batch.size', producerDefaults.batchBytes),
    lingerMs: numberSetting(settings, 'linger.ms', producerDefaults.lingerMs),
    inFlightMax: numberSetting(settings, 'max.in.flight.requests.per.connection', producerDefaults.inFlightMax),
    retriesMax: numberSetting(settings, 'retries', producerDefaults.retriesMax),
    deliveryTimeoutMs: numberSetting(settings, 'delivery.timeout.ms', producerDefaults.deliveryTimeoutMs),
    bufferBytes: numberSetting(settings, 'buffer.memory', producerDefaults.bufferBytes),
    requestBytesMax: numberSetting(settings, 'max.request.size', producerDefaults.requestBytesMax)
  }
}
