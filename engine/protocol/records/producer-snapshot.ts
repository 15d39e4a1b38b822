// ProducerSnapshot, v1. What a partition remembers of its producers, in the .snapshot file beside a segment.
//   | int16 version | crc | entries … |      crc is CRC-32C of all bytes after it
import { array, int16, int32, int64, message, type ValueOf, uint32 } from '../schema.ts'

export const ProducerSnapshot = message('ProducerSnapshot', {
  versions: [1, 1],
  fields: {
    crc: uint32(),
    producerEntries: array({
      producerId: int64(),
      epoch: int16(),
      lastSequence: int32(),
      lastOffset: int64(),
      offsetDelta: int32(),
      timestamp: int64(),
      coordinatorEpoch: int32(),
      currentTxnFirstOffset: int64()
    })
  }
})

export type ProducerSnapshotValue = ValueOf<typeof ProducerSnapshot>
