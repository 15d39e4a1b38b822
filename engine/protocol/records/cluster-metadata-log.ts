// Records of the cluster's metadata log about the log itself and the cluster as a whole.
import { framedRecord } from './framed-record.ts'
import { int16, int32, int64, int8, string } from '../schema.ts'

export const BeginTransactionRecord = framedRecord('BeginTransactionRecord', {
  type: 23,
  versions: [0, 0],
  fields: {
    name: string().nullable().tag(0).orElse(null)
  }
})

export const EndTransactionRecord = framedRecord('EndTransactionRecord', {
  type: 24,
  versions: [0, 0],
  fields: {}
})

export const AbortTransactionRecord = framedRecord('AbortTransactionRecord', {
  type: 25,
  versions: [0, 0],
  fields: {
    reason: string().nullable().tag(0).orElse(null)
  }
})

export const NoOpRecord = framedRecord('NoOpRecord', {
  type: 20,
  versions: [0, 0],
  fields: {}
})

export const FeatureLevelRecord = framedRecord('FeatureLevelRecord', {
  type: 12,
  versions: [0, 0],
  fields: {
    name: string(),
    featureLevel: int16()
  }
})

export const ProducerIdsRecord = framedRecord('ProducerIdsRecord', {
  type: 15,
  versions: [0, 0],
  fields: {
    brokerId: int32(),
    brokerEpoch: int64().orElse(-1),
    nextProducerId: int64()
  }
})

export const ZkMigrationStateRecord = framedRecord('ZkMigrationStateRecord', {
  type: 21,
  versions: [0, 0],
  fields: {
    zkMigrationState: int8()
  }
})
