// Runs the micro-benchmarks of bench/suites, all or those that are named. With --quick and no names, every
// other bench of this folder briefly as well: to see that none has rotted, not for its figures.
//
//   node bench/run.ts [--list] [--quick] [SUITE ...]
//
// What a run amounts to (MB/s, ns per record) is of the median: other work on the machine moves the mean.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Bench } from 'tinybench'
import { type BenchTask, type Suite } from './suite.ts'

const { values: options, positionals: wanted } = parseArgs({
  allowPositionals: true,
  options: { list: { type: 'boolean', default: false }, quick: { type: 'boolean', default: false } }
})

const folder = new URL('./suites/', import.meta.url)
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('-entry.ts'))
  .map((file) => file.slice(0, -'.ts'.length))

const scratch = mkdtempSync(join(tmpdir(), 'millrace-bench-'))

/** What a bench of its own folder is to do when it is to be quick; else `--quick` alone. */
const quickly: Readonly<Record<string, readonly string[]>> = {
  load: [
    '--start --quick',
    '--start --quick --mode consume --consumers 2 --partitions 1',
    '--start --quick --mode mixed --rate 500 --connections 1 --batch-bytes 100'
  ],
  compare: [`--quick --alone --only start --only latency-200 --only tail-1 --only kafkajs --out ${scratch}`],
  peers: [] // needs what is not ours
}

/** Every folder with a main.ts, so that a new bench is looked after from its first day. */
function runFolders (): void {
  const here = import.meta.dirname
  for (const name of readdirSync(here).filter(name => existsSync(join(here, name, 'main.ts')))) {
    for (const args of quickly[name] ?? ['--quick']) {
      process.stdout.write(`\n${name} ${args}\n`)
      const { status } = spawnSync(process.execPath, [join(here, name, 'main.ts'), ...args.split(' ')], { stdio: 'inherit' })
      if (status === 0) continue
      process.stderr.write(`bench/${name} ended with ${status}\n`)
      process.exitCode = 1
    }
  }
}

async function load (name: string): Promise<Suite> {
  const module = await import(new URL(`${name}.ts`, folder).href) as { suite: () => Suite | Promise<Suite> }
  return await module.suite()
}

function perUnit (task: BenchTask, nsPerRun: number): string {
  if (task.handles === undefined) return ''
  const { count, unit } = task.handles
  if (unit === 'byte') return `${(count / nsPerRun * 1000).toFixed(0)} MB/s`
  return `${(nsPerRun / count).toFixed(1)} ns/${unit}`
}

async function runSuite (name: string): Promise<void> {
  const { tasks, close } = await load(name)
  const bench = new Bench(options.quick ? { time: 50, warmupTime: 20 } : { time: 500, warmupTime: 200 })
  for (const task of tasks) bench.add(task.name, task.run, { async: task.async ?? false })
  await bench.run()
  await close?.()
  const width = Math.max(...tasks.map((task) => task.name.length)) + 2
  process.stdout.write(`\n${name.padEnd(width)}${['ns, p50', 'p99', 'mean'].map((head) => head.padStart(12)).join('')}\n`)
  bench.tasks.forEach((done, index) => {
    const result = done.result
    if (!('latency' in result)) throw new Error(`${name}: '${done.name}' did not run`, { cause: result })
    const { p50, p99, mean } = result.latency
    const cells = [p50, p99, mean].map((ms) => (ms * 1e6).toFixed(0).padStart(12)).join('')
    process.stdout.write(`${done.name.padEnd(width)}${cells}   ${perUnit(tasks[index], p50 * 1e6)}\n`)
  })
}

const unknown = wanted.filter((name) => !names.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`no suite called ${unknown.join(', ')}; there are ${names.join(', ')}\n`)
  process.exit(2)
}
if (options.list) process.stdout.write(names.join('\n') + '\n')
const chosen = options.list ? [] : names.filter((name) => wanted.length === 0 || wanted.includes(name))
for (const name of chosen) await runSuite(name)
if (options.quick && !options.list && wanted.length === 0) runFolders()
rmSync(scratch, { recursive: true })
