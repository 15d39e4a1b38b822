// What this machine lets one Node thread do at best, so that a broker's figures mean something on it.
//
//   node bench/limits/main.ts [--seconds 3] [--connections 4] [--directory /dev/shm] [--json] [--quick]

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildRecords } from '../load/frames.ts'
import { type Limits, measureLimits } from './limits.ts'
import { batchBytes, type Figure } from './loops.ts'

function readOptions () {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      connections: { type: 'string', default: '4' },
      directory: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false }
    }
  })
  const seconds = Number(values.seconds ?? (values.quick ? 0.1 : 3))
  // Left out of the figures: code warms up, windows open.
  const warmupSeconds = values.quick ? 0.1 : 0.5
  return { ...values, seconds, warmupSeconds, connections: Number(values.connections) }
}

function row (what: string, { bytesPerSecond, cpuSecondsPerGb }: Figure, recordsPerByte: number): string {
  return [
    what.padEnd(26),
    (bytesPerSecond / 1e6).toFixed(0).padStart(8),
    (bytesPerSecond * recordsPerByte / 1e6).toFixed(2).padStart(16),
    cpuSecondsPerGb.toFixed(2).padStart(16)
  ].join('') + '\n'
}

function table (limits: Limits): string {
  const { bytes, records } = buildRecords({ batchBytes, recordBytes: 100, codec: 'none' })
  const perByte = records / bytes.length
  const { hopUs, ...perSecond } = limits.pieces
  return [
    ''.padEnd(26) + '    MB/s     M records/s*    CPU s per GB\n',
    row('in, a stream', limits.in, perByte),
    ...Object.entries(limits.requests).map(([size, figure]) => row(`in, requests of ${size}`, figure, perByte)),
    row('out', limits.out, perByte),
    '* of 100 bytes, in 16 KB batches. CPU of the measured thread alone.\n\n',
    ...Object.entries(perSecond).map(([name, bytes]) =>
      `${name.padEnd(26)}${(bytes / 1e6).toFixed(0).padStart(8)} MB/s of one thread\n`),
    `${'hop, there and back'.padEnd(26)}${hopUs.toFixed(1).padStart(8)} us\n`,
    ...Object.entries(limits.echoes ?? {}).map(([perSecond, { p50Ms, p99Ms }]) =>
      `${`echo, ${perSecond} a second`.padEnd(26)}${p50Ms.toFixed(2).padStart(8)} ms p50, ${p99Ms.toFixed(2)} ms p99\n`)
  ].join('')
}

const options = readOptions()
const folder = mkdtempSync(join(options.directory, 'millrace-limits-'))
try {
  const limits = await measureLimits(options, folder)
  process.stdout.write(options.json ? JSON.stringify(limits) + '\n' : table(limits))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
