// Random lives of a log directory on a disk that fails and forgets, against a model. Other seeds every time;
// a seed that fails is printed, MILLRACE_SEED runs it alone. Ten thousand of them: storage-fuzz-entry.ts.
import { describe, expect, it } from 'vitest'
import { fuzzStorage } from './storage-fuzz.ts'

const runs = 300
const asked = process.env.MILLRACE_SEED
const first = asked === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(asked)

describe('storage', () => {
  it(`holds what it promised through faults, kills, power cuts and turned bits (seeds from ${first})`, () => {
    for (let seed = first; seed < first + (asked === undefined ? runs : 1); seed++) fuzzStorage(seed)
  })

  it('lives the same life again from the same seed', () => {
    expect(fuzzStorage(7)).toEqual(fuzzStorage(7))
  })
})
