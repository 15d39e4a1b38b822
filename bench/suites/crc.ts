// The checksum of batches: what a call costs, and a byte, on the heap and in shared memory.

import { crc32c } from '../../engine/base/crc32c.ts'
import { type Suite } from '../suite.ts'

const sizes = [61, 1024, 16_384, 1_048_576]

export function suite (): Suite {
  const heap = Buffer.alloc(2 ** 21, 'abc')
  const shared = Buffer.from(new SharedArrayBuffer(2 ** 21)).fill('abc')
  const tasks = [['heap', heap], ['shared', shared]] as const
  return {
    tasks: tasks.flatMap(([name, buf]) => sizes.map((bytes) => ({
      name: `crc32c of ${bytes} bytes, ${name}, in the middle of a buffer`,
      run: () => crc32c(buf, 21, 21 + bytes),
      handles: { count: bytes, unit: 'byte' as const }
    })))
  }
}
