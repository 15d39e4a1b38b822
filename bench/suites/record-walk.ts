// The walk over the records of a batch that every produced record goes through.

import {
  batchHeaderBytes, readBatchHeader, RecordWalk, walkRecords
} from '../../engine/protocol/record-batch.ts'
import { buildBatch, type RecordInput } from '../../engine/protocol/record.ts'
import { type BenchTask, type Suite } from '../suite.ts'

const time = 1_800_000_000_000

function records (count: number, valueBytes: number, more: Partial<RecordInput> = {}): RecordInput[] {
  return Array.from({ length: count }, (_, index) => {
    return { value: Buffer.alloc(valueBytes, index), timestamp: time + index % 40, ...more }
  })
}

function walkTask (name: string, input: RecordInput[]): BenchTask {
  const batch = buildBatch({}, input)
  const shared = Buffer.from(new SharedArrayBuffer(batch.length))
  shared.set(batch)
  const walk = new RecordWalk()
  const { recordCount, baseTimestamp } = readBatchHeader(shared, 0)
  return {
    name,
    run: () => walkRecords(shared, batchHeaderBytes, batch.length, recordCount, baseTimestamp, walk),
    handles: { count: input.length, unit: 'record' }
  }
}

export function suite (): Suite {
  const headers = [{ key: 'trace', value: Buffer.alloc(16) }, { key: 'kind', value: Buffer.from('order') }]
  const batch = buildBatch({}, records(150, 100))
  const header = readBatchHeader(batch, 0)
  return {
    tasks: [
      walkTask('150 records of 100 bytes', records(150, 100)),
      walkTask('150 records of 100 bytes with keys of 10', records(150, 100, { key: Buffer.alloc(10) })),
      walkTask('150 records of 100 bytes with two headers', records(150, 100, { headers })),
      walkTask('1000 records of 10 bytes', records(1000, 10)),
      walkTask('16 records of 1000 bytes', records(16, 1000)),
      { name: 'the header alone', run: () => readBatchHeader(batch, 0, header) }
    ]
  }
}
