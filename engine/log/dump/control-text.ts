// What the records of control batches say.
import { decode } from '../../protocol/compile.ts'
import {
  controlTypes, EndTxnMarker, KRaftVersionRecord, LeaderChangeMessage, SnapshotFooterRecord,
  SnapshotHeaderRecord, VotersRecord
} from '../../protocol/records/control-records.ts'
import { messageJson } from '../../protocol/records/json.ts'
import { type DecodedRecord, RecordError } from '../../protocol/record.ts'
import { type AnyMessage } from '../../protocol/schema.ts'
import { Reader } from '../../protocol/wire.ts'

/** How each is announced: only the first has a colon. */
const notes: Readonly<Record<number, { readonly title: string, readonly message: AnyMessage }>> = {
  [controlTypes.leaderChange]: { title: 'LeaderChange:', message: LeaderChangeMessage },
  [controlTypes.snapshotHeader]: { title: 'SnapshotHeader', message: SnapshotHeaderRecord },
  [controlTypes.snapshotFooter]: { title: 'SnapshotFooter', message: SnapshotFooterRecord },
  [controlTypes.kraftVersion]: { title: 'KRaftVersion', message: KRaftVersionRecord },
  [controlTypes.kraftVoters]: { title: 'KRaftVoters', message: VotersRecord }
}

/** Throws RecordError or ProtocolError when it cannot be read. */
export function controlText ({ key, value }: DecodedRecord): string {
  if (key === null || key.length < 4) throw new RecordError('a control record without a type')
  const type = key.readInt16BE(2)
  if (type === controlTypes.abort || type === controlTypes.commit) return endText(type, value)
  const note = notes[type]
  if (note === undefined) return `controlType: UNKNOWN(${type})`
  if (value === null) throw new RecordError('a control record without a value')
  const read = decode(note.message, 0, new Reader(value)) as { version: number }
  // Kafka reads them all as version 0, and shows them as the version they say they are.
  return `${note.title} ${messageJson(note.message, Math.max(0, read.version), read)}`
}

function endText (type: number, value: Buffer | null): string {
  if (value === null || value.length < 2) throw new RecordError('the end of a transaction without a value')
  const { coordinatorEpoch } = decode(EndTxnMarker, 0, new Reader(value, 2))
  const end = type === controlTypes.commit ? 'COMMIT' : 'ABORT'
  return `endTxnMarker: ${end} coordinatorEpoch: ${coordinatorEpoch}`
}
