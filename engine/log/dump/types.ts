// What a dump is asked for, and what it says when a file cannot be read further.
import { type DecodedRecord } from '../../protocol/record.ts'

/** The file cannot be read beyond this point; what was dumped before stands. */
export class DumpError extends Error {
  override readonly name = 'DumpError'
}

export interface RecordText {
  /** null: not shown. */
  readonly key: string | null
  readonly payload: string | null
}

/** Turns key and value into text. Throws DumpError where Kafka's tool gives up. */
export type RecordDecoder = (record: DecodedRecord) => RecordText

export interface DumpOptions {
  readonly decoder: RecordDecoder
  /** Look into the batches of a log. */
  readonly deep: boolean
  /** Show keys and values, not only what is around them. */
  readonly printRecords: boolean
  /** Show nothing but keys and values. */
  readonly skipMetadata: boolean
  /** Of a log, only whole batches within its first bytes. */
  readonly bytesMax: number
  /** An index entry points at a batch of at most that size. */
  readonly messageBytesMax: number
  /** Hold an index against its log without showing its entries. */
  readonly verifyOnly: boolean
  /** Only what a broker checks of an index when it starts. */
  readonly sanityOnly: boolean
  /** What relative paths are relative to, for messages that name the whole path. */
  readonly workingFolder: string
}

/** `--max-bytes` unless given: the whole file. */
export const everyByte = 2147483647
