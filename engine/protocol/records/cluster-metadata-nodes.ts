// Records of the cluster's metadata log about brokers and controllers: who is registered, who is fenced.
import { framedRecord } from './framed-record.ts'
import { array, bool, int16, int32, int64, int8, string, uint16, uuid } from '../schema.ts'

const endPoint = {
  name: string(),
  host: string(),
  port: uint16(),
  securityProtocol: int16()
}

const feature = {
  name: string(),
  minSupportedVersion: int16(),
  maxSupportedVersion: int16()
}

export const RegisterBrokerRecord = framedRecord('RegisterBrokerRecord', {
  type: 0,
  versions: [0, 4],
  fields: {
    brokerId: int32(),
    isMigratingZkBroker: bool().since(2),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array(endPoint),
    features: array(feature),
    rack: string().nullable(),
    fenced: bool().orElse(true),
    inControlledShutdown: bool().since(1),
    logDirs: array(uuid()).since(3).tag(0),
    cordonedLogDirs: array(uuid()).since(4).nullable().tag(1).orElse(null)
  }
})

export const UnregisterBrokerRecord = framedRecord('UnregisterBrokerRecord', {
  type: 1,
  versions: [0, 0],
  fields: {
    brokerId: int32(),
    brokerEpoch: int64()
  }
})

export const FenceBrokerRecord = framedRecord('FenceBrokerRecord', {
  type: 7,
  versions: [0, 0],
  fields: {
    id: int32(),
    epoch: int64()
  }
})

export const UnfenceBrokerRecord = framedRecord('UnfenceBrokerRecord', {
  type: 8,
  versions: [0, 0],
  fields: {
    id: int32(),
    epoch: int64()
  }
})

export const BrokerRegistrationChangeRecord = framedRecord('BrokerRegistrationChangeRecord', {
  type: 17,
  versions: [0, 3],
  fields: {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8().tag(0),
    inControlledShutdown: int8().since(1).tag(1),
    logDirs: array(uuid()).since(2).tag(2),
    cordonedLogDirs: array(uuid()).since(3).nullable().tag(3).orElse(null)
  }
})

export const RegisterControllerRecord = framedRecord('RegisterControllerRecord', {
  type: 27,
  versions: [0, 0],
  fields: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array(endPoint),
    features: array(feature)
  }
})

export const UnregisterControllerRecord = framedRecord('UnregisterControllerRecord', {
  type: 29,
  versions: [0, 0],
  fields: {
    controllerId: int32()
  }
})
