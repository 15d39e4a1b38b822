// Random values of a schema, as far as one version can carry them: what it lacks holds its default.
import fc from 'fast-check'
import { type AnyMessage, type Fields, type Node, fallbackOf, isCarried, isNullable } from '../schema.ts'
import { allApis } from '../messages/index.ts'
import { consumerOffsetsRecords, shareGroupStateRecords, transactionStateRecords } from '../records/index.ts'
import { AbortedTxn } from '../records/aborted-txn.ts'
import { clusterMetadataRecords } from '../records/cluster-metadata.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../records/consumer-protocol.ts'
import {
  EndTxnMarker, KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord, SnapshotHeaderRecord,
  VotersRecord
} from '../records/control-records.ts'
import { ProducerSnapshot } from '../records/producer-snapshot.ts'
import { remoteLogMetadataRecords } from '../records/remote-log-metadata.ts'

/** Every message of the protocol layer: both directions of all APIs, keys and values of all records. */
export const allMessages: readonly AnyMessage[] = [
  ...allApis.flatMap(api => [api.request, api.response]),
  ...[...consumerOffsetsRecords, ...transactionStateRecords, ...shareGroupStateRecords]
    .flatMap(record => [record.key, record.value]),
  ...[...clusterMetadataRecords, ...remoteLogMetadataRecords].map(record => record.message),
  EndTxnMarker, LeaderChangeMessage, SnapshotHeaderRecord, SnapshotFooterRecord, KRaftVersionRecord,
  VotersRecord, ConsumerProtocolSubscription, ConsumerProtocolAssignment, ProducerSnapshot, AbortedTxn
]

export function versionsOf ({ versions: [first, last] }: { versions: readonly [number, number] }): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

const safe = Number.MAX_SAFE_INTEGER
const numbers: Record<string, fc.Arbitrary<unknown>> = {
  bool: fc.boolean(),
  int8: fc.integer({ min: -128, max: 127 }),
  int16: fc.integer({ min: -32768, max: 32767 }),
  uint16: fc.integer({ min: 0, max: 65535 }),
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 4294967295 }),
  int64: fc.integer({ min: -safe, max: safe }),
  int64Saturated: fc.integer({ min: -safe, max: safe }),
  int64Bits: fc.uint8Array({ minLength: 8, maxLength: 8 }).map(bytes => Buffer.from(bytes).toString('hex')),
  float64: fc.double({ noNaN: true }),
  uuid: fc.uuid(),
  string: fc.oneof(
    { weight: 8, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
    // Long enough that a compact length, and a tag around it, need a second byte.
    { weight: 1, arbitrary: fc.string({ minLength: 126, maxLength: 200 }) }
  ),
  bytes: fc.uint8Array({ maxLength: 9 }).map(bytes => Buffer.from(bytes)),
  records: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes))
}

export function valueOf (message: AnyMessage, version: number): fc.Arbitrary<Record<string, unknown>> {
  return structOf(message.fields, version, 0)
}

function structOf (fields: Fields, version: number, depth: number): fc.Arbitrary<Record<string, unknown>> {
  const parts: Record<string, fc.Arbitrary<unknown>> = {}
  for (const [name, field] of Object.entries(fields)) {
    const fallback = fallbackOf(field)
    if (!isCarried(field, version)) {
      parts[name] = fc.constant(fallback)
      continue
    }
    const any = nodeOf(field.node, version, depth)
    const orNull = isNullable(field, version) ? fc.option(any, { nil: null, freq: 3 }) : any
    parts[name] = field.presence.tag < 0 ? orNull : fc.oneof(orNull, fc.constant(fallback))
  }
  return fc.record(parts, { noNullPrototype: true })
}

function nodeOf (node: Node, version: number, depth: number): fc.Arbitrary<unknown> {
  switch (node.kind) {
    case 'struct': return structOf(node.fields, version, depth)
    case 'array': return fc.array(nodeOf(node.of, version, depth + 1), { maxLength: depth === 0 ? 4 : 2 })
    default: return numbers[node.kind]
  }
}
