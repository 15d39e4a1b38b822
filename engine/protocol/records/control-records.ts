// What control batches hold: ends of transactions in any log, and the notes that the metadata log and its
// snapshots take of themselves. The key says which it is: | int16 version | int16 type |
// An end of a transaction leads with its int16 version; the others have theirs as their first field, and are
// all written in version 0 of the schema.
import { array, int16, int32, int64, message, string, struct, uint16, uuid } from '../schema.ts'

/** The type in the key. */
export const controlTypes = {
  abort: 0,
  commit: 1,
  leaderChange: 2,
  snapshotHeader: 3,
  snapshotFooter: 4,
  kraftVersion: 5,
  kraftVoters: 6
} as const

export const EndTxnMarker = message('EndTxnMarker', {
  versions: [0, 0],
  fields: {
    coordinatorEpoch: int32()
  }
})

export const LeaderChangeMessage = message('LeaderChangeMessage', {
  versions: [0, 1],
  flexibleSince: 0,
  fields: {
    version: int16(),
    leaderId: int32(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid().since(1)
    }),
    grantingVoters: array({
      voterId: int32(),
      voterDirectoryId: uuid().since(1)
    })
  }
})

export const SnapshotHeaderRecord = message('SnapshotHeaderRecord', {
  versions: [0, 0],
  flexibleSince: 0,
  fields: {
    version: int16(),
    lastContainedLogTimestamp: int64()
  }
})

export const SnapshotFooterRecord = message('SnapshotFooterRecord', {
  versions: [0, 0],
  flexibleSince: 0,
  fields: {
    version: int16()
  }
})

export const KRaftVersionRecord = message('KRaftVersionRecord', {
  versions: [0, 0],
  flexibleSince: 0,
  fields: {
    version: int16(),
    kRaftVersion: int16()
  }
})

export const VotersRecord = message('VotersRecord', {
  versions: [0, 0],
  flexibleSince: 0,
  fields: {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({
        name: string(),
        host: string(),
        port: uint16()
      }),
      kRaftVersionFeature: struct({
        minSupportedVersion: int16(),
        maxSupportedVersion: int16()
      })
    })
  }
})
