// Why a log did not do what it was asked, as an error code for a client.
import { DiskError } from '../base/disk.ts'
import { errorCodes } from '../protocol/errors.ts'
import { CallRefused } from './log-core.ts'
import { ReadRefused } from './reads.ts'

/** Rethrows what is an error of ours. */
export function refusalOf (error: unknown): number {
  if (error instanceof CallRefused || error instanceof ReadRefused) return error.errorCode
  if (error instanceof DiskError) return errorCodes.KAFKA_STORAGE_ERROR
  throw error
}
