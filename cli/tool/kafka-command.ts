// What every tool has in common: its options, --version, how it ends. A tool parses, calls, prints. To oclif
// these classes are commands by what they are made of; its base class would load a hundred modules.
import { type Flag, type Options, type OptionSpecs, parseOptions, UsageError } from './options.ts'

/** The operation failed and has been reported. */
export class Failed extends Error {
  override readonly name = 'Failed'
  readonly exitCode: number
  constructor (message = '', exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** How a tool was called. */
export interface Call {
  /** Its words, as in `server start`. */
  readonly name: string
  readonly argv: readonly string[]
  /** Of the package. */
  readonly version: string
}

export abstract class KafkaCommand<S extends OptionSpecs> {
  // What help and manifest show.
  static readonly strict: boolean = false
  static description: string
  static flags: Record<string, Flag>
  static usage?: string

  protected abstract readonly specs: S
  protected readonly call: Call

  constructor (call: Call) {
    this.call = call
  }

  static run<T extends OptionSpecs> (this: new (call: Call) => KafkaCommand<T>, call: Call): Promise<void> {
    return new this(call).run()
  }

  protected abstract execute (options: Options<S>): Promise<void>

  async run (): Promise<void> {
    // The clock handed to the client keeps no process alive; a command that is at work must.
    const working = setInterval(() => {}, 1 << 30)
    try {
      const options = parseOptions(this.specs, this.call.argv)
      if (options.has('version')) this.print(this.call.version)
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
      this.complain(`Try: millrace ${this.call.name} --help`)
      return 2
    }
    this.complain(process.env.DEBUG === undefined ? `millrace: ${message}` : stack ?? message)
    return 1
  }
}
