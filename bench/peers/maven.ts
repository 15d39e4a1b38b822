// Jars by name from Maven, once, into the user's cache. Nothing of it belongs to the project.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export interface Artifact {
  readonly group: string
  readonly name: string
  readonly version: string
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'millrace-peer')

/** Why nothing of Java can be run here, or null. */
export function missing (): string | null {
  if (spawnSync('java', ['-version']).status !== 0) return 'there is no Java (java -version)'
  if (spawnSync('mvn', ['-v']).status !== 0) return 'there is no Maven (mvn -v)'
  return null
}

/** A folder with the artifact, what it needs at run time, and what else is asked for. */
export function jarsOf (artifact: Artifact, others: readonly Artifact[] = []): string {
  const folder = join(cache, `${artifact.name.split('_')[0]}-${artifact.version}`)
  const done = join(folder, '.done')
  if (existsSync(done)) return folder
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'pom.xml'), pomOf([artifact, ...others]))
  const args = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`]
  const fetched = spawnSync('mvn', args, { cwd: folder, encoding: 'utf8' })
  if (fetched.status !== 0) {
    throw new Error(`Maven could not fetch ${artifact.name} ${artifact.version}: ${fetched.stdout}${fetched.stderr}`)
  }
  writeFileSync(done, '')
  return folder
}

function pomOf (artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(({ group, name, version }) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`)
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion><groupId>bench</groupId><artifactId>peer</artifactId><version>1</version>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`
}
