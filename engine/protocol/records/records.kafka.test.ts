// Internal topics and snapshots as a Kafka broker left them on disk, where samples lie beside the checkout.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConsumerProtocolAssignment, decodeSubscription } from './consumer-protocol.ts'
import { ConsumerGroupMemberMetadata } from './consumer-group-member-metadata.ts'
import { GroupMetadata } from './group-metadata.ts'
import {
  consumerOffsetsRecords, recordOfType, shareGroupStateRecords, transactionStateRecords
} from './index.ts'
import { OffsetCommit } from './offset-commit.ts'
import { ProducerSnapshot } from './producer-snapshot.ts'
import {
  type AnyRecordType, decodeKey, decodeValue, decodeVersioned, encodeKey, encodeValue, encodeVersioned,
  typeOfKey
} from './record-type.ts'
import { make } from '../schema.ts'
import { ProtocolError } from '../wire.ts'

const folder = join(import.meta.dirname, '../../../../shared/clidiff/fixtures')
const isThere = existsSync(folder)
if (!isThere) console.warn('skipped: there are no files of Kafka beside this checkout to read')

/** Keys and values of a segment's records; its batches are neither compressed nor control batches here. */
function * recordsOf (segment: Buffer): Generator<{ key: Buffer, value: Buffer | null }> {
  const headerBytes = 61
  for (let batch = 0; batch < segment.length; batch += 12 + segment.readInt32BE(batch + 8)) {
    const isControl = (segment.readInt16BE(batch + 21) & 0x20) !== 0
    let at = batch + headerBytes
    const varint = () => {
      let raw = 0
      for (let shift = 0; ; shift += 7) {
        const byte = segment[at++]
        raw += (byte & 0x7f) * 2 ** shift
        if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      }
    }
    const field = () => {
      const length = varint()
      if (length < 0) return null
      at += length
      return segment.subarray(at - length, at)
    }
    for (let left = isControl ? 0 : segment.readInt32BE(batch + 57); left > 0; left--) {
      const length = varint()
      const end = at + length
      at++ // attributes
      varint() // timestamp delta
      varint() // offset delta
      const key = field()
      if (key !== null) yield { key, value: field() }
      at = end
    }
  }
}

function segmentsOf (topic: string, extension: string): Buffer[] {
  const names = readdirSync(join(folder, topic)).filter(name => name.endsWith(extension))
  return names.map(name => readFileSync(join(folder, topic, name)))
}

describe.skipIf(!isThere)('records that Kafka wrote', () => {
  const topics: [string, readonly AnyRecordType[], number][] = [
    ['__consumer_offsets-0', consumerOffsetsRecords, 8],
    ['__transaction_state-0', transactionStateRecords, 1],
    ['__share_group_state-0', shareGroupStateRecords, 1]
  ]
  for (const [topic, types, atLeast] of topics) {
    it(`of ${topic} come out as the same bytes again`, () => {
      const seen = new Set<string>()
      for (const { key, value } of segmentsOf(topic, '.log').flatMap(segment => [...recordsOf(segment)])) {
        const record = recordOfType(types, typeOfKey(key))
        expect(record, key.toString('hex')).toBeDefined()
        if (record === undefined) continue
        seen.add(record.name)
        expect(encodeKey(record, decodeKey(record, key)).toString('hex')).toBe(key.toString('hex'))
        if (value === null) continue
        const read = decodeValue(record, value)
        const again = encodeValue(record, read.version, read.value)
        expect(again.toString('hex'), record.name).toBe(value.toString('hex'))
      }
      expect(seen.size).toBeGreaterThanOrEqual(atLeast)
    })
  }

  it('of producer snapshots too', () => {
    const partitions = ['mixed-0', 'small-0', '__transaction_state-0']
    for (const bytes of partitions.flatMap(name => segmentsOf(name, '.snapshot'))) {
      const { version, value } = decodeVersioned(ProducerSnapshot, bytes)
      expect(version).toBe(1)
      expect(encodeVersioned(ProducerSnapshot, 1, value).equals(bytes)).toBe(true)
    }
  })
})

describe('records of internal topics', () => {
  it('lead with the type of the key and the version of the value', () => {
    const key = encodeKey(OffsetCommit, { group: 'g', topic: 't', partition: 2 })
    expect(key.toString('hex')).toBe('0001' + '000167' + '000174' + '00000002')
    expect(typeOfKey(key)).toBe(1)
    expect(decodeKey(OffsetCommit, key)).toEqual({ group: 'g', topic: 't', partition: 2 })
    const committed = make(OffsetCommit.value, { offset: 5, metadata: 'm', commitTimestamp: 6 })
    const value = encodeValue(OffsetCommit, 3, committed)
    expect(value.readInt16BE(0)).toBe(3)
    expect(decodeValue(OffsetCommit, value)).toEqual({ version: 3, value: committed })
  })

  it('are refused when they are others, from the future or cut short', () => {
    expect(() => decodeKey(GroupMetadata, Buffer.from('0001000167', 'hex'))).toThrow(ProtocolError)
    expect(() => decodeValue(GroupMetadata, Buffer.from('0005', 'hex'))).toThrow(ProtocolError)
    expect(() => decodeValue(ConsumerGroupMemberMetadata, Buffer.from('00', 'hex'))).toThrow(ProtocolError)
    expect(() => typeOfKey(Buffer.alloc(1))).toThrow(ProtocolError)
  })

  it('subscriptions of a later version are read as far as they are known', () => {
    const known = '0003' + '00000001' + '000174' + 'ffffffff' + '00000000' + 'ffffffff' + 'ffff'
    const later = Buffer.from(known.replace(/^0003/, '0009') + 'beef', 'hex')
    expect(decodeSubscription(later)).toEqual(decodeSubscription(Buffer.from(known, 'hex')))
    expect(decodeSubscription(later).topics).toEqual(['t'])
    expect(() => decodeSubscription(Buffer.from('00', 'hex'))).toThrow(ProtocolError)
    const assignment = { assignedPartitions: [{ topic: 't', partitions: [0, 1] }], userData: null }
    const bytes = encodeVersioned(ConsumerProtocolAssignment, 1, assignment)
    expect(decodeVersioned(ConsumerProtocolAssignment, bytes)).toEqual({ version: 1, value: assignment })
  })
})
