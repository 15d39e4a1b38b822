// DescribeLogDirs, v1–v5. Log directories with the partitions in them and their sizes.
//   v2  flexible      v3  an error for the whole answer      v4  size and free space of the volume
//   v5  whether a directory takes no more partitions
import {
  api, array, bool, errorCode, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeLogDirs = api('DescribeLogDirs', {
  key: 35,
  versions: [1, 5],
  flexibleSince: 2,
  request: {
    topics: array({
      topic: string(),
      partitions: array(int32())
    }).nullable()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode().since(3),
    results: array({
      errorCode: errorCode(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool()
        })
      }),
      totalBytes: int64().since(4).orElse(-1),
      usableBytes: int64().since(4).orElse(-1),
      isCordoned: bool().since(5)
    })
  }
})

export type DescribeLogDirsRequest = RequestOf<typeof DescribeLogDirs>
export type DescribeLogDirsResponse = ResponseOf<typeof DescribeLogDirs>
