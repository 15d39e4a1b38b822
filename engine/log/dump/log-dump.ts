// Dumps a .log, or the .checkpoint of a metadata log: a line for each batch, and one for each of its records.
import { type Disk } from '../../base/disk.ts'
import { codecNames, CompressionError } from '../../protocol/compression/index.ts'
import { int64Text, int64TextAt } from '../../protocol/int64-text.ts'
import { type DecodedRecord, readRecords, RecordError, recordsOf } from '../../protocol/record.ts'
import {
  addSequence, BatchHeader, batchHeader, readBatchHeader
} from '../../protocol/record-batch.ts'
import { RecordWalk, walkRecords, walkResults, walkTexts } from '../../protocol/record-walk.ts'
import { ProtocolError } from '../../protocol/wire.ts'
import { controlText } from './control-text.ts'
import { type Findings } from './findings.ts'
import {
  legacyCodec, legacyHeadBytes, type LegacyRecord, legacyRecords, legacyTimestamp, legacyTimestampType
} from './legacy.ts'
import { SegmentReader } from './segment-reader.ts'
import { type DumpOptions, DumpError, everyByte } from './types.ts'

export interface LogDump {
  readonly disk: Disk
  readonly path: string
  /** The file's name without its folder. */
  readonly name: string
  /** The path from the root, for findings. */
  readonly wholePath: string
  readonly options: DumpOptions
  readonly findings: Findings
}

export function * dumpLog (dump: LogDump): Generator<string, void> {
  const { options } = dump
  const reader = new SegmentReader(dump.disk, dump.path, options.bytesMax)
  try {
    let lastOffset = -1
    while (reader.next()) {
      yield batchLine(reader)
      if (!options.deep) continue
      if (!isExact(reader)) {
        dump.findings.note(`The records of the batch at position ${reader.position} of file ${dump.path} are ` +
          'not shown: its offset or times are beyond 2^53')
        continue
      }
      for (const record of recordsIn(reader)) {
        if (record.offset !== lastOffset + 1) {
          dump.findings.add(`Non-consecutive offsets in ${dump.wholePath}`,
            `  ${lastOffset} is followed by ${record.offset}`)
        }
        lastOffset = record.offset
        yield * recordPieces(record, reader, options)
      }
    }
    const trailing = reader.end - reader.position
    if (trailing > 0 && options.bytesMax === everyByte) {
      yield `Found ${trailing} invalid bytes at the end of ${dump.name}\n`
    }
  } finally {
    reader.close()
  }
}

function batchLine (reader: SegmentReader): string {
  const { crc, magic, position, batchBytes } = reader
  const isValid = reader.isValid()
  const what = reader.isLegacy ? legacyParts(reader) : currentParts(reader.header())
  return `${what.start} position: ${position} ${what.time} size: ${batchBytes} magic: ${magic} ` +
    `compresscodec: ${codecNames[what.codec] ?? `unknown(${what.codec})`} crc: ${crc} isvalid: ${isValid}\n`
}

interface BatchParts {
  readonly start: string
  readonly time: string
  readonly codec: number
}

function currentParts (bytes: Buffer): BatchParts {
  const header = readBatchHeader(bytes, 0)
  const low = bytes.readUInt32BE(batchHeader.baseOffset + 4) + header.lastOffsetDelta
  const lastOffset = int64Text(bytes.readInt32BE(0) + Math.floor(low / 4294967296) | 0, low >>> 0)
  const horizon = header.deleteHorizon
    ? `OptionalLong[${int64TextAt(bytes, batchHeader.baseTimestamp)}]`
    : 'OptionalLong.empty'
  return {
    start: `baseOffset: ${int64TextAt(bytes, batchHeader.baseOffset)} lastOffset: ${lastOffset} ` +
      `count: ${header.recordCount} baseSequence: ${header.baseSequence} ` +
      `lastSequence: ${header.lastSequence} producerId: ${int64TextAt(bytes, batchHeader.producerId)} ` +
      `producerEpoch: ${header.producerEpoch} partitionLeaderEpoch: ${header.partitionLeaderEpoch} ` +
      `isTransactional: ${header.transactional} isControl: ${header.control} deleteHorizonMs: ${horizon}`,
    time: `${timestampType(header)}: ${int64TextAt(bytes, batchHeader.maxTimestamp)}`,
    codec: header.codec
  }
}

