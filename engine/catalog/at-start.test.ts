import { expect, it } from 'vitest'
import { MemoryDisk } from '../base/disk-memory.ts'
import { SeededRandom } from '../base/random-seeded.ts'
import { loadBrokerConfig } from '../config/broker-config.ts'
import { topicSettingsAtStart } from './at-start.ts'
import { openEmbeddedCatalog } from './embedded-catalog.ts'

it('settings of topics are known before the catalog begins, with the brokers\' defaults of the time', async () => {
  const disk = new MemoryDisk()
  const config = loadBrokerConfig({ overrides: {} })
  const options = { disk, directory: '/data', random: new SeededRandom(1), brokerId: config.nodeId }
  const catalog = openEmbeddedCatalog({ ...options, config })
  catalog.begin([])
  const topic = { partitions: 1, replicationFactor: 1, assignments: [] }
  await catalog.createTopic({ ...topic, name: 'plain', config: new Map() }, false)
  const changelog = new Map([['cleanup.policy', 'compact'], ['index.interval.bytes', '77']])
  await catalog.createTopic({ ...topic, name: 'changelog', config: changelog }, false)
  await catalog.alterBrokerConfig('', [{ name: 'log.segment.bytes', op: 'set', value: '2000000' }], false)
  await catalog.close()

  const settings = topicSettingsAtStart(disk, '/data', loadBrokerConfig({ overrides: {} }))
  expect(settings('plain')).toMatchObject({ compacts: false, indexIntervalBytes: 4096, segmentBytes: 2_000_000 })
  expect(settings('changelog')).toMatchObject({ compacts: true, deletes: false, indexIntervalBytes: 77 })
  // Another broker's: nobody knows whether it was compacted.
  expect(settings('foreign')).toMatchObject({ compacts: true, deletes: true })
  expect(topicSettingsAtStart(new MemoryDisk(), '/data', config)('any').compacts).toBe(true)
})
