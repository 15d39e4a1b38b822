// AlterClientQuotas, v0–v1. Sets and removes quotas.
//   v1  flexible
import {
  api, array, bool, errorCode, float64, int32, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const AlterClientQuotas = api('AlterClientQuotas', {
  key: 49,
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    entries: array({
      entity: array({
        entityType: string(),
        entityName: string().nullable()
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: bool()
      })
    }),
    validateOnly: bool()
  },
  response: {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      entity: array({
        entityType: string(),
        entityName: string().nullable()
      })
    })
  }
})

export type AlterClientQuotasRequest = RequestOf<typeof AlterClientQuotas>
export type AlterClientQuotasResponse = ResponseOf<typeof AlterClientQuotas>
