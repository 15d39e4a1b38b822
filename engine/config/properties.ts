// server.properties as Java reads it. The grammar (continued lines, escapes, three separators) is
// dot-properties' matter, which is loaded when there is a file.
import { createRequire } from 'node:module'
import type * as DotProperties from 'dot-properties'

/** Keys and values in file order; a key that comes twice has its last value. Values keep no blanks at their
 *  end: Kafka trims them. */
export function parseProperties (text: string): Map<string, string> {
  const { parseLines } = createRequire(import.meta.url)('dot-properties') as typeof DotProperties
  const found = new Map<string, string>()
  for (const line of parseLines(text, false)) {
    if (typeof line !== 'string') found.set(line[0], line[1].trim())
  }
  return found
}
