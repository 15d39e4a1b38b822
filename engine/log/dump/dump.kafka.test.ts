// The dumps of files that a Kafka broker wrote, against what Kafka's own tool says of them, where both lie
// beside the checkout.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { realDisk } from '../../base/disk-real.ts'
import { Dump, type DumpOptions } from './dump.ts'
import { dumpOptions } from './dump.testing.ts'
import {
  clusterMetadataDecoder, offsetsDecoder, shareGroupStateDecoder, transactionLogDecoder
} from './topic-decoders.ts'

const home = join(import.meta.dirname, '../../../../shared/clidiff')
const fixtures = join(home, 'fixtures')
const isThere = existsSync(fixtures)
if (!isThere) console.warn('skipped: there are no files of Kafka beside this checkout to dump')

interface Step { run: string, check?: string }
interface Session { name: string, steps: Step[] }
type Golden = Record<string, { stdout?: string[] }[]>

const switches: Record<string, Partial<DumpOptions>> = {
  '--print-data-log': { deep: true, printRecords: true },
  '--deep-iteration': { deep: true },
  '--skip-record-metadata': { skipMetadata: true },
  '--verify-index-only': { verifyOnly: true },
  '--index-sanity-check': { sanityOnly: true },
  '--offsets-decoder': { deep: true, printRecords: true, decoder: offsetsDecoder },
  '--transaction-log-decoder': { deep: true, printRecords: true, decoder: transactionLogDecoder }
}

function optionsOf (words: string[]): Partial<DumpOptions> {
  const after = (name: string) => words[words.indexOf(name) + 1]
  const given = words.map(word => switches[word] ?? {})
  const bytesMax = words.includes('--max-bytes') ? { bytesMax: Number(after('--max-bytes')) } : {}
  const messageBytesMax = words.includes('--max-message-size')
    ? { messageBytesMax: Number(after('--max-message-size')) }
    : {}
  return Object.assign({}, ...given, bytesMax, messageBytesMax)
}

function dump (files: string[], options: Partial<DumpOptions>): { lines: string[], findings: string[] } {
  const dump = new Dump(realDisk, dumpOptions(options))
  const text = [...dump.files(files)].join('').replaceAll(fixtures, '<fixtures>')
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uuid>')
    .replace(/(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{21}[AQgw](?![\w-])/g, '<id>')
  return { lines: text.replace(/\n$/, '').split('\n'), findings: [...dump.findings.lines()] }
}

describe.skipIf(!isThere)('files that Kafka wrote', () => {
  const load = (path: string) => isThere ? JSON.parse(readFileSync(join(home, path), 'utf8')) : []
  const golden: Golden = load('golden/open.json')
  const sessions: Session[] = load('sessions/open/dump-log.json')

  for (const { name, steps } of sessions.filter(({ name }) => name !== 'dump-log-wrong-usage')) {
    it(`are dumped as in ${name}`, () => {
      steps.forEach(({ run }, index) => {
        const words = run.replaceAll(/\$\{fixtures\}/g, fixtures).split(' ')
        const { lines } = dump(words[words.indexOf('--files') + 1].split(','), optionsOf(words))
        expect(lines, run).toEqual(golden[name][index].stdout)
      })
    })
  }

  it('of metadata and share groups are read to the last record', () => {
    const metadata = ['00000000000000000000.log', '00000000000000000000-0000000000.checkpoint']
      .map(name => join(fixtures, '__cluster_metadata-0', name))
    const { lines } = dump(metadata, { deep: true, printRecords: true, decoder: clusterMetadataDecoder })
    expect(lines.filter(line => /Error|false$|Unknown|invalid/.test(line))).toEqual([])
    const types = new Set(lines.flatMap(line => /payload: \{"type":"(\w+)"/.exec(line)?.[1] ?? []))
    expect(types.size).toBeGreaterThan(8)
    const share = join(fixtures, '__share_group_state-0/00000000000000000000.log')
    const shared = dump([share], { deep: true, printRecords: true, decoder: shareGroupStateDecoder }).lines
    expect(shared[3]).toMatch(/key: \{"type":"0",.*"snapshotEpoch":0,"stateEpoch":2,"leaderEpoch":0,"startOffset":-1,/)
  })

  it('show their damage', () => {
    const damaged = (name: string) => dump([join(fixtures, 'damaged-0', name)], {})
    expect(damaged('00000000000000000000.log').lines[4]).toMatch(/position: 166 .* isvalid: false$/)
    expect(damaged('00000000000000000009.log').lines.at(-1))
      .toBe('Found 64 invalid bytes at the end of 00000000000000000009.log')
    expect(damaged('00000000000000000036.index').findings).toContain('  Index offset: 39, log offset: 38')
    expect(damaged('00000000000000000036.timeindex').findings)
      .toContain('  Index timestamp: 1795394970538, log timestamp: 1795394970581')
  })
})
