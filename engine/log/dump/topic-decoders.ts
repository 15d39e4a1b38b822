// The records of the internal topics as JSON. A record that cannot be read says so in its line, and the dump
// goes on.
import { clusterMetadataRecords } from '../../protocol/records/cluster-metadata.ts'
import { ConsumerProtocolAssignment, ConsumerProtocolSubscription } from '../../protocol/records/consumer-protocol.ts'
import { type AnyFramedRecord, decodeFramed, type Framed, FrameError } from '../../protocol/records/framed-record.ts'
import { GroupMetadata } from '../../protocol/records/group-metadata.ts'
import {
  consumerOffsetsRecords, recordOfType, shareGroupStateRecords, transactionStateRecords
} from '../../protocol/records/index.ts'
import { jsonText, type JsonViews, messageJson } from '../../protocol/records/json.ts'
import { type AnyRecordType, decodeKey, decodeVersioned } from '../../protocol/records/record-type.ts'
import { remoteLogMetadataRecords } from '../../protocol/records/remote-log-metadata.ts'
import { type AnyMessage } from '../../protocol/schema.ts'
import { ProtocolError } from '../../protocol/wire.ts'
import { remoteText } from './remote-text.ts'
import { DumpError, type RecordDecoder, type RecordText } from './types.ts'

/** A part of a record that cannot be read, in the words of its line. */
class Unreadable extends Error {}

/** Of topics whose keys begin with the type of the record. */
function keyedDecoder (records: readonly AnyRecordType[]): RecordDecoder {
  return ({ offset, key, value }) => {
    if (key === null) {
      throw new DumpError(`Failed to decode message at offset ${offset} using the specified decoder ` +
        '(message had a missing key)')
    }
    try {
      return keyedText(records, offset, key, value)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      return { key: `Error at offset ${offset}, skipping. ${error.message}`, payload: null }
    }
  }
}

function keyedText (
  records: readonly AnyRecordType[], offset: number, key: Buffer, value: Buffer | null
): RecordText {
  const type = leadingVersion(key, 'key')
  const record = recordOfType(records, type)
  if (record === undefined) {
    return { key: `Unknown record type ${type} at offset ${offset}, skipping.`, payload: null }
  }
  const keyValue = reading('key', type, () => decodeKey(record, key))
  const keyText = `{"type":"${type}","data":${messageJson(record.key, 0, keyValue)}}`
  if (value === null) return { key: keyText, payload: '<DELETE>' }
  const version = leadingVersion(value, 'value')
  const [oldest, newest] = record.value.versions
  if (version < oldest || version > newest) {
    throw new Unreadable(`Found an unknown record version ${version} for ${type} type`)
  }
  const read = reading('value', version, () => decodeVersioned(record.value, value))
  const views = record.name === GroupMetadata.name && isOfConsumers(read.value) ? consumerViews : undefined
  return { key: keyText, payload: `{"version":"${version}","data":${messageJson(record.value, version, read.value, views)}}` }
}

function leadingVersion (bytes: Buffer, part: string): number {
  if (bytes.length < 2) throw new Unreadable(`Could not read version from ${part}'s buffer.`)
  return bytes.readInt16BE(0)
}

function reading<T> (part: string, version: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new Unreadable(`Could not read record with version ${version} from ${part}'s buffer due to: ` +
      `${error.message}.`)
  }
}

function isOfConsumers (group: { protocolType?: unknown }): boolean {
  return group.protocolType === 'consumer'
}

/** Members of classic groups hold what their clients made of it; consumers are known. */
const consumerViews: JsonViews = {
  subscription: bytes => versionedJson(ConsumerProtocolSubscription, bytes),
  assignment: bytes => versionedJson(ConsumerProtocolAssignment, bytes)
}

function versionedJson (message: AnyMessage, bytes: Buffer): string | null {
  try {
    const { version, value } = decodeVersioned(message, bytes)
    return messageJson(message, version, value)
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
}

/** Of topics without keys, whose values say themselves what they are. `at`: how their errors say where. */
function framedDecoder (
  records: readonly AnyFramedRecord[], at: string, text: (framed: Framed) => string
): RecordDecoder {
  return ({ offset, value }) => {
    try {
      return { key: null, payload: text(framed(records, value ?? Buffer.alloc(0))) }
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      return { key: null, payload: `Error at ${at}${offset}, skipping. ${error.message}` }
    }
  }
}

function framed (records: readonly AnyFramedRecord[], bytes: Buffer): Framed {
  let read: Framed
  try {
    read = decodeFramed(records, bytes)
  } catch (error) {
    throw error instanceof FrameError ? new Unreadable(frameFault(error)) : error
  }
  if (read.bytesLeft === 0) return read
  throw new Unreadable(`Found ${read.bytesLeft} byte(s) of garbage after ${read.record.type}`)
}

function frameFault ({ part, found, message }: FrameError): string {
  if (found === null) return `Error while reading ${part}`
  if (part === 'type') return `org.apache.kafka.common.errors.UnsupportedVersionException: Unknown metadata id ${found}`
  if (part === 'fields') return `Failed to deserialize record with type ${found}: ${message}`
  if (found === 0) {
    return 'Could not deserialize metadata record with frame version 0. Note that upgrades from the preview ' +
      'release of KRaft in 2.8 to newer versions are not supported.'
  }
  return `Could not deserialize metadata record due to unknown frame version ${found}` +
    '(only frame version 1 is supported)'
}

/** RegisterBrokerRecord is REGISTER_BROKER_RECORD. */
function enumName (name: string): string {
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
}

function metadataText ({ record, version, value }: Framed): string {
  return `{"type":${jsonText(enumName(record.message.name))},"version":${version},` +
    `"data":${messageJson(record.message, version, value)}}`
}

export const offsetsDecoder = keyedDecoder(consumerOffsetsRecords)
export const transactionLogDecoder = keyedDecoder(transactionStateRecords)
export const shareGroupStateDecoder = keyedDecoder(shareGroupStateRecords)
export const clusterMetadataDecoder = framedDecoder(clusterMetadataRecords, '', metadataText)
export const remoteLogMetadataDecoder = framedDecoder(remoteLogMetadataRecords, 'offset ', remoteText)
