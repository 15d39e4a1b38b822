// gzip, by node:zlib. Several members one after the other are one text, as for every gzip reader.

import { kMaxLength } from 'node:buffer'
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import { damaged, tooLarge } from './error.ts'
import { type PackLimits } from './limits.ts'

/**
 * zlib's own 16 KB make batches in many steps: 64 KB halves the time of a call (measured at 12 KB of output).
 */
const chunkBytes = 65_536

export function compress (bytes: Uint8Array, limits: PackLimits): Buffer {
  const { level = constants.Z_DEFAULT_COMPRESSION, bytesMax = kMaxLength } = limits
  try {
    return gzipSync(bytes, { level, maxOutputLength: Math.max(bytesMax, 1), chunkSize: chunkBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw error
  }
}

export function decompress (bytes: Uint8Array, bytesMax: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: bytesMax, chunkSize: chunkBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(bytesMax)
    throw damaged('damaged gzip', error)
  }
}
