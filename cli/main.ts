// Where every command starts: oclif finds it in the manifest and loads its module alone. What goes wrong is
// one line on stderr and an exit code that tells the truth: 0 done, 1 the operation failed, 2 wrong usage.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config } from '@oclif/core/config'
import { flush } from '@oclif/core/flush'
import { run } from '@oclif/core/run'

export interface MainOptions {
  /** The package's folder. */
  root: string
  /** Runs from dist/; else from the sources. */
  built: boolean
  argv: string[]
}

export async function main ({ root, built, argv }: MainOptions): Promise<void> {
  process.stdout.on('error', endQuietly)
  try {
    const config = await loadConfig(root, built)
    await run(named(argv), config)
    await flush()
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** For the command line and for the build, which makes the manifest with it. */
export async function loadConfig (root: string, built: boolean, ignoreManifest = false): Promise<Config> {
  const pjson = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  pjson.oclif = {
    bin: 'millrace',
    commands: built ? './dist/cli/commands' : './cli/commands',
    topicSeparator: ' ',
    additionalHelpFlags: ['-h'],
    helpOptions: { maxWidth: 120 },
    topics: { server: { description: 'Run a broker.' } }
  }
  const config = new Config({ root, pjson, ignoreManifest, enablePerf: false })
  await config.load()
  if (!built) runSources(config)
  return config
}

/** The manifest names the bundles; without them, the source of the same command. */
interface Manifest {
  manifest: { commands: Record<string, { relativePath?: string[] }> }
}

function runSources (config: Config): void {
  for (const plugin of config.getPluginsList() as unknown as Manifest[]) {
    for (const command of Object.values(plugin.manifest.commands)) {
      const [dist, ...path] = command.relativePath ?? []
      if (dist === 'dist') command.relativePath = path.map(part => part.replace(/\.js$/, '.ts'))
    }
  }
}

/** Kafka's own names work too: kafka-topics.sh is topics. */
function named (argv: string[]): string[] {
  const [first, ...rest] = argv
  return first === undefined ? [] : [first.replace(/^kafka-/, '').replace(/\.sh$/, ''), ...rest]
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
