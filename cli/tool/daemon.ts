// A broker behind the terminal's back: the same command once more, detached, its lines in a file. The one
// who starts it waits for its word that it listens, or for its end.
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failed } from './kafka-command.ts'
import { runningPid, type ServerPlace } from './server.ts'

export interface DaemonOptions {
  readonly place: ServerPlace
  readonly logFile: string
  readonly argv: readonly string[]
  readonly print: (line: string) => void
}

export async function startDaemon ({ place, logFile, argv, print }: DaemonOptions): Promise<void> {
  const running = runningPid(place.pidFile)
  if (running !== null) throw new Failed(`millrace: a broker runs there already, pid ${running} (${place.pidFile})`)
  const path = resolve(logFile)
  mkdirSync(dirname(path), { recursive: true })
  const log = openSync(path, 'a', 0o644)
  const args = argv.filter(argument => argument !== '--daemon')
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1], 'server', 'start', ...args], {
    detached: true, stdio: ['ignore', log, log, 'ipc']
  })
  closeSync(log)
  const word = await new Promise<{ listening: string[], data: string[] } | number>((resolve, reject) => {
    child.once('message', message => resolve(message as { listening: string[], data: string[] }))
    child.once('exit', code => resolve(code ?? 1))
    child.once('error', reject)
  })
  if (typeof word === 'number') {
    throw new Failed(`millrace: the broker ended at once; ${path} says:\n${lastLines(path)}`, word === 0 ? 1 : word)
  }
  child.disconnect()
  child.unref()
  print(`millrace listens on ${word.listening.join(', ')}; data in ${word.data.join(', ')}; ` +
    `pid ${child.pid} (${place.pidFile}); log in ${path}`)
}

function lastLines (path: string): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-5).join('\n')
}