function legacyParts (reader: SegmentReader): BatchParts {
  const head = reader.head(legacyHeadBytes)
  return {
    start: `offset: ${int64TextAt(head, 0)}`,
    time: `${legacyTimestampType(head)}: ${legacyTimestamp(head)}`,
    codec: legacyCodec(head)
  }
}

function timestampType (header: BatchHeader): string {
  return header.logAppendTime ? 'LogAppendTime' : 'CreateTime'
}

function isExact (reader: SegmentReader): boolean {
  return reader.isLegacy || readBatchHeader(reader.header(), 0).exact
}

type AnyRecord = DecodedRecord | LegacyRecord

/** Those that can be read; then DumpError, if that are not all. */
export function * recordsIn (reader: SegmentReader): Generator<AnyRecord, void> {
  try {
    if (reader.isLegacy) yield * legacyRecords(reader.load())
    else yield * currentRecords(reader.load())
  } catch (error) {
    if (error instanceof RecordError || error instanceof CompressionError) {
      throw new DumpError(
        `The batch at position ${reader.position} of file ${reader.path} cannot be read: ${error.message}`)
    }
    throw error
  }
}

function * currentRecords (batch: Buffer): Generator<DecodedRecord, void> {
  const header = readBatchHeader(batch, 0)
  if (header.recordCount === 0) return
  if (header.recordCount < 0) throw new RecordError(`it counts ${header.recordCount} records`)
  if (!header.exact) throw new RecordError('its offset or times are beyond 2^53')
  const plain = recordsOf(batch, 0, header)
  const walk = new RecordWalk()
  const result = walkRecords(plain, 0, plain.length, header.recordCount, header.baseTimestamp, walk)
  // What is left over shows only when the last record has been read: that one is not trusted either.
  yield * readRecords(plain, header, result === walkResults.remaining ? walk.count - 1 : walk.count)
  if (result !== walkResults.ok) throw new RecordError(`record ${walk.count}: ${walkTexts[result]}`)
}

/** One line in pieces: what comes before a value that cannot be decoded is still shown. */
function * recordPieces (
  record: AnyRecord, reader: SegmentReader, options: DumpOptions
): Generator<string, void> {
  const header = reader.isLegacy ? null : readBatchHeader(reader.header(), 0)
  if (!options.skipMetadata) {
    yield metadataText(record, header, reader)
    if (header?.control === true) yield ` ${controlPart(record, reader)}`
  }
  if (options.printRecords && header?.control !== true) {
    const { key, payload } = options.decoder(record)
    const parts = [key === null ? '' : ` key: ${key}`, payload === null ? '' : ` payload: ${payload}`].join('')
    yield options.skipMetadata && parts !== '' ? `|${parts}` : parts
  }
  yield '\n'
}

function metadataText (record: AnyRecord, header: BatchHeader | null, reader: SegmentReader): string {
  const type = header === null ? legacyTimestampType(reader.head(legacyHeadBytes)) : timestampType(header)
  const start = `| offset: ${record.offset} ${type}: ${record.timestamp} ` +
    `keySize: ${record.key?.length ?? -1} valueSize: ${record.value?.length ?? -1}`
  if ('crc' in record) return `${start} isValid: ${record.isValid} crc: ${record.crc}`
  const sequence = header === null || header.baseSequence < 0
    ? -1
    : addSequence(header.baseSequence, record.offset - header.baseOffset)
  return `${start} sequence: ${sequence} headerKeys: [${record.headers.map(({ key }) => key).join(',')}]`
}

function controlPart (record: DecodedRecord, reader: SegmentReader): string {
  try {
    return controlText(record)
  } catch (error) {
    if (!(error instanceof RecordError || error instanceof ProtocolError)) throw error
    throw new DumpError(`The control record at offset ${record.offset}, position ${reader.position} ` +
      `of file ${reader.path}, cannot be read: ${error.message}`)
  }
}
