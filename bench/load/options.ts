// What a run is to be, from the command line.
import { parseArgs } from 'node:util'
import { type CodecName, codecNames } from '../../engine/protocol/compression/index.ts'

export interface LoadOptions {
  readonly mode: 'produce' | 'consume' | 'mixed'
  readonly host: string
  readonly port: number
  /** Start a broker of our own. */
  readonly start: boolean
  readonly dataFolder: string
  readonly overrides: readonly string[]
  /** The broker to watch; 0: none. */
  readonly pid: number
  readonly topic: string
  readonly partitions: number
  readonly connections: number
  readonly inFlight: number
  readonly partitionsPerRequest: number
  readonly consumers: number
  readonly batchBytes: number
  readonly recordBytes: number
  readonly codec: CodecName
  readonly acks: number
  /** Of each partition. */
  readonly fetchBytes: number
  /** Requests a second; 0: closed loop. */
  readonly rate: number
  readonly seconds: number
  readonly warmupSeconds: number
  /** The run ends early when it has written so much, a third of it while it warms up. */
  readonly bytesMax: number
  /** For consume: how much is written first when the topic is made here. */
  readonly fillBytes: number
  /** With `start`: written into the data folder and deleted before, so that its memory is not new. */
  readonly touchBytes: number
  /** Delete the topic afterwards. */
  readonly deletes: boolean
  readonly json: boolean
}

const quickFillBytes = 50_000_000

export const help = `Loads a Kafka broker with requests made beforehand and says what it did.

  node bench/load/main.ts --start                          a millrace of its own, from dist/, data in /dev/shm
  node bench/load/main.ts --bootstrap-server 127.0.0.1:9092 --pid PID    any Kafka broker on this machine

  --mode produce|consume|mixed   write; read from the start, again and again; write and read at the tail (produce)
  --connections N                producing connections (4)
  --in-flight N                  requests in flight on each (5)
  --consumers N                  consuming connections (4 for consume, 1 for mixed)
  --partitions N                 of the topic, connections take them in turn (connections)
  --partitions-per-request N     one batch for each of so many partitions in every request (1)
  --batch-bytes N                size of a batch (16384)
  --record-bytes N               value of each record (100)
  --codec NAME                   none, gzip, snappy, lz4, zstd (none)
  --acks -1|0|1                  (-1)
  --rate N                       open loop: N requests a second in all, leaving on schedule; latency counts
                                 from the moment a request should have left
  --fetch-bytes N                most that a fetch brings of each partition (1048576); it asks for all of its connection
  --fill-bytes N                 consume: write this much first (1 GB; 0: read what is there)
  --seconds N, --warmup N        measured time (10), time before it (3)
  --bytes-max N                  end early when so much is written, warm-up included (no limit)
  --touch-bytes N                with --start: write and delete so much first: new memory of a virtual machine
                                 is slow (a GB for each second of the run; quick: 0)
  --quick                        a fraction of a second, to see that it works
  --delete                       delete the topic afterwards
  --topic NAME                   made when it is not there (load)
  --override key=value           with --start: a setting of the broker; repeat for more
  --data FOLDER                  with --start: a folder in which one for the run is made (/dev/shm)
  --json                         one JSON object instead of the table
`

function valuesOf (argv: string[]) {
  const text = (fallback: string) => ({ type: 'string', default: fallback } as const)
  return parseArgs({
    args: argv,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      start: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      delete: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      'bootstrap-server': text('127.0.0.1:9092'),
      override: { type: 'string', multiple: true, default: [] },
      mode: text('produce'),
      data: text('/dev/shm'),
      pid: text('0'),
      topic: text('load'),
      partitions: text('0'),
      connections: text('4'),
      'in-flight': text('5'),
      'partitions-per-request': text('1'),
      consumers: text('0'),
      'batch-bytes': text('16384'),
      'record-bytes': text('100'),
      codec: text('none'),
      acks: text('-1'),
      rate: text('0'),
      'fetch-bytes': text('1048576'),
      'fill-bytes': text('1000000000'),
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      'bytes-max': text('Infinity'),
      'touch-bytes': { type: 'string' }
    }
  }).values
}

export function parseOptions (argv: string[]): LoadOptions | null {
  const values = valuesOf(argv)
  if (values.help) return null
  const number = (name: keyof typeof values): number => {
    const value = Number(values[name])
    if (Number.isNaN(value)) throw new Error(`--${name} ${String(values[name])} is no number`)
    return value
  }
  const seconds = values.seconds === undefined ? (values.quick ? 0.4 : 10) : number('seconds')
  const warmupSeconds = values.warmup === undefined ? (values.quick ? 0.1 : 3) : number('warmup')
  const [host, port] = values['bootstrap-server'].split(':')
  const mode = oneOf('mode', values.mode, ['produce', 'consume', 'mixed'] as const)
  const connections = number('connections')
  const consumers = number('consumers') || (mode === 'consume' ? 4 : mode === 'mixed' ? 1 : 0)
  return {
    mode,
    host,
    port: Number(port),
    start: values.start,
    dataFolder: values.data,
    overrides: values.override,
    pid: number('pid'),
    topic: values.topic,
    partitions: number('partitions') || (mode === 'consume' ? consumers : connections),
    connections,
    inFlight: number('in-flight'),
    partitionsPerRequest: number('partitions-per-request'),
    consumers,
    batchBytes: number('batch-bytes'),
    recordBytes: number('record-bytes'),
    codec: oneOf('codec', values.codec, codecNames),
    acks: values.acks === 'all' ? -1 : number('acks'),
    fetchBytes: number('fetch-bytes'),
    rate: number('rate'),
    seconds,
    warmupSeconds,
    bytesMax: number('bytes-max'),
    touchBytes: values['touch-bytes'] === undefined
      ? (values.quick ? 0 : Math.min(number('bytes-max'), (seconds + warmupSeconds) * 1e9))
      : number('touch-bytes'),
    fillBytes: values.quick ? Math.min(number('fill-bytes'), quickFillBytes) : number('fill-bytes'),
    deletes: values.delete,
    json: values.json
  }
}

function oneOf<T extends string> (name: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find(item => item === value)
  if (found === undefined) throw new Error(`--${name} ${value}: one of ${allowed.join(', ')} is expected`)
  return found
}
