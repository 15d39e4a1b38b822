// What does not fit together in the files that were dumped: told at the end, by kind and file. A file that is
// all wrong would fill the memory with it, so only the first of each kind are kept, the others counted.

const keptMax = 1000

interface Found {
  readonly lines: string[]
  more: number
}

export class Findings {
  readonly #notes: string[] = []
  readonly #found = new Map<string, Found>()

  /** A line of its own. */
  note (line: string): void {
    this.#notes.push(line)
  }

  /** One of many under the same title. */
  add (title: string, line: string): void {
    let found = this.#found.get(title)
    if (found === undefined) this.#found.set(title, found = { lines: [], more: 0 })
    if (found.lines.length < keptMax) found.lines.push(line)
    else found.more++
  }

  * lines (): Generator<string, void> {
    yield * this.#notes
    for (const [title, { lines, more }] of this.#found) {
      yield title
      yield * lines
      if (more > 0) yield `  and ${more} more`
    }
  }
}
