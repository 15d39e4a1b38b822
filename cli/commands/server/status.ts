// Whether the broker that `server start` with the same settings began runs, and whether it answers.
import { realClock } from '../../../engine/base/clock-real.ts'
import { realNetwork } from '../../../engine/base/network-real.ts'
import { Cluster } from '../../../engine/client/cluster.ts'
import { Failed, KafkaCommand } from '../../tool/kafka-command.ts'
import { flagsOf, type Options } from '../../tool/options.ts'
import { runningPid, serverOptions, serverPlace, type ServerPlace } from '../../tool/server.ts'

const specs = { ...serverOptions, json: { about: 'Answer in JSON.' } } as const
const answerMs = 3000

export default class ServerStatus extends KafkaCommand<typeof specs> {
  static override description = 'Tell whether a broker runs on this machine and answers. Ends with 1 when not.'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: Options<typeof specs>): Promise<void> {
    const place = serverPlace(options)
    const pid = runningPid(place.pidFile)
    const answers = pid === null ? null : await ask(place)
    const { host, port } = addressOf(place)
    if (options.has('json')) {
      this.print(JSON.stringify({ running: pid !== null, pid, data: place.dataFolder, ...answers }))
    } else if (pid === null) this.print(`no broker runs there (${place.pidFile})`)
    else if (answers === null) this.print(`pid ${pid} runs, but does not answer on ${host}:${port}`)
    else this.print(`pid ${pid} answers on ${host}:${port}; cluster ${answers.clusterId}, ${answers.topics} topics`)
    if (answers === null) throw new Failed()
  }
}

function addressOf ({ config }: ServerPlace): { host: string, port: number } {
  const { host, port } = config.listeners[0]
  return { host: host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host, port }
}

async function ask (place: ServerPlace): Promise<{ clusterId: string | null, topics: number } | null> {
  const options = { bootstrap: [addressOf(place)], apiTimeoutMs: answerMs, requestTimeoutMs: answerMs }
  const cluster = new Cluster(realNetwork, realClock, options)
  try {
    const { clusterId, topics } = await cluster.metadata(null)
    return { clusterId, topics: topics.length }
  } catch {
    return null // it says so itself: not answering is an answer here
  } finally {
    cluster.close()
  }
}
