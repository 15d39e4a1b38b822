// DescribeClientQuotas, v0–v1. Quotas that match a filter of users, client ids and addresses.
//   v1  flexible
import {
  api, array, bool, errorCode, float64, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeClientQuotas = api('DescribeClientQuotas', {
  key: 48,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: string().nullable()
    }),
    strict: bool()
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: errorCode(),
    errorMessage: string().nullable(),
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string().nullable()
      }),
      values: array({
        key: string(),
        value: float64()
      })
    }).nullable()
  }
})

export type DescribeClientQuotasRequest = RequestOf<typeof DescribeClientQuotas>
export type DescribeClientQuotasResponse = ResponseOf<typeof DescribeClientQuotas>
