// Ends the broker that `server start` with the same settings began, and waits until it is gone.
import { Failed, KafkaCommand } from '../../tool/kafka-command.ts'
import { flagsOf, type Options } from '../../tool/options.ts'
import { endOf, runningPid, serverOptions, serverPlace } from '../../tool/server.ts'

const specs = {
  ...serverOptions,
  timeout: { value: 'seconds', about: 'How long to wait for its end. Default: 180.' }
} as const

export default class ServerStop extends KafkaCommand<typeof specs> {
  static override description = 'Stop a broker that runs on this machine.'
  static override flags = flagsOf(specs)
  protected readonly specs = specs

  protected async execute (options: Options<typeof specs>): Promise<void> {
    const { pidFile } = serverPlace(options)
    const seconds = options.integer('timeout', 180)
    const pid = runningPid(pidFile)
    if (pid === null) throw new Failed(`millrace: no broker runs there (${pidFile})`)
    process.kill(pid, 'SIGTERM')
    if (!await endOf(pid, seconds * 1000)) {
      throw new Failed(`millrace: ${pid} has not ended within ${seconds} s; it still may`)
    }
    this.print(`millrace ${pid} has ended`)
  }
}
