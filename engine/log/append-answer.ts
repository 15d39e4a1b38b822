// The answer to one append: one object per log, filled again and again.
import { type ProducerState } from './producer-state.ts'
import { type AppendResult, type Offset } from './types.ts'

const noRecordErrors: AppendResult['recordErrors'] = []

export class AppendAnswer implements AppendResult {
  errorCode = 0
  baseOffset: Offset = -1
  lastOffset: Offset = -1
  logAppendTimeMs = -1
  logStartOffset: Offset = -1
  duplicate = false
  errorMessage: string | null = null
  recordErrors: AppendResult['recordErrors'] = noRecordErrors

  reset (): this {
    this.errorCode = 0
    this.baseOffset = -1
    this.lastOffset = -1
    this.logAppendTimeMs = -1
    this.logStartOffset = -1
    this.duplicate = false
    this.errorMessage = null
    this.recordErrors = noRecordErrors
    return this
  }

  refuse (error: number): this {
    this.errorCode = error
    return this
  }

  refuseFor (error: number, why: Pick<AppendResult, 'errorMessage' | 'recordErrors'>): this {
    this.errorMessage = why.errorMessage
    this.recordErrors = why.recordErrors
    return this.refuse(error)
  }

  /** The producer sends a batch again: the answer is the first append's. */
  repeat (producers: ProducerState): this {
    this.duplicate = true
    this.baseOffset = producers.duplicateBase
    this.lastOffset = producers.duplicateLast
    this.logAppendTimeMs = producers.duplicateTimestampMs
    return this
  }
}
