// Options as Kafka's tools take them: --name value or --name=value, repeated or not, some with an optional
// value. Each tool has one table; the parser, oclif's help and the manifest follow from it.

export interface OptionSpec {
  /** What help says. */
  readonly about: string
  /** The placeholder of its value; without one it is a switch. */
  readonly value?: string
  /** May be given several times. */
  readonly many?: boolean
  /** Takes all that follows up to the next option. */
  readonly greedy?: boolean
  /** What the option means without a value: the value may be left out. */
  readonly bare?: string
  /** Still accepted, with a line that names the newer option. */
  readonly newer?: string
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** Wrong usage: the process ends with 2, and a hint at --help. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const everyTool = {
  'bootstrap-server': { value: 'host:port', about: 'Brokers to start from, with commas between them.' },
  version: { about: 'Show the version.' },
  help: { about: 'Show this.' }
} as const satisfies OptionSpecs

export class Options<S extends OptionSpecs> {
  /** What belongs to no option. */
  readonly rest: readonly string[]
  readonly #given: ReadonlyMap<string, readonly string[]>

  constructor (given: ReadonlyMap<string, readonly string[]>, rest: readonly string[]) {
    this.#given = given
    this.rest = rest
  }

  has (name: keyof S & string): boolean {
    return this.#given.has(name)
  }

  all (name: keyof S & string): readonly string[] {
    return this.#given.get(name) ?? []
  }

  text (name: keyof S & string): string | undefined {
    const values = this.all(name)
    if (values.length > 1) throw new UsageError(`--${name} is given ${values.length} times, it takes one value`)
    return values[0]
  }

  needed (name: keyof S & string): string {
    const value = this.text(name)
    if (value === undefined) throw new UsageError(`Missing required argument "[${name}]"`)
    return value
  }

  /** A whole number within the limits. */
  integer (name: keyof S & string, fallback: number, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const text = this.text(name)
    if (text === undefined) return fallback
    const value = Number(text)
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      const allowed = max === Number.MAX_SAFE_INTEGER ? `from ${min} on` : `from ${min} to ${max}`
      throw new UsageError(`Cannot parse argument '${text}' of option ${name}: a whole number ${allowed} is expected`)
    }
    return value
  }

  /** The names that were given, as they stand in the table. */
  get names (): string[] {
    return [...this.#given.keys()]
  }
}

/** Throws UsageError. Does not look at what fits together: each tool knows that. */
export function parseOptions<S extends OptionSpecs> (specs: S, argv: readonly string[]): Options<S> {
  const given = new Map<string, string[]>()
  const rest: string[] = []
  let at = 0
  while (at < argv.length) {
    const argument = argv[at++]
    if (argument === '--') {
      rest.push(...argv.slice(at))
      break
    }
    const match = /^--?([A-Za-z][\w.-]*)(?:=(.*))?$/s.exec(argument)
    if (match === null) {
      rest.push(argument)
      continue
    }
    const name = match[1] === 'h' ? 'help' : match[1]
    const spec = specs[name]
    if (spec === undefined) throw new UsageError(`${name} is not a recognized option`)
    const values = given.get(name) ?? []
    given.set(name, values)
    at = takeValues(specs, spec, name, match[2], argv, at, values)
  }
  return new Options<S>(given, rest)
}

function takeValues (
  specs: OptionSpecs, spec: OptionSpec, name: string, inline: string | undefined,
  argv: readonly string[], at: number, values: string[]
): number {
  if (spec.value === undefined) {
    if (inline !== undefined) throw new UsageError(`--${name} takes no value`)
    return at
  }
  const isValue = (argument: string | undefined): argument is string =>
    argument !== undefined && !(argument.startsWith('--') && specs[argument.slice(2).split('=')[0]] !== undefined)
  if (inline !== undefined) values.push(inline)
  else if (spec.bare !== undefined && (!isValue(argv[at]) || argv[at].startsWith('-'))) values.push(spec.bare)
  else if (isValue(argv[at])) values.push(argv[at++])
  else throw new UsageError(`Option ${name} requires an argument`)
  if (spec.greedy !== true) return at
  while (at < argv.length && isValue(argv[at]) && !argv[at].startsWith('--')) values.push(argv[at++])
  return at
}

/** What oclif shows of an option. */
export interface Flag {
  readonly type: 'boolean' | 'option'
  readonly description: string
  readonly char?: 'h'
  readonly allowNo?: boolean
  readonly helpValue?: string
  readonly multiple?: boolean
}

/** The same table as oclif's flags: help and manifest show them. */
export function flagsOf (specs: OptionSpecs): Record<string, Flag> {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, flagOf(name, spec)]))
}

function flagOf (name: string, spec: OptionSpec): Flag {
  const description = spec.newer === undefined
    ? spec.about
    : `Deprecated: use --${spec.newer}. ${spec.about}`.trim()
  const char = name === 'help' ? { char: 'h' as const } : {}
  if (spec.value === undefined) return { type: 'boolean', description, allowNo: false, ...char }
  const helpValue = spec.bare === undefined ? `<${spec.value}>` : `[${spec.value}]`
  const multiple = spec.many === true || spec.greedy === true
  return { type: 'option', description, helpValue, multiple }
}
