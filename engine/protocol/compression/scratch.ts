// Where blocks are taken apart: one piece of memory a thread, used again for batch after batch. What comes
// out of small batches, nearly all of them, is never anywhere else: it is looked at there and forgotten.
//
//  | tables | one block as it came | room | what came out | room |
//             blockBytesMax                  blockBytesMax

import { copyShared } from '../../base/slices.ts'
import { instantiate, type WasmInstance } from '../../base/wasm.ts'
import {
  type BlockFormat, blockFunctions, refused, stepBytes, tablesBytes, writeTables
} from './block-code.ts'
import { damaged, tooLarge } from './error.ts'

/** The largest block of an LZ4 frame. Memory that no block has needed yet costs nothing. */
export const blockBytesMax = 4 * 2 ** 20
/** For steps that go on beyond an end. */
const roomBytes = 4 * stepBytes
const sourceAt = tablesBytes + roomBytes
const targetAt = sourceAt + blockBytesMax + roomBytes
const memoryBytes = targetAt + blockBytesMax + roomBytes

/** Takes what comes out of the blocks of one batch after the other, up to a bound. */
export class Scratch {
  readonly #wasm: WasmInstance<BlockFormat> = instantiate(blockFunctions, memoryBytes)
  readonly #bytes = Buffer.from(this.#wasm.memory)
  /** What came out and had to make room. */
  #parts: Buffer[] = []
  #bytesMax = 0
  #left = 0
  #target = targetAt

  constructor () {
    writeTables(this.#bytes)
  }

  begin (bytesMax: number): void {
    this.#bytesMax = bytesMax
    this.#left = bytesMax
    this.#target = targetAt
    if (this.#parts.length > 0) this.#parts = []
  }

  /** So much is said to come next. */
  announce (bytes: number): void {
    if (bytes > this.#left) throw tooLarge(this.#bytesMax)
  }

  /** A block that was not worth compressing. Neither it nor what comes out of any is above blockBytesMax. */
  stored (block: Uint8Array): void {
    this.#makeRoom(block.length)
    this.#grow(block.length)
    copyShared(block, 0, block.length, this.#bytes, this.#target - block.length)
  }

  /** Out of the block come at most `outputMax` bytes. */
  unpack (format: BlockFormat, block: Uint8Array, outputMax: number): number {
    this.#makeRoom(outputMax)
    copyShared(block, 0, block.length, this.#bytes, sourceAt)
    const start = this.#target
    const sourceEnd = sourceAt + block.length
    const end = this.#wasm.functions[format](sourceAt, sourceEnd, start, start, start + outputMax)
    if (end === refused) throw damaged('damaged block')
    this.#grow(end - start)
    return end - start
  }

  /** What was unpacked elsewhere because its block is larger than any here. */
  take (bytes: Buffer): void {
    this.#moveOut()
    this.#grow(bytes.length)
    this.#target = targetAt
    this.#parts.push(bytes)
  }

  #makeRoom (bytes: number): void {
    if (this.#target + bytes > targetAt + blockBytesMax) this.#moveOut()
  }

  #moveOut (): void {
    if (this.#target > targetAt) this.#parts.push(Buffer.from(this.#bytes.subarray(targetAt, this.#target)))
    this.#target = targetAt
  }

  #grow (bytes: number): void {
    this.announce(bytes)
    this.#left -= bytes
    this.#target += bytes
  }

  /** All that came out since begin(); where it is lent, the next begin() takes it away. */
  end (): Buffer {
    const last = this.#bytes.subarray(targetAt, this.#target)
    if (this.#parts.length === 0) return last
    const whole = Buffer.concat([...this.#parts, last])
    this.#parts = []
    return whole
  }

  lent (bytes: Uint8Array): boolean {
    return bytes.buffer === this.#wasm.memory
  }
}

let made: Scratch | null = null

export function scratch (): Scratch {
  made ??= new Scratch()
  return made
}

/** Whether the bytes lie where the next batch will be unpacked. */
export function isLent (bytes: Uint8Array): boolean {
  return made !== null && made.lent(bytes)
}
