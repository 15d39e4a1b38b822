import { describe, expect, it } from 'vitest'
import { make } from '../schema.ts'
import { clusterMetadataRecords } from './cluster-metadata.ts'
import { FeatureLevelRecord } from './cluster-metadata-log.ts'
import { PartitionChangeRecord, TopicRecord } from './cluster-metadata-topics.ts'
import { decodeFramed, encodeFramed, FrameError } from './framed-record.ts'

const feature = encodeFramed(FeatureLevelRecord, 0, { name: 'f', featureLevel: 3 })

function faultOf (bytes: Buffer): Partial<FrameError> {
  try {
    decodeFramed(clusterMetadataRecords, bytes)
  } catch (error) {
    if (error instanceof FrameError) return { part: error.part, found: error.found }
  }
  return {}
}

describe('records that say themselves what they are', () => {
  it('lead with frame version, type and version', () => {
    expect(feature.toString('hex')).toBe('010c00' + '0266' + '0003' + '00')
    const { record, version, value, bytesLeft } = decodeFramed(clusterMetadataRecords, feature)
    expect([record, version, bytesLeft]).toEqual([FeatureLevelRecord, 0, 0])
    expect(value).toEqual({ name: 'f', featureLevel: 3 })
  })

  it('come back in every version', () => {
    const partial = { partitionId: 4, leader: 2, isr: [2], lastKnownElr: [1] }
    const change = make(PartitionChangeRecord.message, partial)
    const read = decodeFramed(clusterMetadataRecords, encodeFramed(PartitionChangeRecord, 2, change))
    expect(read).toMatchObject({ version: 2, value: change })
    const before = { ...change, lastKnownElr: null }
    const old = decodeFramed(clusterMetadataRecords, encodeFramed(PartitionChangeRecord, 0, before))
    expect(old.value).toEqual(before)
  })

  it('say how far they could be read', () => {
    expect(faultOf(Buffer.alloc(0))).toEqual({ part: 'frame version', found: null })
    expect(faultOf(Buffer.from([2, 12, 0]))).toEqual({ part: 'frame version', found: 2 })
    expect(faultOf(Buffer.from([1]))).toEqual({ part: 'type', found: null })
    expect(faultOf(Buffer.from([1, 99, 0]))).toEqual({ part: 'type', found: 99 })
    expect(faultOf(Buffer.from([1, 12]))).toEqual({ part: 'version', found: null })
    expect(faultOf(Buffer.from([1, 12, 9, 0]))).toEqual({ part: 'fields', found: FeatureLevelRecord.type })
    expect(faultOf(feature.subarray(0, 5))).toEqual({ part: 'fields', found: FeatureLevelRecord.type })
    const twice = Buffer.concat([feature, feature])
    expect(decodeFramed(clusterMetadataRecords, twice).bytesLeft).toBe(feature.length)
  })

  it('have a type each', () => {
    const types = clusterMetadataRecords.map(record => record.type)
    expect(new Set(types).size).toBe(types.length)
    expect(TopicRecord.type).toBe(2)
  })
})
