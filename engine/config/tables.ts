// All settings by name: the broker's, a topic's, a group's.
import { type Setting } from './setting.ts'
import { brokerSettings } from './settings/broker.ts'
import { classicGroupSettings } from './settings/groups.ts'
import { controllerSettings } from './settings/controller.ts'
import { groupSettings } from './settings/group.ts'
import { logSettings } from './settings/log.ts'
import { millraceSettings, millraceTopicSettings } from './settings/millrace.ts'
import { networkSettings } from './settings/network.ts'
import { nextGroupSettings } from './settings/groups-next.ts'
import { remoteSettings } from './settings/remote.ts'
import { replicationSettings } from './settings/replication.ts'
import { saslSettings } from './settings/sasl.ts'
import { securitySettings } from './settings/security.ts'
import { topicSettings } from './settings/topic.ts'
import { transactionsSettings } from './settings/transactions.ts'

function table (...areas: (readonly Setting[])[]): ReadonlyMap<string, Setting> {
  return new Map(areas.flat().map(setting => [setting.name, setting]))
}

/** Kafka's broker settings. */
export const kafkaBrokerTable = table(
  networkSettings, brokerSettings, logSettings, replicationSettings, classicGroupSettings, nextGroupSettings,
  transactionsSettings, controllerSettings, remoteSettings, securitySettings, saslSettings
)
/** Kafka's and our own. */
export const brokerTable: ReadonlyMap<string, Setting> = new Map([
  ...kafkaBrokerTable, ...table(millraceSettings)
])
export const kafkaTopicTable = table(topicSettings)
export const topicTable = table(topicSettings, millraceTopicSettings)
export const groupTable = table(groupSettings)

const listenerKey = /^listener\.name\.[^.]+\.(.+)$/

/** listener.name.NAME.KEY sets KEY for one listener; SASL keys may have a mechanism in between. Null when it
 *  is not such a key. */
export function listenerSetting (name: string): Setting | null {
  const base = listenerKey.exec(name)?.[1]
  if (base === undefined) return null
  return brokerTable.get(base) ?? brokerTable.get(base.slice(base.indexOf('.') + 1)) ?? null
}
