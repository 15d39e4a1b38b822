// All limits of a machine, as the comparison takes its shares of them.

import { join } from 'node:path'
import { measureEcho } from './echo.ts'
import type { EchoTimes } from './echo-peer.ts'
import { type Figure, type LoopOptions, measureIn, measureOut, measureRequests } from './loops.ts'
import { measurePieces, type Pieces } from './pieces.ts'

/** Sizes of requests, as the comparison loads a broker with them. */
const requestSizes = [1024, 16_384, 102_400, 1_000_000]

/** Of the comparison's open loops. */
const echoRates = [200, 1000, 5000]

export interface Limits {
  readonly in: Figure
  readonly out: Figure
  /** By bytes of a request. */
  readonly requests: Readonly<Record<string, Figure>>
  readonly pieces: Pieces
  /** By messages a second; comparisons that were made earlier have none. */
  readonly echoes?: Readonly<Record<string, EchoTimes>>
}

export async function measureLimits (options: LoopOptions, folder: string): Promise<Limits> {
  const requests: Record<string, Figure> = {}
  for (const bytes of requestSizes) {
    requests[bytes] = await measureRequests(options, join(folder, 'requests'), bytes)
  }
  const measured = {
    in: await measureIn(options, join(folder, 'in')), out: await measureOut(options, join(folder, 'out')), requests
  }
  const echoes: Record<string, EchoTimes> = {}
  for (const perSecond of echoRates) echoes[perSecond] = await measureEcho(perSecond, options)
  return { ...measured, echoes, pieces: await measurePieces(options.seconds / 3, join(folder, 'pieces')) }
}
