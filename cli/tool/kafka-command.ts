// What every tool has in common: its options, --version, how it ends. A tool parses, calls, prints.
import { Command } from '@oclif/core/command'
import { type Options, type OptionSpecs, parseOptions, UsageError } from './options.ts'

/** The operation failed and has been reported. */
export class Failed extends Error {
  override readonly name = 'Failed'
  readonly exitCode: number
  constructor (message = '', exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

export abstract class KafkaCommand<S extends OptionSpecs> extends Command {
  static override strict = false

  protected abstract readonly specs: S

  protected abstract execute (options: Options<S>): Promise<void>

  override async run (): Promise<void> {
    // The clock handed to the client keeps no process alive; a command that is at work must.
    const working = setInterval(() => {}, 1 << 30)
    try {
      this.parsed = true // not by oclif, which would warn: Kafka's options have rules of their own
      const options = parseOptions(this.specs, this.argv)
      if (options.has('version')) this.log(this.config.version)
      else await this.execute(options)
    } catch (error) {
      process.exitCode = this.#report(error)
    } finally {
      clearInterval(working)
    }
  }

  protected print (text: string): void {
    process.stdout.write(`${text}\n`)
  }

  protected complain (text: string): void {
    process.stderr.write(`${text}\n`)
  }

  #report (error: unknown): number {
    const { message, stack } = error as Error
    if (error instanceof Failed) {
      if (message !== '') this.complain(message)
      return error.exitCode
    }
    if (error instanceof UsageError) {
      this.complain(message)
      this.complain(`Try: millrace ${(this.id ?? '').replaceAll(':', ' ')} --help`)
      return 2
    }
    this.complain(process.env.DEBUG === undefined ? `millrace: ${message}` : stack ?? message)
    return 1
  }
}
