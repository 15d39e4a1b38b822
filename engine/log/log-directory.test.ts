import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { silentLogger } from '../base/logger.ts'
import { kafkaUuid, zeroUuid } from '../protocol/uuid.ts'
import { decodeOffsets, encodeOffsets } from './checkpoints.ts'
import {
  checkpointDirectory, clusterIdOf, markClean, openDirectory, type OpenedDirectory, setAside
} from './log-directory.ts'
import { markedFolder, offsetOfName, parseFolder } from './names.ts'
import { append, fixedRandom, newLog, topicId } from './testing/kit.ts'

function openData (disk: MemoryDisk, more: object = {}): OpenedDirectory {
  return openDirectory({
    disk, path: '/data', nodeId: 1, clusterId: 'MkU3OEVBNTcwNTJENDM2Qk', logger: silentLogger, random: fixedRandom, ...more
  })
}

describe('a log directory', () => {
  it('is marked as ours, and refused to others', () => {
    const disk = new MemoryDisk()
    const { directoryId, clean, partitions } = openData(disk)
    expect([clean, partitions]).toEqual([false, []])
    expect(disk.readFile('/data/meta.properties').toString()).toBe(
      `#\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\nnode.id=1\ndirectory.id=${directoryId}\n`)
    expect(disk.status('/data/.lock')).not.toBeNull()
    expect(openData(disk).directoryId).toBe(directoryId)
    expect(clusterIdOf(disk, '/data')).toBe('MkU3OEVBNTcwNTJENDM2Qk')
    expect(() => openData(disk, { nodeId: 2 })).toThrow(/belongs to the broker 1, this one is 2/)
    expect(() => openData(disk, { clusterId: 'other' })).toThrow(/belongs to the cluster MkU3OEVBNTcwNTJENDM2Qk/)
  })

  it('opens what Kafka left: its meta.properties in any order, with comments', () => {
    const disk = new MemoryDisk()
    disk.makeDirectory('/data')
    disk.replaceFile('/data/meta.properties', Buffer.from('#\n#Mon Nov 23\nnode.id=1\ndirectory.id=abc\nversion=1\ncluster.id=MkU3OEVBNTcwNTJENDM2Qk\n'))
    expect(openData(disk).directoryId).toBe('abc')
  })

  it('tells what is in it, with what the checkpoints say', () => {
    const { log, disk } = newLog()
    append(log, ['a'])
    log.close(true)
    checkpointDirectory(disk, '/data', {
      recoveryPoints: new Map([['orders-0', 1], ['gone-3', 9]]), highWatermarks: new Map([['orders-0', 1]]), logStarts: new Map()
    })
    markClean(disk, '/data', 42)
    expect(disk.readFile('/data/recovery-point-offset-checkpoint').toString()).toBe('0\n2\norders 0 1\ngone 3 9\n')
    expect(disk.readFile('/data/.kafka_cleanshutdown').toString()).toBe('{"broker_epoch":"42","version":"0"}')
    expect(disk.readFile('/data/orders-0/partition.metadata').toString()).toBe(`version: 0\ntopic_id: ${kafkaUuid(topicId)}\n`)
    const opened = openData(disk as MemoryDisk)
    expect(opened.clean).toBe(true)
    expect(opened.partitions).toEqual([{
      topic: 'orders',
      partition: 0,
      topicId,
      folder: '/data/orders-0',
      foreign: false,
      recoveryPoint: 1,
      logStart: 0,
      highWatermark: 1
    }])
    expect(openData(disk as MemoryDisk).clean).toBe(false)
  })

  it('removes what was deleted, leaves alone what it does not know', () => {
    const disk = new MemoryDisk()
    openData(disk)
    for (const name of ['a-0', 'b.c_d-12', `x-1.${'f'.repeat(32)}-delete`, `y-1.${'f'.repeat(32)}-stray`, `z-1.${'f'.repeat(32)}-future`,
      'catalog', '__cluster_metadata-0', 'with space-0']) disk.makeDirectory(`/data/${name}/`)
    disk.replaceFile('/data/file-0', Buffer.alloc(1))
    expect(openData(disk).partitions.map(({ topic, partition, topicId }) => [topic, partition, topicId]))
      .toEqual([['a', 0, zeroUuid], ['b.c_d', 12, zeroUuid]])
    expect(disk.list('/data').filter(name => /delete|stray|future/.test(name)).length).toBe(2)
    const aside = setAside(disk, '/data', { topic: 'a', partition: 0, topicId }, fixedRandom, 'delete')
    expect(aside).toBe('/data/a-0.11111111222243338444555555555555-delete')
    expect(openData(disk).partitions.length).toBe(1)
    expect(disk.status(aside)).toBeNull()
  })

  it('names folders and files by Kafka\'s rules', () => {
    expect(parseFolder('a-b-3')).toEqual({ kind: 'partition', topic: 'a-b', partition: 3 })
    for (const name of ['orders', '-1', 'a-', 'a--', 'a-x', 'a-99999999999', '']) expect(parseFolder(name).kind, name).toBe('other')
    const long = markedFolder('t'.repeat(249), 12, 'f'.repeat(32), 'delete')
    expect(long.length).toBe(255)
    expect(parseFolder(long).kind).toBe('deleted')
    expect(offsetOfName('00000000000000000042.log', '.log')).toBe(42)
    for (const name of ['x.log', '42.index', '.log', '1e3.log']) expect(offsetOfName(name, '.log'), name).toBe(-1)
  })

  it('reads of a checkpoint what is readable', () => {
    const offsets = new Map([['a-0', 5], ['a-b-1', 2 ** 40]])
    expect(decodeOffsets(encodeOffsets(offsets).toString())).toEqual(offsets)
    expect(decodeOffsets('0\n2\na 0 5\nhalf a li').get('a-0')).toBe(5)
    expect(decodeOffsets('7\n1\na 0 5\n').size).toBe(0)
    expect(decodeOffsets('').size).toBe(0)
  })
})
