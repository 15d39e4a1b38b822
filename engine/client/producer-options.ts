// How a producer is to behave; the defaults are those of Kafka's own.
import { type CodecId, codecIds } from '../protocol/compression/index.ts'

export interface ProducerOptions {
  readonly acks?: -1 | 0 | 1
  readonly codec?: CodecId
  readonly batchBytes?: number
  /** How long a batch may wait for more records. */
  readonly lingerMs?: number
  readonly inFlightMax?: number
  /** Needs acks -1. */
  readonly idempotent?: boolean
  readonly retriesMax?: number
  /** From append to the last try. */
  readonly deliveryTimeoutMs?: number
  /** Records that wait or are in flight; beyond it append() says no. */
  readonly bufferBytes?: number
  readonly requestBytesMax?: number
}

/** By name; 13 wants ids. */
export const produceVersionMax = 12

export const producerDefaults = {
  acks: -1,
  codec: codecIds.none,
  batchBytes: 16384,
  lingerMs: 5,
  inFlightMax: 5,
  idempotent: true,
  retriesMax: 2147483647,
  deliveryTimeoutMs: 120_000,
  bufferBytes: 32 * 1024 * 1024,
  requestBytesMax: 1024 * 1024
} as const
