// Prints text of any length as fast as it is read, and no faster.
import { once } from 'node:events'
import { type Writable } from 'node:stream'

const chunkCharacters = 1 << 16

/** What came before an error is printed too. */
export async function printPieces (out: Writable, pieces: Iterable<string>): Promise<void> {
  let chunk = ''
  try {
    for (const piece of pieces) {
      chunk += piece
      if (chunk.length < chunkCharacters) continue
      const isTaken = out.write(chunk)
      chunk = ''
      if (!isTaken) await once(out, 'drain')
    }
  } finally {
    if (chunk !== '') out.write(chunk)
  }
}
