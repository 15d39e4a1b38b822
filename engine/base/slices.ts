// Bytes in several pieces that are written as one, and their way into shared memory.

export function totalBytes (slices: readonly Uint8Array[]): number {
  let total = 0
  for (const slice of slices) total += slice.length
  return total
}

/** What is left of the slices after their first `done` bytes. */
export function slicesAfter (slices: readonly Uint8Array[], done: number): Uint8Array[] {
  let index = 0
  while (index < slices.length && done >= slices[index].length) done -= slices[index++].length
  const left = slices.slice(index)
  if (done > 0) left[0] = left[0].subarray(done)
  return left
}

/**
 * Copies bytes [start, end) to `at` in the target, where one of the two lies in shared memory. Of a whole
 * source Node makes a TypedArray.set, and V8 does that byte by byte where memory is shared and the two do not
 * lie alike: 1.0-1.5 instead of 20 GB/s. So the last byte goes by itself.
 */
export function copyShared (
  source: Uint8Array, start: number, end: number, target: Uint8Array, at: number
): void {
  const whole = end - start === source.length && end > start
  const stop = whole ? end - 1 : end
  Buffer.prototype.copy.call(source, target, at, start, stop)
  if (whole) target[at + stop - start] = source[stop]
}
