// DescribeConfigs, v1–v4. Settings of topics, brokers, groups, client metrics: value, source, synonyms.
//   v3  type and documentation      v4  flexible
import {
  api, array, bool, errorCode, int32, int8, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const DescribeConfigs = api('DescribeConfigs', {
  key: 32,
  versions: [1, 4],
  flexibleSince: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string()).nullable()
    }),
    includeSynonyms: bool(),
    includeDocumentation: bool().since(3)
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: errorCode(),
      errorMessage: string().nullable(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string().nullable(),
        readOnly: bool(),
        configSource: int8().orElse(-1),
        isSensitive: bool(),
        synonyms: array({
          name: string(),
          value: string().nullable(),
          source: int8()
        }),
        configType: int8().since(3),
        documentation: string().since(3).nullable()
      })
    })
  }
})

export type DescribeConfigsRequest = RequestOf<typeof DescribeConfigs>
export type DescribeConfigsResponse = ResponseOf<typeof DescribeConfigs>
