import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DiskError } from '../../base/disk.ts'
import { codecIds } from '../../protocol/compression/index.ts'
import { buildBatch, type RecordInput } from '../../protocol/record.ts'
import { updateCrc } from '../../protocol/record-batch.ts'
import { AbortedTxn } from '../../protocol/records/aborted-txn.ts'
import {
  controlTypes, EndTxnMarker, SnapshotHeaderRecord
} from '../../protocol/records/control-records.ts'
import { encodeVersioned } from '../../protocol/records/record-type.ts'
import { encode } from '../../protocol/compile.ts'
import { Writer } from '../../protocol/wire.ts'
import { ProducerEntry } from '../producer-entry.ts'
import { encodeSnapshot } from '../producer-snapshot.ts'
import { OffsetIndex } from '../offset-index.ts'
import { TimeIndex } from '../time-index.ts'
import { DumpError } from './dump.ts'
import { diskWith, dumped, folder } from './dump.testing.ts'

const base = '00000000000000000005'
const log = `${base}.log`
const timeMs = 1700000000000

function record (value: string | null, more: Partial<RecordInput> = {}): RecordInput {
  return { key: null, value: value === null ? null : Buffer.from(value), timestamp: timeMs, ...more }
}

const first = buildBatch(
  { baseOffset: 5, partitionLeaderEpoch: 2, producerId: 9, producerEpoch: 1, baseSequence: 2147483647 },
  [
    record('one', { key: Buffer.from('k'), headers: [{ key: 'h', value: null }, { key: 'i', value: null }] }),
    record(null, { timestamp: timeMs + 5 })
  ])
const second = buildBatch({ baseOffset: 7, compression: codecIds.gzip }, [record('two'), record('three')])
const third = buildBatch({ baseOffset: 12 }, [record('four', { timestamp: timeMs + 9 })])
const segment = Buffer.concat([first, second, third])
const secondAt = first.length
const thirdAt = first.length + second.length

const firstLine = 'baseOffset: 5 lastOffset: 6 count: 2 baseSequence: 2147483647 lastSequence: 0 producerId: 9 ' +
  'producerEpoch: 1 partitionLeaderEpoch: 2 isTransactional: false isControl: false ' +
  `deleteHorizonMs: OptionalLong.empty position: 0 CreateTime: ${timeMs + 5} size: ${first.length} magic: 2 ` +
  `compresscodec: none crc: ${first.readUInt32BE(17)} isvalid: true`

function changed (bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes)
  change(copy)
  return copy
}

