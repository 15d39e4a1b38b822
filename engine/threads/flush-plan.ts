// Which logs are flushed in background now, so that a start after a crash has little to read.

/** A start after a crash reads about so much, at some 2 GB a second, and what came while it was flushed. */
export const unflushedBytesMax = 256 * 2 ** 20
/**
 * A flush takes the time in which hundreds of kilobytes are written: so much of one log is worth it, however
 * many wait. Of those that hold less, which may be thousands, only some have their turn at each tick.
 */
export const worthFlushingBytes = 4 * 2 ** 20
export const lesserFlushesMax = 16

/** Rows to flush, by how many bytes each has waiting: the busiest first, until what is left is little. */
export function flushPlan (waiting: Float64Array): number[] {
  let bytes = waiting.reduce((sum, own) => sum + own, 0)
  if (bytes <= unflushedBytesMax) return []
  const order = [...waiting.keys()].filter(row => waiting[row] > 0)
  order.sort((a, b) => waiting[b] - waiting[a])
  const plan: number[] = []
  let lesser = 0
  for (const row of order) {
    if (waiting[row] < worthFlushingBytes && ++lesser > lesserFlushesMax) break
    plan.push(row)
    bytes -= waiting[row]
    if (bytes <= unflushedBytesMax / 2) break
  }
  return plan
}
