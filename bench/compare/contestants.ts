// The two brokers, each as its own users start it.
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { startBroker } from '../load/broker.ts'
import { kafkaVersion, startKafka, toolCommand } from '../peers/kafka.ts'
import { type Contestant } from './case.ts'

const root = resolve(import.meta.dirname, '../..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }

/**
 * What differs from the defaults, for both alike: files of a deleted topic go soon, so that many runs fit on
 * a memory file system, and a consumer group does not wait for members that will not come.
 */
export const overrides = ['log.segment.delete.delay.ms=1000', 'group.initial.rebalance.delay.ms=0']

export function millrace (dataFolder: string): Contestant {
  const command = join(root, 'cli/bin/millrace')
  return {
    name: 'millrace',
    title: `millrace ${version}`,
    start: (atOnce, folder) => startBroker({ dataFolder, overrides, quiet: true, atOnce, folder }),
    listTopicsCommand: port => [process.execPath, command, 'topics', '--bootstrap-server', `127.0.0.1:${port}`, '--list']
  }
}

export function kafka (dataFolder: string): Contestant {
  return {
    name: 'kafka',
    title: `Apache Kafka ${kafkaVersion}`,
    start: (atOnce, data) => startKafka(
      { dataFolder, overrides, folder: data === undefined ? undefined : dirname(data) }, atOnce !== true),
    listTopicsCommand: port => toolCommand('TopicCommand', ['--bootstrap-server', `127.0.0.1:${port}`, '--list'])
  }
}
