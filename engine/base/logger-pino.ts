// Log lines by pino: one JSON object a line, written before the call returns, so that the last line before a
// crash is there. pino itself, some forty modules, is loaded by the first logger that is made.

import { closeSync, mkdirSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import type { pino as Pino } from 'pino'
import { type Logger, type LogLevel } from './logger.ts'

export interface LineTarget {
  write (line: string): unknown
}

export interface PinoOptions {
  /**
   * A descriptor (1: stdout, 2: stderr), a file's path (appended to, made with its folders), or anything with
   * write(line).
   */
  destination: number | string | LineTarget
  level?: LogLevel
  /** In every line. */
  fields?: object
}

export interface ClosableLogger extends Logger {
  /** Gives the file back. Descriptors that were handed in stay open. */
  close (): void
}

function openForAppend (path: string): number {
  mkdirSync(dirname(path), { recursive: true })
  return openSync(path, 'a', 0o644)
}

export function pinoLogger ({ destination, level = 'info', fields = {} }: PinoOptions): ClosableLogger {
  const pino = createRequire(import.meta.url)('pino') as typeof Pino
  const file = typeof destination === 'string' ? openForAppend(destination) : null
  const descriptor = file ?? (typeof destination === 'number' ? destination : null)
  const target = descriptor === null
    ? destination as LineTarget
    : pino.destination({ fd: descriptor, sync: true })
  const lines = pino({
    level,
    base: fields,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) }
  }, target)
  return Object.assign(lines as unknown as Logger, { close () { if (file !== null) closeSync(file) } })
}
