// Log lines: what pino wants, cut to what we use. Handed in; a thread without an event loop sends them as
// records.

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export interface Logger {
  debug (fields: object | string, message?: string): void
  info (fields: object | string, message?: string): void
  warn (fields: object | string, message?: string): void
  error (fields: object | string, message?: string): void
}

export const silentLogger: Logger = { debug () {}, info () {}, warn () {}, error () {} }
