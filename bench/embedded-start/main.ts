// How long a program waits for its embedded broker: from before the import to the first acknowledged
// produce, each time in a process of its own. Of dist/, as it is installed.
//
//   node bench/embedded-start/main.ts [--runs 11] [--json] [--quick]
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { encodeRequestFrame } from '../../engine/protocol/frame.ts'
import { CreateTopics } from '../../engine/protocol/messages/19-create-topics.ts'
import { make } from '../../engine/protocol/schema.ts'
import { buildRecords, produceErrorAt, produceFrame } from '../load/frames.ts'

interface Times {
  readonly importMs: number
  readonly startBrokerMs: number
  readonly firstAckMs: number
}

const topic = 'first'
const child = fileURLToPath(new URL('./child.mjs', import.meta.url))

const { values } = parseArgs({
  options: {
    runs: { type: 'string' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false }
  }
})
const runs = Number(values.runs ?? (values.quick ? 2 : 11))

function measure (engine: string): Times & { readonly embeddedMs: number } {
  const topics = [{ name: topic, numPartitions: 1, replicationFactor: 1 }]
  const request = make(CreateTopics.request, { topics, timeoutMs: 30_000 })
  const create = encodeRequestFrame(CreateTopics, 5, 1, 'embedded', request)
  const batch = buildRecords({ batchBytes: 100, recordBytes: 100, codec: 'none' })
  const produce = produceFrame(topic, [0], -1, batch)
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
  const url = pathToFileURL(engine).href
  const args = [child, url, base64(create), base64(produce), String(produceErrorAt(topic))]
  const times = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Times
  return { ...times, embeddedMs: times.importMs + times.startBrokerMs + times.firstAckMs }
}

const engine = resolve(import.meta.dirname, '../../dist/engine/index.js')
if (!existsSync(engine)) throw new Error('there is no dist/: npm run build makes it')
const all = Array.from({ length: runs }, () => measure(engine))
const median = Object.fromEntries(Object.keys(all[0]).map(name => {
  const sorted = all.map(times => times[name as keyof Times]).sort((a, b) => a - b)
  return [name, sorted[sorted.length >> 1]]
}))
if (values.json) process.stdout.write(JSON.stringify(median) + '\n')
else {
  for (const [name, ms] of Object.entries(median)) process.stdout.write(`${name.padEnd(16)}${ms.toFixed(1).padStart(8)} ms\n`)
}
