// Locks a data folder by a Unix socket in it: Node has no file locks, and a pid file lies after kill -9.
// Whoever can connect hears the pid of the owner; a refusal means that the owner is dead.
//
//   .millrace.lock            the owner's socket
//   .millrace.lock.123-1      one who wants it: linked to the name above, which only one can do
import { linkSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
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
/** What fits the address of a Unix socket everywhere: 104 bytes with the final zero on macOS. */
const socketPathBytesMax = 103
/** An owner answers from its event loop, which recovery may keep busy for a while. */
const answerMsMax = 5_000
/** How long a rival that mistook a live socket for a dead one needs to put it back: two system calls. */
const settleMs = 20

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

let claims = 0

class Claim implements FolderLock {
  readonly #folder: string
  readonly #own: string
  /** A way to the folder that is short enough for socket addresses. */
  #way: string
  #place: string | null = null // temporary folder of that way
  #server: Server | null = null
  #mark = ''

  constructor (folder: string) {
    this.#folder = folder
    this.#own = `${lockName}.${process.pid}-${++claims}`
    this.#way = folder
    if (Buffer.byteLength(join(folder, this.#own)) <= socketPathBytesMax) return
    this.#place = mkdtempSync(join(tmpdir(), 'millrace-'))
    this.#way = join(this.#place, 'd')
    symlinkSync(folder, this.#way)
  }

  async win (): Promise<void> {
    this.#server = await listen(join(this.#way, this.#own))
    this.#mark = markOf(this.#path(this.#own))!
    for (;;) {
      if (!this.#link()) {
        await this.#clearDead()
      } else if (!await this.#hasRivals() || markOf(this.#path(lockName)) === this.#mark) {
        return
      }
    }
  }

  /** The own name and the short way are not needed once all is decided. */
  tidy (): void {
    rmSync(this.#path(this.#own), { force: true })
    if (this.#place !== null) rmSync(this.#place, { recursive: true, force: true })
  }

  async release (): Promise<void> {
    const server = this.#server
    this.#server = null
    if (server === null) return
    const path = this.#path(lockName)
    if (markOf(path) === this.#mark) rmSync(path, { force: true })
    await new Promise<void>(resolve => server.close(() => resolve()))
  }

  #path (name: string): string {
    return join(this.#folder, name)
  }

  #link (): boolean {
    try {
      linkSync(this.#path(this.#own), this.#path(lockName))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
      throw error
    }
  }

  /** Removes the socket of an owner that is dead; throws FolderInUse when it is not. */
  async #clearDead (): Promise<void> {
    const path = this.#path(lockName)
    const mark = markOf(path)
    if (mark === null || !await refuses(join(this.#way, lockName), this.#folder)) return
    const aside = this.#path(`${this.#own}.dead`)
    try {
      renameSync(path, aside)
    } catch {
      return
    }
    // A rival may have been quicker: then this is its live socket, and goes back.
    if (markOf(aside) === mark) rmSync(aside)
    else renameSync(aside, path)
  }

  /** Others are at it too, and one of them may just be moving our socket: gives them time. Removes what dead
   *  ones left. */
  async #hasRivals (): Promise<boolean> {
    const names = readdirSync(this.#folder).filter(name => name.startsWith(`${lockName}.`) && name !== this.#own)
    if (names.length === 0) return false
    for (const name of names) {
      const dead = await refuses(join(this.#way, name), this.#folder).catch(() => false)
      if (dead) rmSync(this.#path(name), { force: true })
    }
    await new Promise(resolve => setTimeout(resolve, settleMs))
    return true
  }
}

/** Tells one socket file from another that took its name. */
function markOf (path: string): string | null {
  const found = statSync(path, { throwIfNoEntry: false })
  return found === undefined ? null : `${found.ino}/${found.mtimeMs}`
}

function listen (path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.end(`${process.pid}\n`)
    })
    server.once('error', error => reject(new Error(`cannot lock ${path}: ${error.message}`, { cause: error })))
    server.listen(path, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** True when nobody listens behind that socket any more; throws FolderInUse when somebody does. */
function refuses (path: string, folder: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    let text = ''
    const limit = setTimeout(() => socket.destroy(new Error('no answer')), answerMsMax)
    socket.setEncoding('utf8')
    socket.on('data', (part: string) => { text += part })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(error.code === 'ECONNREFUSED')
    })
    socket.on('close', () => {
      clearTimeout(limit)
      const pid = Number.parseInt(text, 10)
      reject(new FolderInUse(folder, Number.isInteger(pid) ? pid : null))
    })
  })
}
