// ConsumerGroupRegularExpression, type 16, v0. Topics that a regular expression in a subscription stood for.
import { array, int64, string } from '../schema.ts'
import { type KeyOf, type RecordValueOf, recordType } from './record-type.ts'

export const ConsumerGroupRegularExpression = recordType('ConsumerGroupRegularExpression', {
  type: 16,
  versions: [0, 0],
  flexibleSince: 0,
  key: {
    groupId: string(),
    regularExpression: string()
  },
  value: {
    topics: array(string()),
    version: int64(),
    timestamp: int64()
  }
})

export type ConsumerGroupRegularExpressionKey = KeyOf<typeof ConsumerGroupRegularExpression>
export type ConsumerGroupRegularExpressionValue = RecordValueOf<typeof ConsumerGroupRegularExpression>
