// Locks a data folder by a Unix socket in it: Node has no file locks, and a pid file lies after kill -9.
// Whoever wants the folder puts up a socket of its own, then asks every other one that is there; a refusal
// means that its owner is dead.
//
//   .millrace.lock.<id>       a socket that listens: of who has the folder, or wants it
//   .millrace.lock            the same socket as the first, of who has it: for people, and older versions
//   .millrace.new.<id>        a socket that may not listen yet: nobody asks it
//
//   asker                     asked
//   <its id>            --->
//                       <---  <pid> held         the folder is taken: the asker gives up
//                       <---  <pid> wants        wants it too, and goes before the asker, who gives up
//                       <---  <pid> yields       wanted it too: the asker goes before it, and it gives up
//
// Two never have it: of any two sockets the later one is put up before its owner looks around, and so finds
// the earlier one. Whoever asks or is asked, one of them gives up, and the asked one decides that in one step
// with what it is. Nothing is ever put in the place of another's file, and no time is counted on.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

export interface FolderLock {
  release (): Promise<void>
}

export class FolderInUse extends Error {
  override readonly name = 'FolderInUse'
  readonly folder: string
  /** Of the process that answers; null when it did not say. */
  readonly pid: number | null
  constructor (folder: string, pid: number | null) {
    super(`the folder ${folder} is in use by ${pid === null ? 'another process' : `process ${pid}`}`)
    this.folder = folder
    this.pid = pid
  }
}

const lockName = '.millrace.lock'
const newName = '.millrace.new'
/** What fits the address of a Unix socket everywhere: 104 bytes with the final zero on macOS. */
const socketPathBytesMax = 103
/** An owner answers from its event loop, which recovery may keep busy for a while. */
const answerMsMax = 5_000
/** Who lives and says nothing so often has the folder. */
const askedAgainMax = 3
/** Ids of so many bytes: two never have the same. */
const idBytes = 8

/** Makes the folder when it is missing. Rejects with FolderInUse. */
export async function lockFolder (folder: string): Promise<FolderLock> {
  const whole = resolve(folder)
  mkdirSync(whole, { recursive: true })
  // Windows has no sockets in folders.
  if (process.platform === 'win32') return { async release () {} }
  const claim = new Claim(whole)
  try {
    await claim.win()
  } catch (error) {
    await claim.release()
    throw error
  } finally {
    claim.tidy()
  }
  return claim
}

class Claim implements FolderLock {
  readonly #folder: string
  readonly #id = randomBytes(idBytes).toString('hex')
  /** A way to the folder that is short enough for socket addresses. */
  #way: string
  #place: string | null = null // temporary folder of that way
  #server: Server | null = null
  #state: 'wants' | 'held' | 'yields' = 'wants'
  readonly #askers = new Set<Socket>()
  /** Who made it give up. */
  #rivalPid: number | null = null

  constructor (folder: string) {
    this.#folder = folder
    this.#way = folder
    if (Buffer.byteLength(join(folder, `${lockName}.${this.#id}`)) <= socketPathBytesMax) return
    this.#place = mkdtempSync(join(tmpdir(), 'millrace-'))
    this.#way = join(this.#place, 'd')
    symlinkSync(folder, this.#way)
  }

  get #own (): string { return `${lockName}.${this.#id}` }

  async win (): Promise<void> {
    while (!await this.#putUp());
    for (const name of readdirSync(this.#folder)) {
      if (name === lockName || (name.startsWith(`${lockName}.`) && name !== this.#own)) await this.#ask(name)
    }
    if (this.#state === 'yields') throw new FolderInUse(this.#folder, this.#rivalPid)
    this.#state = 'held'
    this.#show()
  }

  /** False: whoever has the folder took the socket for a dead one's, before it listened. */
  async #putUp (): Promise<boolean> {
    const fresh = `${newName}.${this.#id}`
    this.#server = await listen(join(this.#way, fresh), socket => this.#answer(socket))
    try {
      renameSync(this.#path(fresh), this.#path(this.#own))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
      this.#server.close()
      return false
    }
  }

  /** The short way is not needed once all is decided. */
  tidy (): void {
    if (this.#place !== null) rmSync(this.#place, { recursive: true, force: true })
  }

  async release (): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    if (this.#state === 'held') rmSync(this.#path(lockName), { force: true })
    this.#state = 'yields'
    rmSync(this.#path(this.#own), { force: true })
    const closed = new Promise<void>(resolve => server.close(() => resolve()))
    for (const socket of this.#askers) this.#tell(socket)
    await closed
  }

  #path (name: string): string {
    return join(this.#folder, name)
  }

  /** Takes away what dead ones left, now that nobody else may. */
  #show (): void {
    for (const name of readdirSync(this.#folder)) {
      if (name === lockName || name.startsWith(`${newName}.`)) rmSync(this.#path(name), { force: true })
    }
    linkSync(this.#path(this.#own), this.#path(lockName))
  }

  /** Throws FolderInUse where the other goes first. Removes a dead one's socket: its name is never used
   *  again. */
  async #ask (name: string): Promise<void> {
    const path = join(this.#way, name)
    let answer = await askAt(path, this.#id)
    // It may have closed just now: then nobody is there the next time.
    for (let again = 0; answer === '' && again < askedAgainMax; again++) answer = await askAt(path, this.#id)
    if (answer === 'dead\n') {
      // The plain name is only ever taken away by who has the folder.
      if (name !== lockName) rmSync(this.#path(name), { force: true })
      return
    }
    const [pid, state] = answer.split(/\s+/)
    if (state !== 'yields') throw new FolderInUse(this.#folder, /^\d+$/.test(pid) ? Number(pid) : null)
  }

  /** Ids decide among those who want it. The pid goes first and at once: an older version reads no more. */
  #answer (socket: Socket): void {
    let text = ''
    this.#askers.add(socket)
    socket.unref()
    socket.on('close', () => this.#askers.delete(socket))
    socket.on('error', () => {})
    socket.setEncoding('utf8')
    socket.write(`${process.pid}`)
    socket.on('data', (part: string) => {
      text += part
      const asker = /^([0-9a-f]+) (\d+)\n/.exec(text)
      if (asker === null) return
      if (this.#state === 'wants' && asker[1] < this.#id) {
        this.#state = 'yields'
        this.#rivalPid = Number(asker[2])
      }
      this.#tell(socket)
    })
    socket.on('end', () => socket.end())
  }

  #tell (socket: Socket): void {
    this.#askers.delete(socket)
    socket.end(` ${this.#state}\n`, () => socket.destroySoon())
  }
}

function listen (path: string, answer: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, answer)
    server.once('error', (error) => {
      reject(new Error(`cannot lock ${path}: ${error.message}`, { cause: error }))
    })
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** The line that is said there: 'dead' when nobody listens any more; what there is when no more comes in
 *  time, for whoever is busy lives; '' when it was closed before its end. */
function askAt (path: string, id: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    let text = ''
    let dead = false
    const limit = setTimeout(() => {
      text += '\n'
      socket.destroy()
    }, answerMsMax)
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${id} ${process.pid}\n`))
    socket.on('data', (part: string) => {
      text += part
      if (text.includes('\n')) socket.destroy()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      dead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT'
    })
    socket.on('close', () => {
      clearTimeout(limit)
      if (dead) text = 'dead\n'
      resolve(text.includes('\n') ? text : '')
    })
  })
}
