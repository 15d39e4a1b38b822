// Main's part in checking records on a disk thread: hands the worker's question over and the answer back. The
// records keep a count of their own meanwhile: their memory must not become someone else's while a thread may
// write to it, whatever becomes of the worker.
import { uncheckedRecords } from '../log/checked.ts'
import { type AppendKind, type CheckedRecords, type LogConfig } from '../log/types.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type Arena } from './arena.ts'
import { type DiskThread } from './disk-thread.ts'
import { type Link } from './link.ts'

/** What a worker sends to main; `slot`: the append's. */
export interface CheckWanted {
  readonly kind: 'check'
  readonly row: number
  readonly slot: number
  readonly origin: AppendKind
  readonly config: LogConfig
  readonly nowMs: number
}

export function checkFor (
  link: Link, wanted: CheckWanted, arena: Arena, thread: DiskThread, failed: (error: Error) => void
): void {
  const { row, slot, origin, config, nowMs } = wanted
  const address = link.addresses[slot]
  const length = link.lengths[slot]
  arena.retain(address, length)
  const answer = (checked: CheckedRecords): void => {
    arena.release(address, length)
    link.tell({ kind: 'checked', row, checked })
  }
  thread.run({ kind: 'check', address, length, origin, config, nowMs }).then(answer, (error: Error) => {
    answer(uncheckedRecords(errorCodes.UNKNOWN_SERVER_ERROR))
    failed(error)
  })
}
