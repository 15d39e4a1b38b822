// Records of the cluster's metadata log about who may do what, and how much of it.
import { framedRecord } from './framed-record.ts'
import { array, bool, bytes, float64, int32, int64, int8, string, uuid } from '../schema.ts'

export const AccessControlEntryRecord = framedRecord('AccessControlEntryRecord', {
  type: 18,
  versions: [0, 0],
  fields: {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8()
  }
})

export const RemoveAccessControlEntryRecord = framedRecord('RemoveAccessControlEntryRecord', {
  type: 19,
  versions: [0, 0],
  fields: {
    id: uuid()
  }
})

export const UserScramCredentialRecord = framedRecord('UserScramCredentialRecord', {
  type: 11,
  versions: [0, 0],
  fields: {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32()
  }
})

export const RemoveUserScramCredentialRecord = framedRecord('RemoveUserScramCredentialRecord', {
  type: 22,
  versions: [0, 0],
  fields: {
    name: string(),
    mechanism: int8()
  }
})

export const DelegationTokenRecord = framedRecord('DelegationTokenRecord', {
  type: 10,
  versions: [0, 0],
  fields: {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string()
  }
})

export const RemoveDelegationTokenRecord = framedRecord('RemoveDelegationTokenRecord', {
  type: 26,
  versions: [0, 0],
  fields: {
    tokenId: string()
  }
})

export const ClientQuotaRecord = framedRecord('ClientQuotaRecord', {
  type: 14,
  versions: [0, 0],
  fields: {
    entity: array({
      entityType: string(),
      entityName: string().nullable()
    }),
    key: string(),
    value: float64(),
    remove: bool()
  }
})
