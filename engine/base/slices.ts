// Bytes in several pieces that are written as one.

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
