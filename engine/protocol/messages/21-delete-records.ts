// DeleteRecords, v0–v2. Moves the start of partitions forward; offset -1 means the high watermark.
//   v2  flexible
import {
  api, array, errorCode, int32, int64, int64Saturated, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DeleteRecords = api('DeleteRecords', {
  key: 21,
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        offset: int64Saturated()
      })
    }),
    timeoutMs: int32()
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        lowWatermark: int64(),
        errorCode: errorCode()
      })
    })
  }
})

export type DeleteRecordsRequest = RequestOf<typeof DeleteRecords>
export type DeleteRecordsResponse = ResponseOf<typeof DeleteRecords>
