// ApiVersions, v0–v5. Which APIs and versions the broker speaks. Its answer's header stays at version 0 for
// ever.
//   v1  throttle time      v3  flexible; name of the client software, features
//   v4  features may start at version 0      v5  the client says which cluster and node it means
import {
  api, array, bool, errorCode, int16, int32, int64, string, type RequestOf, type ResponseOf
} from '../schema.ts'

export const ApiVersions = api('ApiVersions', {
  key: 18,
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    clientSoftwareName: string().since(3),
    clientSoftwareVersion: string().since(3),
    clusterId: string().since(5).nullable().orElse(null),
    nodeId: int32().since(5).orElse(-1)
  },
  response: {
    errorCode: errorCode(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16()
    }),
    throttleTimeMs: int32().since(1),
    supportedFeatures: array({
      name: string(),
      minVersion: int16(),
      maxVersion: int16()
    }).since(3).tag(0),
    finalizedFeaturesEpoch: int64().since(3).tag(1).orElse(-1),
    finalizedFeatures: array({
      name: string(),
      maxVersionLevel: int16(),
      minVersionLevel: int16()
    }).since(3).tag(2),
    zkMigrationReady: bool().since(3).tag(3)
  }
})

export type ApiVersionsRequest = RequestOf<typeof ApiVersions>
export type ApiVersionsResponse = ResponseOf<typeof ApiVersions>
