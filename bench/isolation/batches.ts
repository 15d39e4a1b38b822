import { buildBatch } from '../../engine/protocol/record.ts'
import { type BuiltBatch } from '../load/frames.ts'

/** Keyed, so that a compacted topic takes them: `keys` different ones, the same again in every batch. */
export function keyedBatch (records: number, valueBytes: number, keys = records): BuiltBatch {
  const timestamp = Date.now()
  const all = Array.from({ length: records }, (_, n) =>
    ({ key: Buffer.from(`key-${n % keys}`), value: Buffer.alloc(valueBytes, `value ${n} `), timestamp }))
  return { bytes: Buffer.from(buildBatch({}, all)), records }
}
