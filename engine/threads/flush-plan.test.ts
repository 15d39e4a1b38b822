// What is flushed in background, and what waits.
import { describe, expect, it } from 'vitest'
import { flushPlan, lesserFlushesMax, unflushedBytesMax, worthFlushingBytes } from './flush-plan.ts'

describe('what is flushed in background', () => {
  it('nothing while little waits', () => {
    expect(flushPlan(new Float64Array([unflushedBytesMax, 0]))).toEqual([])
  })

  it('the busiest first, until half of what may wait is left', () => {
    const quarter = unflushedBytesMax / 4
    expect(flushPlan(new Float64Array([quarter, 3 * quarter, quarter, 0]))).toEqual([1])
    expect(flushPlan(new Float64Array([quarter, quarter + 2, quarter, quarter + 1]))).toEqual([1, 3])
  })

  it('of thousands that hold little each only some at a time', () => {
    const waiting = new Float64Array(4000).fill(worthFlushingBytes / 8)
    waiting[3999] = worthFlushingBytes
    const plan = flushPlan(waiting)
    expect(plan[0]).toBe(3999)
    expect(plan).toHaveLength(1 + lesserFlushesMax)
  })

  it('all that hold much, however many they are', () => {
    const waiting = new Float64Array(400).fill(worthFlushingBytes)
    expect(flushPlan(waiting)).toHaveLength(400 - unflushedBytesMax / 2 / worthFlushingBytes)
  })
})
