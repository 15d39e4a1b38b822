// The machine's chance. Ids and key material come from the system's generator, jitter from the cheap one.

import { randomBytes, randomUUID } from 'node:crypto'
import { type Random } from './random.ts'

export const realRandom: Random = {
  float: () => Math.random(),
  below: (bound) => Math.floor(Math.random() * bound),
  bytes: (count) => randomBytes(count),
  uuid: () => randomUUID()
}
