// server start, stop and status as processes.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, startBrokerProcess } from '../engine/broker.testing.ts'
import { loadConfig } from './help.ts'
import { millrace, root } from './testing.ts'

const folders: string[] = []
afterEach(() => { for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true }) })

function newFolder (): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-server-'))
  folders.push(folder)
  return folder
}

describe('server', () => {
  it('says where it listens and where its data lies, and ends with 0 on SIGTERM', async () => {
    const broker = await startBrokerProcess()
    const { code, signal } = await broker.stop('SIGTERM')
    expect([code, signal]).toEqual([0, null])
    expect(broker.output()).toContain(`listens on 127.0.0.1:${broker.port}; data in ${broker.folder}; pid ${broker.pid}`)
    expect(existsSync(join(broker.folder, 'server.pid'))).toBe(false)
    await broker.dispose()
  })

  it('starts in the background, is there, and is gone when stop returns', async () => {
    const folder = newFolder()
    const config = join(folder, 'server.properties')
    writeFileSync(config, `listeners=PLAINTEXT://127.0.0.1:${await freePort()}\nlog.dirs=${join(folder, 'data')}\n`)
    const started = await millrace(['server', 'start', '--daemon', config])
    expect(started).toMatchObject({ code: 0 })
    const pid = Number(/pid (\d+)/.exec(started.stdout)![1])
    try {
      const status = await millrace(['server', 'status', config, '--json'])
      expect(status.code).toBe(0)
      expect(JSON.parse(status.stdout)).toMatchObject({ running: true, pid, topics: 0 })
      expect((await millrace(['server', 'start', '--daemon', config])).stderr).toContain(`pid ${pid}`)
    } finally {
      expect((await millrace(['server', 'stop', config])).stdout).toBe(`millrace ${pid} has ended\n`)
    }
    expect((await millrace(['server', 'status', config])).code).toBe(1)
    expect((await millrace(['server', 'stop', config])).code).toBe(1)
  })

  it('refuses a wrong setting with key, value and what is allowed', async () => {
    const { code, stderr } = await millrace(['server', 'start', '--override', 'num.partitions=many'])
    expect(code).toBe(2)
    expect(stderr).toContain('num.partitions')
    expect(stderr).toContain('many')
    expect((await millrace(['server', 'start', join(newFolder(), 'nothing.properties')])).code).toBe(2)
  })

  it('does not start on a port or a folder that is taken, and says whose it is', async () => {
    const broker = await startBrokerProcess()
    try {
      const port = await millrace(['server', 'start',
        '--override', `listeners=PLAINTEXT://127.0.0.1:${broker.port}`, '--override', `log.dirs=${newFolder()}`])
      expect(port.code).toBe(1)
      expect(port.stderr).toContain(`127.0.0.1:${broker.port}`)
      const folder = await millrace(['server', 'start',
        '--override', `listeners=PLAINTEXT://127.0.0.1:${await freePort()}`, '--override', `log.dirs=${broker.folder}`])
      expect(folder.code).toBe(1)
      expect(folder.stderr).toContain(String(broker.pid))
    } finally {
      await broker.dispose()
    }
  })
})

describe('the manifest', () => {
  it('holds the commands as they are (node cli/build.mjs --manifest)', async () => {
    const config = await loadConfig(root, false, true)
    const [plugin] = config.getPluginsList()
    const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'))
    const options = (commands: { id: string, flags?: object }[]) =>
      Object.fromEntries(commands.map(({ id, flags }) => [id, JSON.parse(JSON.stringify(flags))]))
    expect(options(Object.values(manifest.commands))).toEqual(options(plugin.commands as never))
    const files = readdirSync(join(root, 'cli/commands'), { recursive: true }).filter(name => /(?<!\.test)\.ts$/.test(String(name)))
    expect(Object.keys(manifest.commands)).toHaveLength(files.length)
  })
})
