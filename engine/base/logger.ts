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

/** A logger that is loaded by its first line, or by `load()`: a broker starts sooner without one. */
export interface LateLogger extends Logger {
  load (): void
}

export function lateLogger (make: () => Logger): LateLogger {
  let made: Logger | null = null
  const get = (): Logger => (made ??= make())
  return {
    debug: (fields, message) => get().debug(fields, message),
    info: (fields, message) => get().info(fields, message),
    warn: (fields, message) => get().warn(fields, message),
    error: (fields, message) => get().error(fields, message),
    load: () => { get() }
  }
}
