// What consumers of the classic protocol put into JoinGroup and SyncGroup, behind an int16 version. The
// broker looks in only to see which topics a group reads; encodeVersioned and decodeVersioned add and take
// the version.
//   v1  partitions owned so far      v2  generation they are from      v3  rack
import { decode } from '../compile.ts'
import { array, bytes, int32, message, string, type Received, type ValueOf } from '../schema.ts'
import { Reader } from '../wire.ts'

export const ConsumerProtocolSubscription = message('ConsumerProtocolSubscription', {
  versions: [0, 3],
  fields: {
    topics: array(string()),
    userData: bytes().nullable().orElse(null),
    ownedPartitions: array({
      topic: string(),
      partitions: array(int32())
    }).since(1),
    generationId: int32().since(2).orElse(-1),
    rackId: string().since(3).nullable().orElse(null)
  }
})

export type ConsumerProtocolSubscriptionValue = ValueOf<typeof ConsumerProtocolSubscription>

export const ConsumerProtocolAssignment = message('ConsumerProtocolAssignment', {
  versions: [0, 3],
  fields: {
    assignedPartitions: array({
      topic: string(),
      partitions: array(int32())
    }),
    userData: bytes().nullable().orElse(null)
  }
})

export type ConsumerProtocolAssignmentValue = ValueOf<typeof ConsumerProtocolAssignment>

/** A version from the future is read as the newest known one: what it adds comes at the end. */
export function decodeSubscription (bytes: Buffer): Received<ConsumerProtocolSubscriptionValue> {
  const version = bytes.length < 2 ? 0 : bytes.readInt16BE(0)
  const readable = Math.min(version, ConsumerProtocolSubscription.versions[1])
  return decode(ConsumerProtocolSubscription, readable, new Reader(bytes, Math.min(2, bytes.length)))
}
