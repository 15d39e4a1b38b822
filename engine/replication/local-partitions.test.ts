import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { type NewTopic } from '../catalog/catalog.ts'
import { openEmbeddedCatalog } from '../catalog/embedded-catalog.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { errorCodes } from '../protocol/errors.ts'
import { type FoundLog, type LogClient } from '../threads/log-client.ts'
import { createPartitions } from './local-partitions.ts'

/** A log client that writes down what it is told, and opens when the test says so. */
class LogFake {
  readonly calls: string[] = []
  readonly #free: number[] = []
  #rows = 0
  openError = 0
  gate: Promise<void> = Promise.resolve()

  async open (identity: { topic: string, partition: number }, config: { retentionMs: number }) {
    await this.gate
    if (this.openError !== 0) return { row: -1, errorCode: this.openError }
    const row = this.#free.pop() ?? this.#rows++
    this.calls.push(`open ${identity.topic}-${identity.partition} in ${row} keeps ${config.retentionMs}`)
    return { row, errorCode: 0 }
  }

  async becomeLeader (row: number, epoch: number) { this.calls.push(`lead ${row} epoch ${epoch}`) }
  async becomeFollower (row: number, epoch: number) { this.calls.push(`follow ${row} epoch ${epoch}`) }
  configure (row: number, config: { retentionMs: number }) {
    this.calls.push(`configure ${row} keeps ${config.retentionMs}`)
  }

  async remove (row: number) {
    this.#free.push(row)
    this.calls.push(`remove ${row}`)
  }

  async discard (found: FoundLog) { this.calls.push(`discard ${found.topic}-${found.partition}`) }
  directories () { return [] }
  take (): string[] { return this.calls.splice(0) }
}

function setUp (disk: MemoryDisk = new MemoryDisk()) {
  const config = loadBrokerConfig()
  const catalog = openEmbeddedCatalog({
    disk, directory: '/data', random: new SeededRandom(7), brokerId: 1, config
  })
  const log = new LogFake()
  const partitions = createPartitions({ catalog, log: log as unknown as LogClient, config, brokerId: 1 })
  return { disk, catalog, log, partitions }
}

function newTopic (name: string, partitions: number, config: [string, string][] = []): NewTopic {
  return { name, partitions, replicationFactor: 1, assignments: [], config: new Map(config) }
}

describe('local partitions', () => {
  it('a created topic leads when createTopic resolves, and is found by name, id and row', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    await catalog.createTopic(newTopic('t', 2, [['retention.ms', '5']]), false)
    expect(log.take()).toEqual([
      'open t-0 in 0 keeps 5', 'open t-1 in 1 keeps 5', 'lead 0 epoch 0', 'lead 1 epoch 0'
    ])
    const second = partitions.find('t', 1)!
    expect(second).toMatchObject({ row: 1, errorCode: 0, leader: true, leaderEpoch: 0, index: 1, topic: 't' })
    expect(partitions.findById(second.topicId, 1)).toBe(second)
    expect(partitions.byRow(1)).toBe(second)
    expect([...partitions.all()].length).toBe(2)
    expect(partitions.find('t', 2)).toBeUndefined()
    expect(partitions.find('other', 0)).toBeUndefined()
  })

  it('cannot serve while its log opens', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    let open = () => {}
    log.gate = new Promise(resolve => { open = resolve })
    const created = catalog.createTopic(newTopic('t', 1), false)
    await Promise.resolve()
    expect(partitions.find('t', 0)!.errorCode).toBe(errorCodes.LEADER_NOT_AVAILABLE)
    open()
    await created
    expect(partitions.find('t', 0)!.errorCode).toBe(errorCodes.NONE)
  })

  it('removes what is deleted while it still opens', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    let open = () => {}
    log.gate = new Promise(resolve => { open = resolve })
    const created = catalog.createTopic(newTopic('t', 1), false)
    const deleted = catalog.deleteTopic('t')
    expect(partitions.find('t', 0)).toBeUndefined()
    open()
    await Promise.all([created, deleted])
    expect([...partitions.all()]).toEqual([])
    expect(log.calls.filter(call => call.startsWith('open')).length)
      .toBe(log.calls.filter(call => call.startsWith('remove')).length)
  })

  it('hands new settings of the topic and of the broker on', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    await catalog.createTopic(newTopic('own', 1, [['retention.ms', '5']]), false)
    await catalog.createTopic(newTopic('plain', 1), false)
    log.take()
    await catalog.alterTopicConfig('own', [{ name: 'retention.ms', op: 'set', value: '6' }], false)
    await catalog.alterBrokerConfig('', [{ name: 'log.retention.ms', op: 'set', value: '9' }], false)
    expect(log.take()).toEqual(['configure 0 keeps 6', 'configure 0 keeps 6', 'configure 1 keeps 9'])
  })

  it('adds partitions, and removes all of a deleted topic', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    const seen: string[] = []
    partitions.onLeadership((partition, leads) => { seen.push(`${partition.index} ${leads}`) })
    await catalog.createTopic(newTopic('t', 1), false)
    await catalog.createPartitions('t', 3, null, false)
    expect(seen).toEqual(['0 true', '1 true', '2 true'])
    log.take()
    await catalog.deleteTopic('t')
    expect(log.take()).toEqual(['remove 0', 'remove 1', 'remove 2'])
    expect(seen.slice(3)).toEqual(['0 false', '1 false', '2 false'])
    expect(partitions.byRow(0)).toBeUndefined()
  })

  it('opens all at start with a higher epoch, and discards what the catalog does not know', async () => {
    const first = setUp()
    await first.partitions.start([])
    await first.catalog.createTopic(newTopic('t', 2), false)
    const { id } = first.catalog.topic('t')!
    const { log, partitions } = setUp(first.disk)
    const otherId = '11111111-2222-4333-8444-555555555555'
    const found = (topic: string, topicId: string, partition: number): FoundLog =>
      ({ topic, topicId, partition, directory: '/data' })
    await partitions.start([
      found('t', id, 0), found('t', id, 5), found('t', otherId, 1), found('x', id, 0)
    ])
    expect(log.take().sort()).toEqual([
      'discard t-1', 'discard t-5', 'discard x-0', 'lead 0 epoch 1', 'lead 1 epoch 1',
      'open t-0 in 0 keeps 604800000', 'open t-1 in 1 keeps 604800000'
    ])
  })

  it('answers the log\'s error for a partition that would not open', async () => {
    const { catalog, log, partitions } = setUp()
    await partitions.start([])
    log.openError = errorCodes.KAFKA_STORAGE_ERROR
    await catalog.createTopic(newTopic('t', 1), false)
    expect(partitions.find('t', 0)).toMatchObject({ errorCode: errorCodes.KAFKA_STORAGE_ERROR, leader: false })
    await catalog.deleteTopic('t')
    expect(log.take()).toEqual([])
  })

  it('starts with 4,000 partitions', async () => {
    const first = setUp()
    await first.partitions.start([])
    for (let index = 0; index < 40; index++) {
      await first.catalog.createTopic(newTopic(`t${index}`, 100), false)
    }
    const { partitions } = setUp(first.disk)
    await partitions.start([])
    expect([...partitions.all()].filter(partition => partition.leader).length).toBe(4000)
  })
})
