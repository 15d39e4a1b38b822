// Why bytes could not be decompressed: the caller decides what the client is told.

export type CompressionFault =
  | 'too-large' // more comes out than the caller allows
  | 'damaged' // not what the codec writes, or cut off
  | 'unknown-codec'

export class CompressionError extends Error {
  override readonly name = 'CompressionError'
  readonly fault: CompressionFault
  constructor (fault: CompressionFault, message: string, cause?: unknown) {
    super(message, { cause })
    this.fault = fault
  }
}

export function tooLarge (bytesMax: number): CompressionError {
  return new CompressionError('too-large', `more than ${bytesMax} bytes come out of it`)
}

export function damaged (what: string, cause?: unknown): CompressionError {
  return new CompressionError('damaged', what, cause)
}
