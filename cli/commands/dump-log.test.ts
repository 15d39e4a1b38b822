// The command as a process: what goes to which stream, and how it ends. What it prints of which file is
// tested where that is made, in engine/log/dump.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildBatch } from '../../engine/protocol/record.ts'

const millrace = resolve(import.meta.dirname, '../bin/millrace')
const log = '00000000000000000003.log'
let folder = ''

interface Ended { code: number, out: string, err: string }

function dumpLog (...args: string[]): Promise<Ended> {
  return new Promise(resolve => {
    // Under NODE_ENV=test oclif warns of commands that read their options themselves.
    const options = { cwd: folder, env: { ...process.env, NODE_ENV: 'production' } }
    execFile(process.execPath, [millrace, 'dump-log', ...args], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err: ownLines(err) })
    })
  })
}

/** A checkout may say that it runs its sources. */
function ownLines (text: string): string {
  return text.split('\n').filter(line => !line.endsWith('running the sources')).join('\n')
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dump-log-'))
  const record = { key: Buffer.from([0, 0, 0, 7]), value: Buffer.from('abc'), timestamp: 1 }
  writeFileSync(join(folder, log), Buffer.concat([buildBatch({ baseOffset: 3 }, [record]), Buffer.alloc(5)]))
  writeFileSync(join(folder, 'readme.txt'), 'x')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('millrace dump-log', () => {
  it('prints files to stdout, what is odd about them to stderr', async () => {
    const { code, out, err } = await dumpLog(
      '--files', `readme.txt,${log}`, '--key-decoder-class', 'org.apache.kafka.tools.api.IntegerDecoder')
    expect(code).toBe(0)
    expect(out.split('\n')).toEqual([
      'Dumping readme.txt', `Dumping ${log}`, 'Log starting offset: 3', expect.stringMatching(/ isvalid: true$/),
      '| offset: 3 CreateTime: 1 keySize: 4 valueSize: 3 sequence: -1 headerKeys: [] key: 7 payload: abc',
      `Found 5 invalid bytes at the end of ${log}`, ''
    ])
    expect(err).toBe(
      `Ignoring unknown file readme.txt\nNon-consecutive offsets in ${join(folder, log)}\n  -1 is followed by 3\n`)
  })

  it('ends with 1 when a file cannot be read, after what came before', async () => {
    const missing = await dumpLog('--files', `${log},00000000000000000009.log`)
    expect(missing.code).toBe(1)
    expect(missing.out).toMatch(/invalid bytes.*\nDumping 00000000000000000009\.log\nLog starting offset: 9\n$/)
    expect(missing.err).toMatch(/^millrace: open 00000000000000000009\.log: ENOENT[^\n]*\n$/)
    const short = await dumpLog('--files', log, '--value-decoder-class=LongDecoder')
    expect(short.code).toBe(1)
    expect(short.err).toMatch(
      /\nmillrace: Failed to decode message at offset 3: 3 bytes are no number of 8 bytes\n$/)
    expect(short.out).toMatch(/headerKeys: \[\]$/)
  })

  it('ends with 2 when it is used wrongly, before it prints', async () => {
    const wrong = [
      [], ['--files'], ['--files', log, '--nope'], ['--files', log, '--max-bytes', 'x'],
      ['--files', log, '--value-decoder-class', 'no.such.Decoder']
    ]
    for (const args of wrong) {
      const { code, out, err } = await dumpLog(...args)
      expect([code, out], args.join(' ')).toEqual([2, ''])
      expect(err).toMatch(/\nTry: millrace dump-log --help\n$/)
    }
  })
})
