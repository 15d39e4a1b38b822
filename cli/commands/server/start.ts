// Runs a broker: in the foreground until a signal, or with --daemon behind the terminal's back. Ends with 0
// after an orderly stop, 1 when it could not start or lost its last log directory, 2 for wrong settings, 70
// when it broke while it ran.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { keepCompiled } from '../../../engine/base/compiled.ts'
import { pinoLogger } from '../../../engine/base/logger-pino.ts'
import { type LateLogger, lateLogger, type LogLevel } from '../../../engine/base/logger.ts'
import { plainLines } from '../../render/log-lines.ts'
import { startDaemon } from '../../tool/daemon.ts'
import { giveStartUpMemoryBack } from '../../tool/memory.ts'
import { Failed, KafkaCommand } from '../../tool/kafka-command.ts'
import { flagsOf, type Options, UsageError } from '../../tool/options.ts'
import { runningPid, serverOptions, serverPlace, type ServerPlace } from '../../tool/server.ts'

const specs = {
  ...serverOptions,
  daemon: { about: 'Run in the background; return once it listens.' },
  'log-file': { value: 'file', about: 'With --daemon: where its lines go; else beside the data.' },
  'log-level': { value: 'level', about: 'debug, info, warn or error. Default: info.' }
} as const

const levels: readonly string[] = ['debug', 'info', 'warn', 'error']
/** sysexits' "internal software error": a supervisor may want to know our bugs from a machine's troubles. */
const brokeExitCode = 70
/** Those who wait for the broker have been served by then. */
const settleMs = 2000

export default class ServerStart extends KafkaCommand<typeof specs> {
  static override description = 'Run a broker.'
  static override flags = flagsOf(specs)
  static override usage = 'server start [server.properties] [--override key=value]...'
  protected readonly specs = specs

  protected async execute (options: Options<typeof specs>): Promise<void> {
    const place = serverPlace(options)
    const level = options.text('log-level') ?? 'info'
    if (!levels.includes(level)) throw new UsageError(`--log-level ${level} is none of ${levels.join(', ')}`)
    if (options.has('daemon')) {
      const logFile = options.text('log-file') ?? place.logFile
      return startDaemon({ place, logFile, argv: this.call.argv, print: line => this.print(line) })
    }
    await this.#foreground(place, level as LogLevel)
  }

  async #foreground (place: ServerPlace, level: LogLevel): Promise<void> {
    const { startDaemonBroker } = await import('../../../engine/index.ts')
    const destination = process.stdout.isTTY ? plainLines(process.stdout) : 1
    const logger = lateLogger(() => pinoLogger({ level, destination }))
    const { files, overrides } = place
    // Caught from now on: a signal may come as soon as the port is open, before we know of it.
    const stopping = catchSignals()
    const broker = await startDaemonBroker({ files, overrides, logger }).catch((error: Error) => {
      throw new Failed(`millrace: the broker could not start: ${error.message}`)
    })
    const stopped = stopping.then(() => broker.close())
    this.#writePid(place.pidFile)
    const where = broker.listeners.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    this.print(`millrace ${this.call.version} listens on ${where.join(', ')}; ` +
      `data in ${broker.dataDirectories.join(', ')}; pid ${process.pid}`)
    const settling = setTimeout(() => settle(logger), settleMs)
    process.send?.({ listening: where, data: broker.dataDirectories })
    try {
      await Promise.race([broker.closed, stopped])
    } catch (error) {
      const { stack, message, name } = error as Error
      if (name === 'NoDirectoryLeft') throw new Failed(`millrace: the broker ended: ${message}`)
      throw new Failed(`millrace: the broker broke: ${stack ?? message}`, brokeExitCode)
    } finally {
      clearTimeout(settling)
      rmSync(place.pidFile, { force: true })
    }
  }

  #writePid (pidFile: string): void {
    const other = runningPid(pidFile)
    // Another one's file: its folder is not ours, or we would not have got here.
    if (other !== null && other !== process.pid) return
    mkdirSync(dirname(pidFile), { recursive: true })
    writeFileSync(pidFile, `${process.pid}\n`)
  }
}

/** What a start need not wait for. A line may have to be written when no file can be opened any more, so what
 *  writes it is loaded by now. */
function settle (logger: LateLogger): void {
  logger.load()
  keepCompiled()
  giveStartUpMemoryBack()
}

/** The first signal asks for an orderly end; a second one means that somebody has no time for that. */
function catchSignals (): Promise<void> {
  return new Promise(resolve => {
    let asked = false
    const onSignal = (signal: NodeJS.Signals): void => {
      if (asked) process.exit(128 + constants.signals[signal])
      asked = true
      resolve()
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
  })
}
