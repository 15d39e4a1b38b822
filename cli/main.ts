// Where every command starts: its path below commands/ is its name, and its module alone is loaded. What goes
// wrong is one line on stderr and an exit code that tells the truth: 0 done, 1 the operation failed, 2 wrong
// usage.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Package } from './help.ts'
import type { Call } from './tool/kafka-command.ts'

export interface MainOptions extends Package {
  argv: string[]
}

interface Found {
  readonly url: URL
  readonly name: string
  readonly argv: readonly string[]
}

export async function main ({ root, built, argv }: MainOptions): Promise<void> {
  process.stdout.on('error', endQuietly)
  const words = named(argv)
  try {
    const found = asksForHelp(words) ? null : find(words)
    if (found === null) {
      const { answer } = await import('./help.ts')
      return await answer(words, { root, built })
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const command = await import(found.url.href) as { default: { run (call: Call): Promise<void> } }
    await command.default.run({ name: found.name, argv: found.argv, version })
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** Kafka's own names work too: kafka-topics.sh is topics. */
function named (argv: string[]): string[] {
  const [first, ...rest] = argv
  return first === undefined ? [] : [first.replace(/^kafka-/, '').replace(/\.sh$/, ''), ...rest]
}

function asksForHelp (words: string[]): boolean {
  const end = words.indexOf('--')
  const options = end < 0 ? words : words.slice(0, end)
  return options.includes('--help') || options.includes('-h')
}

/** A command is one word, or two, which may have a colon between them. */
function find (given: string[]): Found | null {
  const words = given.flatMap((word, index) => index === 0 ? word.split(':') : word)
  for (const count of [1, 2]) {
    const path = words.slice(0, count)
    if (path.length < count || !path.every(word => /^[a-z][a-z-]*$/.test(word))) return null
    const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    const url = new URL(`./commands/${path.join('/')}${ending}`, import.meta.url)
    if (existsSync(url)) return { url, name: path.join(' '), argv: words.slice(count) }
  }
  return null
}

function endQuietly (error: NodeJS.ErrnoException): void {
  // Whoever read our output has gone (`| head`): there is nobody left to tell.
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

function report (error: unknown): number {
  const { message, oclif, code } = error as { message?: string, oclif?: { exit?: number }, code?: string }
  if (code === 'EEXIT') return oclif?.exit ?? 0
  if (oclif?.exit === undefined && process.env.DEBUG !== undefined) console.error(error)
  else console.error(`millrace: ${message ?? String(error)}`)
  return oclif?.exit ?? 1
}
