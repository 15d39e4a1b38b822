// The topics that the broker keeps for itself, as they are created on first use: partitions and settings from
// the broker's.
import { type BrokerConfig } from '../config/broker-config.ts'
import { type NewTopic } from './catalog.ts'

/** null: no internal topic has that name. */
export function internalTopic (config: BrokerConfig, name: string): NewTopic | null {
  switch (name) {
    case '__consumer_offsets':
      return newTopic(config, name, 'offsets.topic', { 'compression.type': 'producer' })
    case '__transaction_state':
      return newTopic(config, name, 'transaction.state.log', {
        'compression.type': 'uncompressed',
        'unclean.leader.election.enable': 'false',
        'min.insync.replicas': config.string('transaction.state.log.min.isr')
      })
    case '__share_group_state':
      return newTopic(config, name, 'share.coordinator.state.topic', {
        'compression.type': 'producer',
        'min.insync.replicas': config.string('share.coordinator.state.topic.min.isr')
      })
    default: return null
  }
}

function newTopic (
  config: BrokerConfig, name: string, prefix: string, settings: Record<string, string>
): NewTopic {
  return {
    name,
    partitions: config.number(`${prefix}.num.partitions`),
    replicationFactor: config.number(`${prefix}.replication.factor`),
    assignments: [],
    config: new Map([
      ['cleanup.policy', 'compact'],
      ['segment.bytes', config.string(`${prefix}.segment.bytes`)],
      ...Object.entries(settings)
    ])
  }
}
