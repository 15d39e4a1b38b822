import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { codecIds, compress } from '../../protocol/compression/index.ts'
import { buildBatch } from '../../protocol/record.ts'
import { FeatureLevelRecord } from '../../protocol/records/cluster-metadata-log.ts'
import { ConsumerProtocolSubscription } from '../../protocol/records/consumer-protocol.ts'
import { encodeFramed, type FramedRecord } from '../../protocol/records/framed-record.ts'
import { GroupMetadata } from '../../protocol/records/group-metadata.ts'
import { OffsetCommit } from '../../protocol/records/offset-commit.ts'
import { encodeKey, encodeValue, encodeVersioned } from '../../protocol/records/record-type.ts'
import {
  RemoteLogSegmentMetadataRecord, RemotePartitionDeleteMetadataRecord
} from '../../protocol/records/remote-log-metadata.ts'
import { TransactionLog } from '../../protocol/records/transaction-log.ts'
import { make } from '../../protocol/schema.ts'
import { type RecordDecoder } from './dump.ts'
import { diskWith, dumped } from './dump.testing.ts'
import { plainDecoder, plainDecoderOf } from './plain-decoders.ts'
import {
  clusterMetadataDecoder, offsetsDecoder, remoteLogMetadataDecoder, transactionLogDecoder
} from './topic-decoders.ts'

const log = '00000000000000000000.log'

function shown (decoder: RecordDecoder, key: Buffer | null, value: Buffer | null): string {
  const batch = buildBatch({}, [{ key, value, timestamp: 1 }])
  const options = { decoder, printRecords: true, skipMetadata: true }
  const { out, error } = dumped(diskWith({ [log]: batch }), [log], options)
  return error === null ? out.at(-1) ?? '' : error.message
}

