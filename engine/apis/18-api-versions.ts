// ApiVersions, v0–v5. What this broker speaks; clients choose their protocols by it. An unknown version
// never gets here: dispatch answers it in version 0.
//   v3  the client names itself; features      v5  which cluster and broker the client believes to speak to
import { type ApiVersions, type ApiVersionsResponse } from '../protocol/messages/18-api-versions.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Handler, type ServedApi } from './context.ts'

/**
 * Levels as of Kafka 4.4. A feature is named once what it promises is built: clients choose their group
 * protocol and their kind of transactions by these.
 */
const supported = [
  { name: 'metadata.version', minVersion: 7, maxVersion: 33 },
  { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
  { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 }
]
const finalized = [
  { name: 'metadata.version', minVersionLevel: 33, maxVersionLevel: 33 },
  { name: 'eligible.leader.replicas.version', minVersionLevel: 1, maxVersionLevel: 1 }
]

/** As Kafka: letters and digits, inside also dots and hyphens. */
const softwareName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/

const rangesOf = new WeakMap<readonly ServedApi[], ApiVersionsResponse['apiKeys']>()

export const apiVersions: Handler<typeof ApiVersions> = (request, context) => {
  const { version, catalog } = context
  if (version >= 3) {
    const { clientSoftwareName: name, clientSoftwareVersion } = request
    const isValid = softwareName.test(name) && softwareName.test(clientSoftwareVersion)
    if (!isValid) return refusal(errorCodes.INVALID_REQUEST)
    context.clientSoftware = { name, version: clientSoftwareVersion }
  }
  const { clusterId, nodeId } = request
  if (clusterId !== null && clusterId !== catalog.clusterId) return refusal(errorCodes.INVALID_REQUEST)
  if (nodeId !== -1 && nodeId !== context.brokerId) return refusal(errorCodes.REBOOTSTRAP_REQUIRED)
  return {
    errorCode: errorCodes.NONE,
    apiKeys: ranges(context.served),
    throttleTimeMs: 0,
    // Before version 4 a feature that starts at 0 would be refused by the client.
    supportedFeatures: version >= 4 ? supported : supported.filter(feature => feature.minVersion > 0),
    finalizedFeaturesEpoch: 1,
    finalizedFeatures: finalized,
    zkMigrationReady: false
  }
}

function ranges (served: readonly ServedApi[]): ApiVersionsResponse['apiKeys'] {
  let known = rangesOf.get(served)
  if (known === undefined) {
    known = served.map(({ api, listedFrom, latest }) => {
      return { apiKey: api.key, minVersion: listedFrom, maxVersion: latest }
    })
    rangesOf.set(served, known)
  }
  return known
}

function refusal (errorCode: number): ApiVersionsResponse {
  return {
    errorCode,
    apiKeys: [],
    throttleTimeMs: 0,
    supportedFeatures: [],
    finalizedFeaturesEpoch: -1,
    finalizedFeatures: [],
    zkMigrationReady: false
  }
}
