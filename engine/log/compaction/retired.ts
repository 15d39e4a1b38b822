// How readers on other threads learn that compaction has put another file under a segment's name.
import { suffix } from '../names.ts'

/** What a source segment's word says in shared memory; readers look at it when they open a file. */
export const retired = {
  not: 0,
  /** Its files are just being renamed. */
  swapping: 1,
  /** Whatever has its name now is another segment. */
  done: 2
} as const

/**
 * Where a segment's file waits to be deleted when another took its name: `serial` tells which of them it is.
 */
export function asideFile (path: string, serial: number): string {
  return `${path}.${serial}${suffix.deleted}`
}
