// Apache Kafka by hand, as the comparison starts it: in the foreground, until a signal.
//
//   node bench/peers/main.ts [--data FOLDER] [--override key=value]...
//   node bench/peers/main.ts tool TopicCommand --bootstrap-server 127.0.0.1:9092 --list
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { kafkaVersion, missing, startKafka, toolCommand } from './kafka.ts'

const [first, name, ...rest] = process.argv.slice(2)
const reason = missing()
if (reason !== null) {
  process.stdout.write(`skipped: ${reason}\n`)
} else if (first === 'tool') {
  const [java, ...args] = toolCommand(name, rest)
  process.exitCode = spawnSync(java, args, { stdio: 'inherit' }).status ?? 1
} else {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: existsSync('/dev/shm') ? '/dev/shm' : tmpdir() },
      override: { type: 'string', multiple: true, default: [] }
    }
  })
  const broker = await startKafka({ dataFolder: values.data, overrides: values.override })
  const took = performance.now() - broker.spawnedMs
  process.stdout.write(`Apache Kafka ${kafkaVersion} listens on 127.0.0.1:${broker.port} after ${took.toFixed(0)} ms; ` +
    `data in ${broker.dataFolder}; pid ${broker.pid}\n`)
  const alive = setInterval(() => {}, 60_000) // a signal alone does not keep the process
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
  await broker.stop()
}
