// The storage fuzzer: random lives of a log directory from one seed. A seed that fails says so and fails
// again.
import { DirectoryLife } from './storage/directory-life.ts'
import { flipAndStart, flips } from './storage/flips.ts'

const traceLines = 60

export class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure'
  readonly seed: number
  constructor (seed: number, life: DirectoryLife | null, cause: Error) {
    const trace = life?.trace.slice(-traceLines).join('\n  ') ?? ''
    super(`seed ${seed}: ${cause.message}\n  ${trace}`, { cause })
    this.seed = seed
  }
}

/** Returns what happened. */
export function fuzzStorage (seed: number): readonly string[] {
  let life: DirectoryLife | null = null
  try {
    life = new DirectoryLife(seed)
    const lives = 2 + life.random.below(4)
    for (let n = 0; n < lives; n++) {
      life.live(5 + life.random.below(40))
      life.boot()
    }
    if (!flips(life.random)) return life.trace
    if (life.random.below(2) === 0) life.closeCleanly()
    else life.end('kill')
    flipAndStart(life)
    return life.trace
  } catch (error) {
    throw new FuzzFailure(seed, life, error as Error)
  }
}
