// What the catalog's file says of topics' settings before the catalog begins: logs are recovered before that,
// and what may be cut off one depends on whether it is compacted.
import { type Disk } from '../base/disk.ts'
import { type BrokerConfig } from '../config/broker-config.ts'
import { type LogConfig } from '../config/log-config.ts'
import { logConfigOf } from '../config/topic-config.ts'
import { catalogFileName, openMetadataLog } from './metadata-log.ts'
import { apply, type CatalogState, emptyState, revived, type StateChange } from './state.ts'

/**
 * Answers by topic name. A topic that the file does not know comes from another broker: it might be
 * compacted. The file is only read; it must be locked by now.
 */
export function topicSettingsAtStart (
  disk: Disk, directory: string, config: BrokerConfig
): (topic: string) => LogConfig {
  const { snapshot, changes } = openMetadataLog<CatalogState, StateChange>(disk, `${directory}/${catalogFileName}`)
  const state = snapshot === null ? emptyState('') : revived(snapshot)
  for (const change of changes) apply(state, change)
  const own = state.brokers[String(config.nodeId)] ?? {}
  config.setDynamic(new Map(Object.entries(own)), new Map(Object.entries(state.brokers[''] ?? {})))
  const known = new Map<string, LogConfig>()
  const foreign = { ...logConfigOf(config), compacts: true }
  return (topic) => {
    const stored = state.topics[topic]
    if (stored === undefined) return foreign
    let settings = known.get(topic)
    if (settings === undefined) {
      settings = logConfigOf(config, new Map(Object.entries(stored.config)))
      known.set(topic, settings)
    }
    return settings
  }
}
