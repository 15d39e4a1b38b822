// Makes dist/: the engine, one file for each kind of thread, one for each command with what they share, and
// the types of the public face. Any Node from 20 on can run it.
//   node cli/build.mjs                what npm run build and npm ci do
//   node cli/build.mjs --no-types     without declarations, for a quick try
//   node cli/build.mjs --manifest     writes oclif.manifest.json anew as well, after a change of options
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
// Built beside and put in place at once: a running command sees all of it or nothing.
const next = join(root, 'node_modules', '.cache', `millrace-dist-${process.pid}`)
const args = new Set(process.argv.slice(2))
const startedMs = Date.now()

const common = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  packages: 'external', // native addons, piscina and oclif find their own files
  sourcemap: 'linked',
  sourcesContent: false,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning'
}

function filesBelow (folder, pattern) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && pattern.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
}

/** Files of the engine lie side by side, as `new URL('./worker-entry.js', import.meta.url)` expects them. A
 *  thread shares nothing with others, so all it needs is in one file. */
async function buildThreads () {
  const entries = filesBelow('engine/threads', /-entry\.ts$/)
  await build({ ...common, entryPoints: entries.map(inEngine), outdir: join(next, 'engine') })
  return entries.length
}

/** The engine and the commands with what they share: a command that runs a broker loads no settings twice. */
async function buildMain () {
  const commands = filesBelow('cli/commands', /(?<!\.test)\.ts$/)
  const cli = ['cli/main.ts', 'cli/help.ts', ...commands].map(path => ({ in: path, out: path.slice(0, -3) }))
  const engine = inEngine('engine/index.ts')
  await build({
    ...common,
    entryPoints: [{ ...engine, out: `engine/${engine.out}` }, ...cli],
    outdir: next,
    chunkNames: 'engine/[name]-[hash]',
    splitting: true
  })
  return commands.length
}

function inEngine (path) {
  return { in: path, out: path.slice(path.lastIndexOf('/') + 1, -3) }
}

/** Declarations of all that engine/index.ts shows; they import each other as .ts, but here are .d.ts only. */
async function buildTypes () {
  const out = join(next, 'engine')
  const options = [
    '--declaration', '--emitDeclarationOnly', '--noEmit', 'false', '--skipLibCheck', '--strict',
    '--outDir', out, '--rootDir', 'engine', '--target', 'ES2024', '--lib', 'ES2024,ESNext.Disposable',
    '--module', 'NodeNext', '--moduleResolution', 'NodeNext', '--rewriteRelativeImportExtensions',
    '--types', 'node', '--ignoreConfig', 'engine/index.ts'
  ]
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  await run(process.execPath, [tsc, ...options])
  for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
    if (!entry.name.endsWith('.d.ts')) continue
    const path = join(entry.parentPath, entry.name)
    const text = readFileSync(path, 'utf8')
    writeFileSync(path, text.replace(/((?:from|import)\s*\(?['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'))
  }
}

function run (command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] })
    child.on('error', reject)
    child.on('exit', code => code === 0 ? resolve() : reject(new Error(`${args[0]} ended with ${code}`)))
  })
}

/** oclif's manifest: with it a command is found and helped without loading a module. */
async function writeManifest () {
  const { loadConfig } = await import(pathToFileURL(join(dist, 'cli', 'help.js')).href)
  const config = await loadConfig(root, true, true)
  const [plugin] = config.getPluginsList()
  const sorted = Object.entries(plugin.manifest.commands).sort(([a], [b]) => a < b ? -1 : 1)
  const commands = Object.fromEntries(sorted)
  writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify({ commands, version: plugin.version }, null, 2)}\n`)
}

rmSync(next, { recursive: true, force: true })
mkdirSync(next, { recursive: true })
try {
  const [threads, commands] = await Promise.all([
    buildThreads(), buildMain(), args.has('--no-types') ? null : buildTypes()
  ])
  writeFileSync(join(next, 'built.json'), `${JSON.stringify({ startedMs, node: process.versions.node })}\n`)
  rmSync(dist, { recursive: true, force: true })
  renameSync(next, dist)
  if (args.has('--manifest')) await writeManifest()
  console.log(`dist/: the engine, ${threads} kinds of threads, ${commands} commands, in ${Date.now() - startedMs} ms`)
} finally {
  rmSync(next, { recursive: true, force: true })
}
