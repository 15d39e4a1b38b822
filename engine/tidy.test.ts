// Taste as a test: layer order, size caps, banned calls, dead files, words that do not belong here.
// Exceptions carry their reason.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '..')

/** Top to bottom: a file imports from its own layer and from those after it. */
const layers = [
  'simulation',
  'index',
  'broker',
  'server',
  'apis',
  'groups',
  'transactions',
  'coordinator',
  'replication',
  'waiting',
  'catalog',
  'threads',
  'log',
  'config',
  'client',
  'protocol',
  'base'
]

const linesPerFile = 400
const linesPerTest = 600
const linesPerFunction = 70

/** path -> reason */
const longFiles: Record<string, string> = {}
/** path:function -> reason */
const longFunctions: Record<string, string> = {}

const banned: { pattern: RegExp; what: string; allowed: (path: string) => boolean }[] = [
  {
    pattern: /\bDate\.now\(|\bperformance\.now\(|\bprocess\.hrtime|\bnew Date\(\)/,
    what: 'time is handed in (base/clock.ts)',
    allowed: inBase
  },
  {
    pattern: /\bMath\.random\(|\brandomUUID\(|\brandomBytes\(/,
    what: 'chance is handed in (base/random.ts)',
    allowed: inBase
  },
  {
    pattern: /\b(setTimeout|setInterval|setImmediate)\(/,
    what: 'timers are handed in (base/clock.ts)',
    allowed: inBase
  },
  {
    pattern: /from 'node:(fs|net|tls|dgram|http|https|child_process)(\/promises)?'/,
    what: 'disk and network are handed in (base/)',
    allowed: inBase
  },
  { pattern: /\bBigInt\(|\b\d+n\b|\bbigint\b/, what: 'int64 is a number', allowed: () => false },
  {
    pattern: /\bconsole\.(log|error|warn|info|debug)\(/,
    what: 'lines go through the logger',
    allowed: () => false
  },
  {
    pattern: /\bprocess\.(exit|on|once)\(/,
    what: 'an embedded broker never ends or hooks its process',
    allowed: () => false
  }
]

function inBase (path: string): boolean {
  return path.startsWith('engine/base/')
}

function walk (folder: string, out: string[] = []): string[] {
  if (!existsSync(folder)) return out
  for (const name of readdirSync(folder)) {
    if (name === 'node_modules' || name === 'results') continue
    const path = join(folder, name)
    if (statSync(path).isDirectory()) walk(path, out)
    else if (/\.(ts|mjs)$/.test(name)) out.push(path)
  }
  return out
}

const files = ['engine', 'cli', 'bench']
  .flatMap(top => walk(join(root, top)))
  .map(path => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }))
const isTest = (path: string) => /\.test\.ts$|[./-](testing|fakes)\.ts$|\/testing\//.test(path)
const engine = files.filter(file => file.path.startsWith('engine/'))

function importsOf (file: { path: string; text: string }): string[] {
  const found = file.text.matchAll(/(?:from|import\()\s*'(\.[^']+)'|new URL\('(\.[^']+)'/g)
  return [...found].map(match => relative(root, resolve(root, dirname(file.path), match[1] ?? match[2])))
}

function layerOf (path: string): number {
  const part = path.split('/')[1].split(/[.-]/)[0]
  return layers.indexOf(part)
}

describe('tidy', () => {
  it('every engine file belongs to a layer', () => {
    expect(
      engine
        .filter(file => layerOf(file.path) < 0 && file.path !== 'engine/tidy.test.ts')
        .map(file => file.path)
    ).toEqual([])
  })

  it('imports point down', () => {
    const up: string[] = []
    for (const file of engine) {
      if (isTest(file.path)) continue
      for (const target of importsOf(file)) {
        if (!target.startsWith('engine/')) up.push(`${file.path} imports ${target}`)
        else if (layerOf(target) < layerOf(file.path)) up.push(`${file.path} imports ${target}`)
      }
    }
    expect(up).toEqual([])
  })

  it('the command line imports client, config, protocol and base; the engine only where a command runs a broker or reads logs', () => {
    const allowed = ['client', 'config', 'protocol', 'base'].map(name => layers.indexOf(name))
    const wrong: string[] = []
    for (const file of files.filter(file => file.path.startsWith('cli/') && !isTest(file.path))) {
      for (const target of importsOf(file).filter(path => path.startsWith('engine/'))) {
        const runsBroker = /^cli\/commands\/server\//.test(file.path) && target === 'engine/index.ts'
        const readsLogs = file.path === 'cli/commands/dump-log.ts' && target.startsWith('engine/log/dump/')
        if (!allowed.includes(layerOf(target)) && !runsBroker && !readsLogs) {
          wrong.push(`${file.path} imports ${target}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })

  it('files stay within their caps; columns are the linter\'s', () => {
    const over: string[] = []
    for (const { path, text } of files) {
      const lines = text.split('\n')
      const cap = isTest(path) ? linesPerTest : linesPerFile
      if (lines.length - 1 > cap && !(path in longFiles)) over.push(`${path}: ${lines.length - 1} lines`)
    }
    expect(over).toEqual([])
  })

  it('functions stay within their cap', () => {
    const over: string[] = []
    for (const { path, text } of files) {
      if (isTest(path)) continue
      for (const { name, lines, at } of functionsOf(text)) {
        if (lines > linesPerFunction && !(`${path}:${name}` in longFunctions)) {
          over.push(`${path}:${at} ${name}: ${lines} lines`)
        }
      }
    }
    expect(over).toEqual([])
  })

  it('nothing reaches for time, chance, disk, network or the process', () => {
    const found: string[] = []
    for (const { path, text } of engine) {
      if (isTest(path)) continue
      text.split('\n').forEach((line, index) => {
        const code = line
          .replace(/(^|\s)\/\/.*$/, '')
          .replace(/^\s*\*.*$/, '')
          .replace(/\/\*.*?\*\//g, '')
        for (const { pattern, what, allowed } of banned) {
          if (pattern.test(code) && !allowed(path)) found.push(`${path}:${index + 1}: ${what}`)
        }
      })
    }
    expect(found).toEqual([])
  })

  it('no file is dead: each is imported by another, or is an entry', () => {
    const used = new Set(files.flatMap(importsOf))
    const entry =
      /\.test\.ts$|^cli\/(commands|build|main)|^engine\/index\.ts$|-entry\.ts$|^bench\/(suites\/|run\.ts|load\/main\.ts|limits\/main\.ts|[a-z-]+\/main\.ts)/
    expect(files.map(file => file.path).filter(path => !used.has(path) && !entry.test(path))).toEqual([])
  })

  it('the project speaks of itself alone', () => {
    const words = /\b(claude|anthropic|openai|chatgpt|copilot|co-authored)\b|\/work\/|issue #?\d+/i
    const docs = ['README.md', 'ARCHITECTURE.md', 'package.json', '.ci/run']
      .filter(name => existsSync(join(root, name)))
      .map(path => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    const own = [...files, ...docs].filter(file => file.path !== 'engine/tidy.test.ts')
    expect(own.filter(file => words.test(file.text)).map(file => file.path)).toEqual([])
  })

  it('every runtime dependency has its sentence in ARCHITECTURE.md', () => {
    const dependencies = Object.keys(
      JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).dependencies
    )
    const text = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
    expect(dependencies.filter(name => !text.includes(`\`${name}\``))).toEqual([])
  })
})

/**
 * Functions and methods by their indentation: the formatting is fixed, so a body ends where its first line's
 * indent closes it.
 */
function * functionsOf (text: string): Generator<{ name: string; lines: number; at: number }> {
  const lines = text.split('\n')
  const start =
    /^(\s*)(?:export )?(?:default )?(?:(?:async |static |private |override |get |set )*)(?:function\s*\*?\s*(\w+)|(#?\w+))\s*(?:<[^>]*>)?\s*\(.*\{$/
  for (let at = 0; at < lines.length; at++) {
    const match = start.exec(lines[at])
    if (match === null || /^\s*(if|for|while|switch|catch|return|describe|it|test)\b/.test(lines[at])) {
      continue
    }
    const close = `${match[1]}}`
    let end = at + 1
    while (end < lines.length && !(lines[end].startsWith(close) && !lines[end].startsWith(`${match[1]} `))) { end++ }
    yield { name: match[2] ?? match[3], lines: end - at + 1, at: at + 1 }
  }
}