describe('a log', () => {
  it('is a line for each batch', () => {
    const { out, findings, error } = dumped(diskWith({ [log]: segment }), [log])
    expect(error).toBeNull()
    expect(findings).toEqual([])
    expect(out.slice(0, 3)).toEqual([`Dumping ${folder}/${log}`, 'Log starting offset: 5', firstLine])
    expect(out.slice(3).map(line => /^baseOffset: \d+|position: \d+|compresscodec: \w+/g[Symbol.match](line)))
      .toEqual([
        ['baseOffset: 7', `position: ${secondAt}`, 'compresscodec: gzip'],
        ['baseOffset: 12', `position: ${thirdAt}`, 'compresscodec: none']
      ])
  })

  it('is a line for each record too, if asked for', () => {
    const { out, findings } = dumped(diskWith({ [log]: segment }), [log], { printRecords: true })
    const lines = out.filter(line => line.startsWith('|'))
    expect(lines).toEqual([
      `| offset: 5 CreateTime: ${timeMs} keySize: 1 valueSize: 3 sequence: 2147483647 headerKeys: [h,i] key: k payload: one`,
      `| offset: 6 CreateTime: ${timeMs + 5} keySize: -1 valueSize: -1 sequence: 0 headerKeys: []`,
      `| offset: 7 CreateTime: ${timeMs} keySize: -1 valueSize: 3 sequence: -1 headerKeys: [] payload: two`,
      `| offset: 8 CreateTime: ${timeMs} keySize: -1 valueSize: 5 sequence: -1 headerKeys: [] payload: three`,
      `| offset: 12 CreateTime: ${timeMs + 9} keySize: -1 valueSize: 4 sequence: -1 headerKeys: [] payload: four`
    ])
    expect(findings).toEqual([
      `Non-consecutive offsets in ${folder}/${log}`, '  -1 is followed by 5', '  8 is followed by 12'
    ])
    const bare = dumped(diskWith({ [log]: segment }), [log], { printRecords: true, skipMetadata: true })
    expect(bare.out.filter(line => !line.startsWith('b')).slice(2))
      .toEqual(['| key: k payload: one', '', '| payload: two', '| payload: three', '| payload: four'])
    const around = dumped(diskWith({ [log]: segment }), [log], { deep: true })
    expect(around.out[3]).toMatch(/headerKeys: \[h,i\]$/)
  })

  it('shows what kind of time it has, and when tombstones may go', () => {
    const bytes = buildBatch({ logAppendTime: true, maxTimestamp: 7, deleteHorizonMs: 99 }, [record('x')])
    const { out } = dumped(diskWith({ [log]: bytes }), [log], { printRecords: true })
    expect(out[2]).toContain(' deleteHorizonMs: OptionalLong[99] position: 0 LogAppendTime: 7 ')
    expect(out[3]).toContain('| offset: 0 LogAppendTime: 7 ')
  })

  it('ends where a limit of bytes says', () => {
    const disk = diskWith({ [log]: segment })
    expect(dumped(disk, [log], { bytesMax: thirdAt + 1 }).out).toHaveLength(4)
    expect(dumped(disk, [log], { bytesMax: thirdAt - 1 }).out).toHaveLength(3)
    expect(dumped(disk, [log], { bytesMax: 0 }).out).toHaveLength(2)
  })

  it('shows control records as what they mean', () => {
    const key = (type: number) => Buffer.from([0, 0, 0, type])
    const writer = new Writer(16)
    encode(SnapshotHeaderRecord, 0, writer, { version: 0, lastContainedLogTimestamp: 3 })
    const records: [Buffer, Buffer][] = [
      [key(controlTypes.commit), encodeVersioned(EndTxnMarker, 0, { coordinatorEpoch: 4 })],
      [key(controlTypes.abort), encodeVersioned(EndTxnMarker, 0, { coordinatorEpoch: 5 })],
      [key(controlTypes.snapshotHeader), writer.buf.subarray(0, writer.at)],
      [key(controlTypes.leaderChange), Buffer.from('0000000000010200000009000100', 'hex')],
      [key(77), Buffer.alloc(0)]
    ]
    const bytes = Buffer.concat(records.map(([key, value], index) =>
      buildBatch({ baseOffset: index, control: true }, [{ key, value, timestamp: 1 }])))
    const { out } = dumped(diskWith({ [log]: bytes }), [log], { printRecords: true })
    expect(out.filter(line => line.startsWith('|')).map(line => line.replace(/^.*headerKeys: \[\]/, ''))).toEqual([
      ' endTxnMarker: COMMIT coordinatorEpoch: 4', ' endTxnMarker: ABORT coordinatorEpoch: 5',
      ' SnapshotHeader {"version":0,"lastContainedLogTimestamp":3}',
      ' LeaderChange: {"version":0,"leaderId":1,"voters":[{"voterId":9}],"grantingVoters":[]}', ' controlType: UNKNOWN(77)'
    ])
  })

  it('is checked whatever the size of its batches', () => {
    const large = buildBatch({}, [record('x'.repeat(3_000_000))])
    const lastByte = changed(large, copy => { copy[copy.length - 2] ^= 1 })
    const small = buildBatch({ baseOffset: 1 }, [record('y')])
    const disk = diskWith({ [log]: Buffer.concat([large, lastByte, small]) })
    const { out } = dumped(disk, [log], { deep: true })
    const valid = out.filter(line => line.startsWith('b')).map(line => line.split(' ').at(-1))
    expect(valid).toEqual(['true', 'false', 'true'])
    expect(out.filter(line => line.startsWith('|')).map(line => /valueSize: (\d+)/.exec(line)?.[1]))
      .toEqual(['3000000', '3000000', '1'])
  })

  it('of a metadata snapshot says which one', () => {
    const name = '00000000000000000042-0000000007.checkpoint'
    const disk = diskWith({ [name]: third, 'bootstrap.checkpoint': third, 'other.checkpoint': third })
    expect(dumped(disk, [name]).out.slice(1, 3)).toEqual(['Snapshot end offset: 42, epoch: 7', expect.stringMatching(/^base/)])
    expect(dumped(disk, ['bootstrap.checkpoint']).out[1]).toBe('KRaft bootstrap snapshot')
    expect(dumped(disk, ['other.checkpoint']).error?.message).toMatch(/no name of a metadata snapshot/)
  })
})

