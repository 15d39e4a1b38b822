// The bytes of a file in memory. Small files take one page that grows; large ones get page after page, so
// that a segment of hundreds of megabytes is never copied to grow.

import { assert } from './assert.ts'

/**
 * Power of two; small enough that a half-empty last page does not matter, large enough that pages are few.
 */
const pageBytes = 262_144
const firstPageBytesMin = 4096

export class MemoryFile {
  modifiedMs = 0
  #pages: Buffer[] = []
  #size = 0 // bytes below it were written or are zeros

  get size (): number { return this.#size }

  read (target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.#size - position))
    let done = 0
    while (done < count) {
      const at = position + done
      const page = this.#pages[Math.floor(at / pageBytes)]
      const from = at % pageBytes
      const length = Math.min(count - done, pageBytes - from)
      target.set(page.subarray(from, from + length), done)
      done += length
    }
    return done
  }

  write (bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return
    if (position > this.#size) this.truncate(position)
    const end = position + bytes.length
    this.#reserve(end)
    let done = 0
    while (done < bytes.length) {
      const at = position + done
      const from = at % pageBytes
      const length = Math.min(bytes.length - done, pageBytes - from)
      this.#pages[Math.floor(at / pageBytes)].set(bytes.subarray(done, done + length), from)
      done += length
    }
    if (end > this.#size) this.#size = end
  }

  /** Cuts the file or lengthens it with zeros. */
  truncate (bytes: number): void {
    assert(bytes >= 0, 'a file cannot be shorter than nothing')
    if (bytes > this.#size) {
      this.#reserve(bytes)
      this.#zero(this.#size, bytes)
    } else {
      this.#pages.length = Math.ceil(bytes / pageBytes)
    }
    this.#size = bytes
  }

  #zero (from: number, to: number): void {
    for (let at = from; at < to;) {
      const start = at % pageBytes
      const length = Math.min(to - at, pageBytes - start)
      this.#pages[Math.floor(at / pageBytes)].fill(0, start, start + length)
      at += length
    }
  }

  #reserve (bytes: number): void {
    const pages = Math.ceil(bytes / pageBytes)
    if (pages <= 1) return this.#reserveFirst(bytes)
    this.#reserveFirst(pageBytes)
    while (this.#pages.length < pages) this.#pages.push(Buffer.allocUnsafeSlow(pageBytes))
  }

  #reserveFirst (bytes: number): void {
    const first = this.#pages[0]
    if (bytes === 0 || (first !== undefined && first.length >= bytes)) return
    let length = first === undefined ? firstPageBytesMin : first.length
    while (length < bytes) length *= 2
    const grown = Buffer.allocUnsafeSlow(length)
    if (first !== undefined) grown.set(first)
    this.#pages[0] = grown
  }
}
