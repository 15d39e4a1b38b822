// The settings of the group coordinator and of its topic, read when they are needed: most may change while
// it runs.
import { assert } from '../base/assert.ts'
import { type Logger } from '../base/logger.ts'
import { type Catalog, type NewTopic } from '../catalog/catalog.ts'
import { internalTopic } from '../catalog/internal-topics.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { type GroupSettings } from './group-events.ts'

export const offsetsTopicName = '__consumer_offsets'

export function groupSettings (config: BrokerConfig): GroupSettings {
  return {
    get membersMax () { return config.number('group.max.size') },
    get sessionTimeoutMsMin () { return config.number('group.min.session.timeout.ms') },
    get sessionTimeoutMsMax () { return config.number('group.max.session.timeout.ms') },
    get firstRebalanceDelayMs () { return config.number('group.initial.rebalance.delay.ms') },
    get metadataLengthMax () { return config.number('offset.metadata.max.bytes') },
    get retentionMs () { return config.number('offsets.retention.minutes') * 60_000 }
  }
}

/**
 * Kafka refuses until there are as many brokers as copies asked for; a broker on its own is no reason to
 * serve nobody.
 */
export function offsetsTopic (config: BrokerConfig, catalog: Catalog, logger: Logger): NewTopic {
  const topic = internalTopic(config, offsetsTopicName)
  assert(topic !== null, 'the catalog knows the topic of the offsets')
  const wanted = topic.replicationFactor
  const replicationFactor = Math.min(wanted, Math.max(1, catalog.brokers().length))
  if (replicationFactor < wanted) {
    logger.warn({ topic: offsetsTopicName, wanted, replicationFactor },
      'fewer brokers than offsets.topic.replication.factor: the topic gets fewer copies')
  }
  return { ...topic, replicationFactor }
}
