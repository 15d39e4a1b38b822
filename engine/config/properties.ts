// server.properties as Java reads it. The grammar (continued lines, escapes, three separators) is
// dot-properties' matter.
import { parseLines } from 'dot-properties'

/** Keys and values in file order; a key that comes twice has its last value. Values keep no blanks at their
 *  end: Kafka trims them. */
export function parseProperties (text: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of parseLines(text, false)) {
    if (typeof line !== 'string') found.set(line[0], line[1].trim())
  }
  return found
}