describe('a damaged log', () => {
  const dumpedDeep = (bytes: Buffer) => dumped(diskWith({ [log]: bytes }), [log], { printRecords: true })

  it('with a flipped bit has a batch that is not valid', () => {
    const bytes = changed(segment, copy => { copy[secondAt - 1] ^= 1 })
    const { out, error } = dumped(diskWith({ [log]: bytes }), [log])
    expect(out.slice(2).map(line => line.split(' ').at(-1))).toEqual(['false', 'true', 'true'])
    expect(error).toBeNull()
  })

  it('with a torn tail tells how much is torn', () => {
    for (const cut of [1, 16, 17, 60, third.length - 1]) {
      const { out, error } = dumped(diskWith({ [log]: segment.subarray(0, thirdAt + cut) }), [log])
      expect(out.at(-1)).toBe(`Found ${cut} invalid bytes at the end of ${log}`)
      expect([out.length, error]).toEqual([5, null])
    }
  })

  it('of zeros ends with where they begin', () => {
    const { out, error } = dumped(diskWith({ [log]: Buffer.concat([first, Buffer.alloc(100)]) }), [log])
    expect(out).toHaveLength(3)
    expect(error?.message).toBe(
      `Found record size 0 smaller than minimum record overhead (14) at position ${first.length} ` +
      `of file ${folder}/${log}.`)
  })

  it('that claims a huge batch takes no memory for it', () => {
    const bytes = changed(segment, copy => copy.writeInt32BE(0x7fffffff, thirdAt + 8))
    const { out } = dumpedDeep(bytes)
    expect(out.at(-1)).toBe(`Found ${third.length} invalid bytes at the end of ${log}`)
  })

  it('shows the records before the one that cannot be read', () => {
    const bytes = changed(first, copy => {
      copy.writeInt32BE(3, 57)
      updateCrc(copy, 0)
    })
    const { out, error } = dumpedDeep(bytes)
    expect(out.filter(line => line.startsWith('|'))).toHaveLength(2)
    expect(error).toBeInstanceOf(DumpError)
    expect(error?.message).toMatch(/batch at position 0 of file .* record 2: .* beyond the end/)
    // With bytes left over, the last record that is counted is not believed either.
    const fewer = dumpedDeep(changed(first, copy => copy.writeInt32BE(1, 57)))
    expect(fewer.out.filter(line => line.startsWith('|'))).toEqual([])
    expect(fewer.error?.message).toMatch(/bytes are left after the last record/)
  })

  it('goes on behind records whose offsets no number holds', () => {
    const bytes = changed(segment, copy => copy.writeBigInt64BE(2n ** 63n - 3n, 0))
    const { out, findings, error } = dumpedDeep(bytes)
    expect(out[2]).toContain('baseOffset: 9223372036854775805 lastOffset: 9223372036854775806 ')
    expect(findings[0]).toMatch(/^The records of the batch at position 0 of file .* are not shown/)
    expect([out.length, error]).toEqual([8, null])
  })

  it('ends in lines or a DumpError, whatever it is', () => {
    const disk = diskWith({})
    fc.assert(fc.property(
      fc.array(fc.tuple(fc.nat(segment.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      fc.nat(segment.length),
      (flips, length) => {
        const bytes = changed(segment, copy => { for (const [at, byte] of flips) copy[at] = byte })
        disk.replaceFile(`${folder}/${log}`, bytes.subarray(0, length))
        const { out, error } = dumped(disk, [log], { printRecords: true })
        expect(out.length).toBeGreaterThan(1)
        if (error !== null) expect(error).toBeInstanceOf(DumpError)
      }), { numRuns: 500 })
  })
})

describe('indexes', () => {
  const index = `${base}.index`
  const times = `${base}.timeindex`
  const offsets = new OffsetIndex()
  offsets.append(3, secondAt)
  offsets.append(7, thirdAt)
  const timeEntries = new TimeIndex()
  timeEntries.maybeAppend(timeMs + 5, 1)
  timeEntries.maybeAppend(timeMs + 9, 7)
  const files: Record<string, Buffer> = {
    [log]: segment, [index]: offsets.encode(0), [times]: timeEntries.encode(0)
  }

  it('are their entries', () => {
    const disk = diskWith(files)
    expect(dumped(disk, [index]).out.slice(1))
      .toEqual([`offset: 8 position: ${secondAt}`, `offset: 12 position: ${thirdAt}`])
    const { out, findings } = dumped(disk, [times])
    expect(out.slice(1)).toEqual([`timestamp: ${timeMs + 5} offset: 6`, `timestamp: ${timeMs + 9} offset: 12`])
    expect(findings).toEqual([])
  })

  it('are only checked, if asked for', () => {
    const disk = diskWith(files)
    expect(dumped(disk, [index, times], { verifyOnly: true }).out)
      .toEqual([`Dumping ${folder}/${index}`, `Dumping ${folder}/${times}`])
    expect(dumped(disk, [index, times], { sanityOnly: true }).out.filter(line => !line.startsWith('D')))
      .toEqual([`${folder}/${index} passed sanity check.`, `${folder}/${times} passed sanity check.`])
  })

  it('end at the zeros that a crash leaves', () => {
    const zeros = Buffer.alloc(24)
    const disk = diskWith({
      ...files, [index]: Buffer.concat([files[index], zeros]), [times]: Buffer.concat([files[times], zeros])
    })
    expect(dumped(disk, [index, times]).out).toHaveLength(6)
    expect(dumped(diskWith({ ...files, [index]: Buffer.alloc(0) }), [index]).out[1])
      .toBe(`${folder}/${index} is empty.`)
  })

  it('that do not fit their log say where', () => {
    const wrong = changed(files[index], copy => copy.writeInt32BE(6, 8))
    const wrongTimes = changed(files[times], copy => {
      copy.writeInt32BE(2, 8) // the middle of a batch
      copy.writeBigInt64BE(BigInt(timeMs + 4), 12)
    })
    const disk = diskWith({ ...files, [index]: wrong, [times]: wrongTimes })
    const { out, findings, error } = dumped(disk, [index, times])
    expect([out.length, error]).toEqual([6, null])
    expect(findings).toEqual([
      `Mismatches in :${folder}/${index}`,
      '  Index offset: 11, log offset: 12',
      'The following indexed offsets are not found in the log.',
      'Indexed offset: 7, found log offset: 8',
      `Found timestamp mismatch in :${folder}/${times}`,
      `  Index timestamp: ${timeMs + 4}, log timestamp: ${timeMs + 9}`,
      `Found out of order timestamp in :${folder}/${times}`,
      `  Index timestamp: ${timeMs + 4}, Previously indexed timestamp: ${timeMs + 5}`
    ])
  })

  it('that point nowhere, or are cut, end the dump', () => {
    const faults: [Record<string, Buffer>, object, RegExp][] = [
      [{ [index]: changed(files[index], copy => copy.writeInt32BE(99999, 4)) }, {}, /Entry 0 .* position 99999/],
      [{ [index]: changed(files[index], copy => copy.writeInt32BE(-1, 4)) }, {}, /position -1/],
      [{}, { messageBytesMax: 20 }, /no whole batch of at most 20 bytes/],
      [{ [index]: files[index].subarray(0, 13) }, { sanityOnly: true }, /13 bytes.* not a multiple of 8/],
      [{ [index]: changed(files[index], copy => copy.writeInt32BE(-9, 8)) }, { sanityOnly: true }, /last offset is -4/]
    ]
    for (const [damage, options, message] of faults) {
      const { error } = dumped(diskWith({ ...files, ...damage }), [index], options)
      expect(error).toBeInstanceOf(DumpError)
      expect(error?.message).toMatch(message)
    }
    expect(dumped(diskWith({ [index]: files[index] }), [index]).error).toBeInstanceOf(DiskError)
    const falling = changed(files[times], copy => copy.writeBigInt64BE(1n, 12))
    expect(dumped(diskWith({ ...files, [times]: falling }), [times], { sanityOnly: true }).error?.message)
      .toMatch(/last timestamp is 1 which is less/)
  })

  it('of any bytes end in lines, findings or an error of ours', () => {
    const disk = diskWith(files)
    fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(index, times), (bytes, name) => {
      for (const file of [index, times]) disk.replaceFile(`${folder}/${file}`, files[file])
      disk.replaceFile(`${folder}/${name}`, bytes)
      for (const sanityOnly of [false, true]) {
        const { error } = dumped(disk, [name], { sanityOnly })
        if (error !== null) expect(error).toBeInstanceOf(DumpError)
      }
    }))
  })

  it('that are all wrong do not fill the memory', () => {
    const many = Buffer.alloc(8 * 5000)
    for (let entry = 0; entry < 5000; entry++) many.writeInt32BE(entry + 100, entry * 8)
    const { findings } = dumped(diskWith({ ...files, [index]: many }), [index], { verifyOnly: true })
    expect(findings).toHaveLength(1002)
    expect(findings.at(-1)).toBe('  and 4000 more')
  })
})

describe('what is remembered of producers', () => {
  const snapshot = `${base}.snapshot`
  const producer = new ProducerEntry(9, 0)
  producer.epoch = 3
  producer.push(4, 20, 1, timeMs)
  producer.push(7, 23, 2, timeMs + 1)
  const marked = new ProducerEntry(10, 0)
  marked.epoch = 1
  marked.coordinatorEpoch = 6
  marked.transactionStart = 17
  marked.timestampMs = timeMs
  const bytes = encodeSnapshot([producer, marked])

  it('is a line each', () => {
    expect(dumped(diskWith({ [snapshot]: bytes }), [snapshot]).out.slice(1)).toEqual([
      'producerId: 9 producerEpoch: 3 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty ' +
      `lastTimestamp: ${timeMs + 1} firstSequence: 5 lastSequence: 7 lastOffset: 23 offsetDelta: 2 timestamp: ${timeMs + 1}`,
      'producerId: 10 producerEpoch: 1 coordinatorEpoch: 6 currentTxnFirstOffset: OptionalLong[17] ' +
      `lastTimestamp: ${timeMs}`
    ])
  })

  it('says what is wrong with a damaged file', () => {
    const faults: [Buffer, RegExp][] = [
      [Buffer.alloc(3), /cut short: it has 3 bytes/],
      [changed(bytes, copy => { copy[1] = 9 }), /unknown file version 9/],
      [changed(bytes, copy => { copy[20] ^= 1 }), /CRC is no longer valid.*Stored crc: \d+\. Computed crc: \d+/]
    ]
    for (const [damaged, message] of faults) {
      const { error } = dumped(diskWith({ [snapshot]: damaged }), [snapshot])
      expect(error).toBeInstanceOf(DumpError)
      expect(error?.message).toMatch(message)
    }
  })

  it('is the aborted transactions, too', () => {
    const name = `${base}.txnindex`
    const entry = (producerId: number) => encodeVersioned(AbortedTxn, 0, {
      producerId, firstOffset: 1, lastOffset: 2, lastStableOffset: 3
    })
    const unknown = Buffer.from([0, 9, ...Buffer.alloc(32)])
    const disk = diskWith({ [name]: Buffer.concat([entry(4), entry(5), unknown]) })
    const { out, error } = dumped(disk, [name])
    expect(out.slice(1)).toEqual([4, 5].map(id =>
      `version: 0 producerId: ${id} firstOffset: 1 lastOffset: 2 lastStableOffset: 3`))
    expect(error?.message).toMatch(/entry at position 68 .* no version 9/)
  })
})

describe('files', () => {
  it('of any number are dumped in order, unknown ones only named', () => {
    const disk = diskWith({ [log]: first, 'readme.txt': first, plain: first })
    const { out, findings, error } = dumped(disk, ['readme.txt', log, 'plain'])
    expect(out.filter(line => line.startsWith('Dumping'))).toHaveLength(3)
    expect(findings).toEqual([
      `Ignoring unknown file ${folder}/readme.txt`, `Ignoring unknown file ${folder}/plain`
    ])
    expect(error).toBeNull()
  })

  it('must be there, under a name that says where they begin', () => {
    const disk = diskWith({ 'x.log': first })
    expect(dumped(disk, [log]).error).toBeInstanceOf(DiskError)
    expect(dumped(disk, ['x.log']).error?.message).toMatch(/should begin with the first offset/)
  })
})
