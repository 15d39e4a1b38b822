// What this machine lets one Node thread do at best, so that a broker's figures mean something on it:
//   in   bytes come over loopback, are copied once, get their CRC-32C and go to a file by writev
//   out  a file is read and its bytes leave over loopback
// The other end is a thread of the same process that only writes or only reads.
//
//   node bench/limits/main.ts [--seconds 3] [--connections 4] [--directory /dev/shm]

import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { crc32c } from '../../engine/base/crc32c.ts'
import { realDisk } from '../../engine/base/disk-real.ts'
import { type Connection } from '../../engine/base/network.ts'
import { realNetwork } from '../../engine/base/network-real.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import type { PeerTask } from './peer.ts' // of the type alone: importing the file would run it

const batchBytes = 16_384
const arenaBytes = 64 * 2 ** 20
/** The file is written over and over: a memory file system holds it. */
const fileBytesMax = 256 * 2 ** 20
const readBytes = 2 ** 20
/** Left out of the figures: code warms up, windows open. */
const warmUpMs = 500

interface Options { seconds: number, connections: number, directory: string }

interface Figure { bytesPerSecond: number, cpuSecondsPerGb: number }

function readOptions (): Options {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '4' },
      directory: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() }
    }
  })
  return { ...values, seconds: Number(values.seconds), connections: Number(values.connections) }
}

/** Counts bytes, and says what came per second of wall time and cost of processor time once warm. */
class Meter {
  bytes = 0
  async measure (seconds: number): Promise<Figure> {
    await new Promise((resolve) => setTimeout(resolve, warmUpMs))
    const bytes = this.bytes
    const start = performance.now()
    const cpu = process.threadCpuUsage()
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    const spent = process.threadCpuUsage(cpu)
    const moved = this.bytes - bytes
    return {
      bytesPerSecond: moved / (performance.now() - start) * 1000,
      cpuSecondsPerGb: (spent.user + spent.system) / 1e6 / (moved / 1e9)
    }
  }
}

async function serve (
  task: PeerTask['task'], options: Options, accepted: (connection: Connection) => void, meter: Meter
): Promise<Figure> {
  const listening = await realNetwork.listen({ host: '127.0.0.1', port: 0, backlog: 50 }, accepted)
  const workerData: PeerTask = { task, port: listening.port, connections: options.connections }
  const peer = new Worker(new URL('./peer.ts', import.meta.url), { workerData })
  const figure = await meter.measure(options.seconds)
  await peer.terminate()
  await listening.close()
  return figure
}

async function measureIn (options: Options, path: string): Promise<Figure> {
  const meter = new Meter()
  const arena = Buffer.from(new SharedArrayBuffer(arenaBytes))
  const file = realDisk.open(path, 'write')
  let at = 0
  let position = 0
  const data = (chunk: Buffer): void => {
    if (at + chunk.length > arena.length) at = 0
    if (position + chunk.length > fileBytesMax) position = 0
    arena.set(chunk, at)
    const slices: Buffer[] = []
    for (let from = 0; from < chunk.length; from += batchBytes) {
      const slice = arena.subarray(at + from, at + Math.min(chunk.length, from + batchBytes))
      crc32c(slice)
      slices.push(slice)
    }
    realDisk.writev(file, slices, position)
    at += chunk.length
    position += chunk.length
    meter.bytes += chunk.length
  }
  const figure = await serve('send', options, (connection) => {
    connection.start({ data, drained () {}, closed () {} })
  }, meter)
  realDisk.close(file)
  return figure
}

async function measureOut (options: Options, path: string): Promise<Figure> {
  const meter = new Meter()
  const file = realDisk.open(path, 'write')
  realDisk.writev(file, [Buffer.alloc(fileBytesMax, 7)], 0)
  const figure = await serve('receive', options, (connection) => {
    const buffer = Buffer.allocUnsafeSlow(readBytes)
    let position = 0
    const next = (): void => {
      if (position + readBytes > fileBytesMax) position = 0
      realDisk.read(file, buffer, position)
      position += readBytes
      connection.write([buffer], () => {
        meter.bytes += readBytes
        // By way of the loop: a peer that always keeps up would let nothing else run, not even the clock.
        if (!over) setImmediate(next)
      })
    }
    let over = false
    connection.start({ data () {}, drained () {}, closed () { over = true } })
    next()
  }, meter)
  realDisk.close(file)
  return figure
}

function recordsPerByte (): number {
  const record = { value: Buffer.alloc(100, 'x'), timestamp: 1_700_000_000_000 }
  const records = [record]
  while (buildBatch({}, records).length < batchBytes) records.push(record)
  return records.length / buildBatch({}, records).length
}

function row (direction: string, figure: Figure, perByte: number): string {
  return [
    direction.padEnd(10),
    (figure.bytesPerSecond / 1e6).toFixed(0).padStart(8),
    (figure.bytesPerSecond * perByte / 1e6).toFixed(2).padStart(16),
    figure.cpuSecondsPerGb.toFixed(2).padStart(14)
  ].join('')
}

const options = readOptions()
const folder = mkdtempSync(join(options.directory, 'millrace-limits-'))
try {
  const perByte = recordsPerByte()
  process.stdout.write('direction     MB/s     M records/s*    CPU s per GB\n')
  process.stdout.write(row('in', await measureIn(options, join(folder, 'in')), perByte) + '\n')
  process.stdout.write(row('out', await measureOut(options, join(folder, 'out')), perByte) + '\n')
  process.stdout.write('* of 100 bytes, in 16 KB batches. CPU of the measured thread alone.\n')
} finally {
  rmSync(folder, { recursive: true, force: true })
}
