// Waiting on a clock that is handed in.
import { type Clock, type Timer } from '../base/clock.ts'
import { ConnectionError } from './connection.ts'

/**
 * Resolves after `delayMs`. The clock keeps no process alive by itself: whoever waits must have something
 * else open.
 */
export function pause (clock: Clock, delayMs: number): Promise<void> {
  return new Promise(resolve => { clock.after(delayMs, resolve) })
}

/**
 * The value, or after `limitMs` a ConnectionError with the reason 'timeout'. What was begun goes on
 * unheard.
 */
export async function withTimeLimit<T> (clock: Clock, limitMs: number, begun: Promise<T>): Promise<T> {
  let timer: Timer | null = null
  const late = new Promise<never>((_resolve, reject) => {
    timer = clock.after(Math.max(0, limitMs), () => reject(new ConnectionError('timeout', 'no answer in time')))
  })
  try {
    return await Promise.race([begun, late])
  } finally {
    (timer as Timer | null)?.cancel()
  }
}