describe('records of internal topics', () => {
  const offsetKey = encodeKey(OffsetCommit, { group: 'g', topic: 't', partition: 2 })
  const offset = make(OffsetCommit.value, { offset: 5, commitTimestamp: 6 })
  const offsetValue = encodeValue(OffsetCommit, 3, offset)
  const offsetText = '| key: {"type":"1","data":{"group":"g","topic":"t","partition":2}} payload: '

  it('are JSON, deleted ones too', () => {
    expect(shown(offsetsDecoder, offsetKey, offsetValue)).toBe(
      `${offsetText}{"version":"3","data":{"offset":5,"leaderEpoch":-1,"metadata":"","commitTimestamp":6}}`)
    expect(shown(offsetsDecoder, offsetKey, null)).toBe(`${offsetText}<DELETE>`)
    const value = make(TransactionLog.value, { producerId: 4, transactionPartitions: null })
    expect(shown(transactionLogDecoder, encodeKey(TransactionLog, { transactionalId: 'x' }), encodeValue(TransactionLog, 1, value)))
      .toMatch(/^\| key: \{"type":"0","data":\{"transactionalId":"x"\}\} payload: \{"version":"1","data":\{"producerId":4,"producerEpoch"/)
  })

  it('show what consumers put into their groups, and bytes of others', () => {
    const subscription = encodeVersioned(ConsumerProtocolSubscription, 1, make(ConsumerProtocolSubscription, { topics: ['t'] }))
    const text = (protocolType: string) => {
      const value = make(GroupMetadata.value, { protocolType, members: [{ memberId: 'm', subscription }] })
      return shown(offsetsDecoder, encodeKey(GroupMetadata, { group: 'g' }), encodeValue(GroupMetadata, 3, value))
    }
    expect(text('consumer')).toContain('"subscription":{"topics":["t"],"userData":null,"ownedPartitions":[]},"assignment":""')
    expect(text('connect')).toContain(`"subscription":"${subscription.toString('base64')}"`)
  })

  it('that cannot be read say why, and the dump goes on', () => {
    const faults: [Buffer, Buffer | null, string][] = [
      [Buffer.from([0, 99]), null, 'Unknown record type 99 at offset 0, skipping.'],
      [Buffer.from([0]), null, "Error at offset 0, skipping. Could not read version from key's buffer."],
      [offsetKey, Buffer.from([1]), "Error at offset 0, skipping. Could not read version from value's buffer."],
      [offsetKey, Buffer.from([0, 9]), 'Error at offset 0, skipping. Found an unknown record version 9 for 1 type']
    ]
    for (const [key, value, text] of faults) expect(shown(offsetsDecoder, key, value)).toBe(`| key: ${text}`)
    expect(shown(offsetsDecoder, offsetKey, offsetValue.subarray(0, 9))).toMatch(
      /^\| key: Error at offset 0, skipping. Could not read record with version 3 from value's buffer due to: /)
    expect(shown(offsetsDecoder, null, offsetValue)).toBe(
      'Failed to decode message at offset 0 using the specified decoder (message had a missing key)')
  })

  it('of the metadata log say what they are', () => {
    const feature = encodeFramed(FeatureLevelRecord, 0, { name: 'f', featureLevel: 3 })
    const payload = (value: Buffer) => shown(clusterMetadataDecoder, null, value).replace('| payload: ', '')
    expect(payload(feature)).toBe('{"type":"FEATURE_LEVEL_RECORD","version":0,"data":{"name":"f","featureLevel":3}}')
    expect(payload(Buffer.concat([feature, Buffer.alloc(2)]))).toBe('Error at 0, skipping. Found 2 byte(s) of garbage after 12')
    expect(payload(Buffer.from([1, 99, 0]))).toMatch(/^Error at 0, skipping. .*Unknown metadata id 99$/)
    expect(payload(Buffer.from([7]))).toMatch(/unknown frame version 7\(only frame version 1 is supported\)$/)
    expect(payload(Buffer.from([0]))).toMatch(/with frame version 0\. Note/)
    expect(payload(Buffer.alloc(0))).toBe('Error at 0, skipping. Error while reading frame version')
    expect(payload(feature.subarray(0, 4))).toMatch(/Failed to deserialize record with type 12: /)
  })

  it('of remote storage read as Kafka writes such things', () => {
    const topicIdPartition = { name: 't', id: '00010203-0405-0607-0809-0a0b0c0d0e0f', partition: 3 }
    const text = (record: FramedRecord<any>, partial: object) =>
      shown(remoteLogMetadataDecoder, null, encodeFramed(record, 0, make(record.message, partial)))
    const removal = { topicIdPartition, brokerId: 1, remotePartitionDeleteState: 2 }
    expect(text(RemotePartitionDeleteMetadataRecord, removal)).toBe(
      '| payload: RemotePartitionDeleteMetadata{topicPartition=AAECAwQFBgcICQoLDA0ODw:t-3, ' +
      'state=DELETE_PARTITION_FINISHED, eventTimestampMs=0, brokerId=1}')
    expect(text(RemoteLogSegmentMetadataRecord, {
      remoteLogSegmentId: { topicIdPartition, id: topicIdPartition.id },
      endOffset: 9,
      segmentLeaderEpochs: [{ leaderEpoch: 2, offset: 5 }, { leaderEpoch: 1, offset: 0 }],
      customMetadata: Buffer.alloc(3)
    })).toBe(
      '| payload: RemoteLogSegmentMetadata{remoteLogSegmentId=RemoteLogSegmentId{topicIdPartition=' +
      'AAECAwQFBgcICQoLDA0ODw:t-3, id=AAECAwQFBgcICQoLDA0ODw}, startOffset=0, endOffset=9, brokerId=0, ' +
      'maxTimestampMs=0, eventTimestampMs=0, segmentLeaderEpochs={1=0, 2=5}, segmentSizeInBytes=0, ' +
      'customMetadata=Optional[CustomMetadata{3 bytes}], state=COPY_SEGMENT_STARTED, txnIdxEmpty=false}')
  })
})

describe('keys and values', () => {
  it('are text, bytes or numbers, by the names of classes', () => {
    const text = (name: string, value: Buffer) => {
      const decoder = plainDecoderOf(name)
      return decoder === undefined ? name : shown(plainDecoder(decoder, decoder), null, value)
    }
    expect(text('org.apache.kafka.tools.api.StringDecoder', Buffer.from('ä'))).toBe('| payload: ä')
    expect(text('org.apache.kafka.tools.api.IntegerDecoder', Buffer.from('fffffffe', 'hex'))).toBe('| payload: -2')
    expect(text('LongDecoder', Buffer.from('7fffffffffffffff', 'hex'))).toBe('| payload: 9223372036854775807')
    expect(text('DefaultDecoder', Buffer.from([1, 255]))).toBe('| payload: 01ff')
    expect(text('LongDecoder', Buffer.alloc(5))).toBe('Failed to decode message at offset 0: 5 bytes are no number of 8 bytes')
    expect(plainDecoderOf('toString')).toBeUndefined()
    expect(plainDecoderOf('no.such.Decoder')).toBeUndefined()
  })
})

describe('messages of the formats before batches', () => {
  function message (magic: number, offset: number, attributes: number, value: Buffer): Buffer {
    const time = magic === 0 ? Buffer.alloc(0) : Buffer.from('000000000000007b', 'hex')
    const lengths = Buffer.alloc(8)
    lengths.writeInt32BE(-1, 0)
    lengths.writeInt32BE(value.length, 4)
    const body = Buffer.concat([Buffer.from([magic, attributes]), time, lengths, value])
    const head = Buffer.alloc(16)
    head.writeBigInt64BE(BigInt(offset), 0)
    head.writeInt32BE(body.length + 4, 8)
    head.writeUInt32BE(crc32(body), 12)
    return Buffer.concat([head, body])
  }

  it('are a line each', () => {
    const plain = message(0, 3, 0, Buffer.from('a'))
    const timed = message(1, 4, 0x08, Buffer.from('b'))
    const { out } = dumped(diskWith({ [log]: Buffer.concat([plain, timed]) }), [log], { printRecords: true })
    const crc = plain.readUInt32BE(12)
    expect(out.slice(2)).toEqual([
      `offset: 3 position: 0 NoTimestampType: -1 size: 27 magic: 0 compresscodec: none crc: ${crc} isvalid: true`,
      `| offset: 3 NoTimestampType: -1 keySize: -1 valueSize: 1 isValid: true crc: ${crc} payload: a`,
      `offset: 4 position: 27 LogAppendTime: 123 size: 35 magic: 1 compresscodec: none crc: ${timed.readUInt32BE(12)} isvalid: true`,
      `| offset: 4 LogAppendTime: 123 keySize: -1 valueSize: 1 isValid: true crc: ${timed.readUInt32BE(12)} payload: b`
    ])
  })

  it('hold others when they are compressed', () => {
    const inner = Buffer.concat([message(1, 0, 0, Buffer.from('a')), message(1, 1, 0, Buffer.from('b'))])
    const outer = message(1, 11, codecIds.gzip, Buffer.from(compress(codecIds.gzip, inner)))
    const { out } = dumped(diskWith({ [log]: outer }), [log], { printRecords: true })
    expect(out.slice(3).map(line => line.replace(/ CreateTime.*payload/, ''))).toEqual(['| offset: 10: a', '| offset: 11: b'])
    const cut = message(1, 11, codecIds.gzip, Buffer.from(compress(codecIds.gzip, inner.subarray(0, 40))))
    expect(dumped(diskWith({ [log]: cut }), [log], { printRecords: true }).error?.message)
      .toMatch(/^The batch at position 0 of file .* cut short/)
  })
})
