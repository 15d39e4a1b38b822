// On what a comparison ran. No name of the machine: what counts is what it is.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, release, totalmem, type } from 'node:os'

export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  readonly java: string | null
  readonly dataFolder: string
  readonly fileSystem: string
  /** Of the minute before the first run: what else was going on. */
  readonly loadBefore: number
}

function fileSystemOf (folder: string): string {
  try {
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n').map(line => line.split(' '))
    const over = mounts.filter(([, point]) => point !== undefined && (folder + '/').startsWith(point.replace(/\/?$/, '/')))
    return over.sort((a, b) => b[1].length - a[1].length)[0][2]
  } catch {
    return 'unknown'
  }
}

export function describeMachine (dataFolder: string): Machine {
  const java = spawnSync('java', ['-version'], { encoding: 'utf8' })
  return {
    processor: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    java: java.status === 0 ? /version "([^"]+)"/.exec(java.stderr)?.[1] ?? null : null,
    dataFolder,
    fileSystem: fileSystemOf(dataFolder),
    loadBefore: loadavg()[0]
  }
}

export function slugOf ({ processor, cores }: Machine): string {
  const words = processor.toLowerCase().replace(/\((r|tm)\)|cpu|processor|@.*$/g, ' ').match(/[a-z0-9]+/g) ?? []
  return [`${cores}-cores`, ...words.slice(0, 5)].join('-')
}

export function sentenceOf (machine: Machine): string {
  const { processor, cores, memoryGb, system, node, java, dataFolder, fileSystem, loadBefore } = machine
  return `${cores} cores (${processor}), ${memoryGb} GB, ${system}, Node ${node}, Java ${java ?? '(none)'}; ` +
    `data on ${fileSystem} (${dataFolder}); load average before the first run ${loadBefore.toFixed(2)}`
}
