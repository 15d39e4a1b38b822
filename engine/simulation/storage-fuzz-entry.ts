// Runs the storage fuzzer for as many seeds as are asked for.
//
//   node engine/simulation/storage-fuzz-entry.ts [RUNS [FIRST]]   10,000 unless told otherwise, from any seed
//   MILLRACE_SEED=42 node engine/simulation/storage-fuzz-entry.ts     that one run again
import { realRandom } from '../base/random-real.ts'
import { fuzzStorage } from './storage-fuzz.ts'

const runs = Number(process.argv[2] ?? 10_000)
const asked = process.env.MILLRACE_SEED
const first = Number(asked ?? process.argv[3] ?? realRandom.below(2 ** 31))
const count = asked === undefined ? runs : 1
const say = (line: string): void => { process.stdout.write(`${line}\n`) }
let failures = 0

function tell (error: Error): void {
  say(error.stack ?? error.message)
  if (error.cause instanceof Error) tell(error.cause)
}

if (!Number.isSafeInteger(runs) || runs < 1 || !Number.isSafeInteger(first) || first < 0) {
  throw new RangeError('RUNS and FIRST are whole numbers, and so is MILLRACE_SEED')
}
say(`seeds ${first} to ${first + count - 1}`)
for (let seed = first; seed < first + count; seed++) {
  try {
    fuzzStorage(seed)
  } catch (error) {
    failures++
    say((error as Error).message)
    if (asked !== undefined) tell(error as Error)
    if (failures >= 10) break
  }
  if ((seed - first + 1) % 1_000 === 0) say(`${seed - first + 1} runs, ${failures} failed`)
}
say(failures === 0 ? `all ${count} runs are well` : `${failures} failed: MILLRACE_SEED=… replays one`)
process.exitCode = failures === 0 ? 0 : 1
