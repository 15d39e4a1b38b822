// What oclif does for us: help, the version, what to say when there is no such command, and the manifest. It
// loads a hundred modules for that; a command that is found runs without it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Config } from '@oclif/core/config'
import { flush } from '@oclif/core/flush'
import { run } from '@oclif/core/run'

export interface Package {
  /** The package's folder. */
  root: string
  /** Runs from dist/; else from the sources. */
  built: boolean
}

export async function answer (argv: string[], { root, built }: Package): Promise<void> {
  await run(argv, await loadConfig(root, built))
  await flush()
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
  return config
}
