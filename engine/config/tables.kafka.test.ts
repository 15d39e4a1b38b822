// Our tables against the settings read off a Kafka release, where those lie beside the checkout.
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Setting } from './setting.ts'
import { groupTable, kafkaBrokerTable, kafkaTopicTable } from './tables.ts'

interface KafkaSetting {
  name: string
  type: string
  default: string | number | boolean | null
  valid: string | null
  internal: boolean
}

const folder = resolve(import.meta.dirname, '../../../shared/kafka-protocol')
const load = (file: string): KafkaSetting[] =>
  JSON.parse(exactNumbers(readFileSync(resolve(folder, file), 'utf8')))

/** Numbers beyond 2^53 as text, as we keep them. */
function exactNumbers (json: string): string {
  return json.replace(/: (\d{16,})/g, ': "$1"')
}

/** Ours on purpose: a broker that was just tried out, kinder than Kafka's. */
const ourDefaults: Record<string, string> = { listeners: 'PLAINTEXT://127.0.0.1:9092', 'node.id': '1' }

function defaultOf (setting: KafkaSetting): string | null {
  if (setting.name in ourDefaults) return ourDefaults[setting.name]
  if (setting.default === 1.7976931348623157e308) return '1.7976931348623157E308'
  return setting.default === null ? null : String(setting.default)
}

function rangeOf (setting: Setting): string {
  const { min, max, or } = setting
  if (min === undefined) return ''
  return `[${min},...${max === undefined ? '' : `,${max}`}]${or === undefined ? '' : ` or ${or}`}`
}

describe.skipIf(!existsSync(folder))('settings of Kafka', () => {
  it.each([
    ['broker', 'broker-configs.json', kafkaBrokerTable],
    ['topic', 'topic-configs.json', kafkaTopicTable],
    ['group', 'group-configs.json', groupTable]
  ] as const)('has every %s setting with its type, default and limits', (_, file, table) => {
    const kafka = load(file)
    expect([...table.keys()].sort()).toEqual(kafka.map(setting => setting.name).sort())
    for (const theirs of kafka) {
      const ours = table.get(theirs.name)!
      expect({ name: ours.name, type: ours.type, fallback: ours.fallback, internal: ours.internal === true })
        .toEqual({
          name: theirs.name, type: theirs.type, fallback: defaultOf(theirs), internal: theirs.internal
        })
      const ranged = /\.\.\./.test(theirs.valid ?? '') && /^\[-?[\d.]/.test(theirs.valid!)
      expect([ours.name, rangeOf(ours)]).toEqual([theirs.name, ranged ? theirs.valid : ''])
      const choice = /\[([^.\]]*[a-zA-Z][^.\]]*)\]/.exec(theirs.valid ?? '')
      if (choice !== null && !/partitionId/.test(theirs.valid!)) {
        expect(ours.oneOf).toEqual(choice[1].split(',').map(value => value.trim()))
      }
    }
  })
})
