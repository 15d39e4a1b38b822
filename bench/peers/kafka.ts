// Apache Kafka as a peer: fetched, formatted, started in KRaft mode on loopback with the heap and the JVM
// options of its own scripts, stopped by its process id. Its tools, likewise.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, reachable } from './ports.ts'
import { jarsOf } from './maven.ts'

export { missing } from './maven.ts'

const group = 'org.apache.kafka'
/** The broker's release, and the newest of the tools that there is beside it. */
export const kafkaVersion = process.env.MILLRACE_PEER_KAFKA ?? '4.4.0'
export const toolsVersion = process.env.MILLRACE_PEER_KAFKA_TOOLS ?? '4.3.1'
const slf4j = '1.7.36'

/** As kafka-run-class.sh gives them. */
const javaOptions = [
  '-server', '-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35',
  '-XX:+ExplicitGCInvokesConcurrent', '-XX:MaxInlineLevel=15', '-Djava.awt.headless=true'
]
/** As kafka-server-start.sh and the tools' scripts give them. */
const brokerHeap = ['-Xmx1G', '-Xms1G']
const toolHeap = ['-Xmx256M']
const perfToolHeap = ['-Xmx512M']
const startMsMax = 60_000

export interface PeerOptions {
  /** A folder for the data is made in it. */
  readonly dataFolder: string
  /** That of one who was here before: nothing is formatted. */
  readonly folder?: string
  /** Settings to add, key=value. */
  readonly overrides?: readonly string[]
}

export interface PeerBroker {
  readonly port: number
  readonly pid: number
  readonly folder: string
  readonly dataFolder: string
  /** performance.now() at which the process was made. */
  readonly spawnedMs: number
  /** `keep`: its folder, for another to start on. */
  stop (keep?: boolean): Promise<void>
}

function brokerJars (): string {
  return jarsOf({ group, name: 'kafka_2.13', version: kafkaVersion },
    [{ group: 'org.slf4j', name: 'slf4j-nop', version: slf4j }])
}

function toolJars (): string {
  return jarsOf({ group, name: 'kafka-tools', version: toolsVersion },
    [{ group: 'org.slf4j', name: 'slf4j-nop', version: slf4j }])
}

/** Fetches what is needed, so that nothing timed waits for a download. */
export function fetchKafka (): void {
  brokerJars()
  toolJars()
}

function settings (port: number, controllerPort: number, dataFolder: string): string[] {
  const ones = [
    'offsets.topic.replication.factor',
    'transaction.state.log.replication.factor',
    'transaction.state.log.min.isr',
    'share.coordinator.state.topic.replication.factor', 'share.coordinator.state.topic.min.isr'
  ]
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'inter.broker.listener.name=PLAINTEXT',
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    `log.dirs=${dataFolder}`,
    ...ones.map(key => `${key}=1`)
  ]
}

function format (classPath: string, file: string): void {
  const args = ['-cp', classPath, 'kafka.tools.StorageTool', 'format', '-t', 'millrace00000000000000', '-c', file]
  const { status, stdout, stderr } = spawnSync('java', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`Kafka could not format its folder: ${stdout}${stderr}`)
}

/** Formats a new folder and starts a broker on it; with `wait`, resolves when its port takes connections. */
export async function startKafka (
  { dataFolder, overrides = [], folder: known }: PeerOptions, wait = true
): Promise<PeerBroker> {
  const classPath = `${brokerJars()}/*`
  const folder = known ?? mkdtempSync(join(dataFolder, 'kafka-peer-'))
  const data = join(folder, 'data')
  mkdirSync(data, { recursive: true })
  const file = join(folder, 'server.properties')
  const port = await freePort()
  writeFileSync(file, [...settings(port, await freePort(), data), ...overrides, ''].join('\n'))
  if (known === undefined) format(classPath, file)
  const logFile = join(folder, 'output')
  const log = openSync(logFile, 'w')
  const spawnedMs = performance.now()
  const child = spawn('java', [...brokerHeap, ...javaOptions, '-cp', classPath, 'kafka.Kafka', file],
    { stdio: ['ignore', log, log] })
  const ended = once(child, 'exit')
  const running = () => child.exitCode === null && child.signalCode === null
  const untilListening = async (): Promise<void> => {
    const deadlineMs = spawnedMs + startMsMax
    while (!(await reachable(port))) {
      if (running() && performance.now() < deadlineMs) continue
      child.kill('SIGKILL')
      throw new Error(`Kafka did not listen: ${readFileSync(logFile, 'utf8')}`)
    }
  }
  // A bench that is interrupted leaves no broker behind.
  const killWithUs = () => child.kill('SIGKILL')
  process.once('exit', killWithUs)
  if (wait) await untilListening()
  return {
    port,
    pid: child.pid!,
    folder,
    dataFolder: data,
    spawnedMs,
    async stop (keep = false) {
      process.off('exit', killWithUs)
      child.kill('SIGTERM')
      await ended
      if (!keep) rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** The java command of one of Kafka's tools, as its script would run it. */
export function toolCommand (name: string, args: readonly string[]): string[] {
  const heap = name === 'ProducerPerformance' || name === 'ConsumerPerformance' ? perfToolHeap : toolHeap
  return ['java', ...heap, ...javaOptions, '-cp', `${toolJars()}/*`, `org.apache.kafka.tools.${name}`, ...args]
}
