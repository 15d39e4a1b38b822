// One client. Requests come in by framing.ts, run by dispatch.ts, and their answers leave in the order of
// the requests.
//
// What may begin while others are in work:
//   Produce behind Produce: up to 32 of them, 8 MB together, so that a producer's pipeline keeps the log busy
//   everything else: when all before it is answered; and nothing begins behind it until it is answered too
// What may not begin stays as bytes, and the socket is not read meanwhile.
import { type Clock, type Timer } from '../base/clock.ts'
import { type Logger } from '../base/logger.ts'
import { type Connection, type ConnectionEvents } from '../base/network.ts'
import { ProtocolError } from '../protocol/wire.ts'
import { CloseConnection } from '../apis/context.ts'
import { type Dispatch, type Settling } from './dispatch.ts'
import { type Arena } from '../threads/arena.ts'
import { type FrameEvents } from '../threads/shortage.ts'
import { type Frame, Framing, FramingError, type FrameLimits } from './framing.ts'
import { type Caller, type RequestInWork } from './request.ts'
import { AnswerWriter, type WriterEvents } from './writer.ts'

const produceKey = 0
/** It took long enough that answers may wait by now. After less it costs more than it gains to look. */
const longChunkBytes = 16_384
/** After so long without a Produce request nobody is held up by long steps. */
const producersQuietMs = 1000
/** Requests whose answers have left are forgotten in lots. */
const sentMax = 1024

export interface ConnectionLimits extends FrameLimits {
  /** Produce requests of one connection in work at a time. */
  readonly produceRequestsMax: number
  readonly produceBytesMax: number
}

/** What all connections of a server share. */
export interface Shop {
  readonly clock: Clock
  readonly logger: Logger
  readonly dispatch: Dispatch
  readonly arena: Arena
  readonly limits: ConnectionLimits
  /** When a Produce request was last begun. */
  producedMs: number
  /** flushAnswers() is called at the end of this turn, with others that have answers. */
  answersWait (connection: ClientConnection): void
  /** What the log has answered meanwhile goes on now, not when all who sent something have had their turn. */
  poll (): void
  /** It is gone; requests of it may still be in work. */
  left (connection: ClientConnection): void
  /** One that was stopped has nothing more to do or to send. */
  cameToRest (): void
  /** Its answer has left, or it wanted none: all its times are known. */
  requestDone? (request: RequestInWork): void
}

export class ClientConnection implements ConnectionEvents, Caller, Settling, WriterEvents, FrameEvents {
  readonly id: number
  readonly listener: string
  readonly address: string
  readonly principal = 'User:ANONYMOUS'
  clientSoftware: { name: string, version: string } | null = null
  lastActiveMs: number
  /** It has parted, and its client was sending: requests of it were unread then, or came later. */
  midway = false

  readonly #shop: Shop
  readonly #connection: Connection
  readonly #framing: Framing
  readonly #writer: AnswerWriter
  #work: RequestInWork[] = [] // in the order of arrival; answers leave from the front
  #produceBytes = 0 // of the Produce frames in #work
  #exclusive = false // what is in #work is alone there, and stays it
  #held: Frame | null = null // whole, but may not begin yet
  #sending: RequestInWork[] = [] // answered, and from #sent on not yet wholly sent
  #sent = 0
  #holds = 0 // handlers that have not yet passed on all they must, in order
  #mutedUntilMs = 0
  #unmute: Timer | null = null
  #paused = false
  #pumping = false
  #resumed = false // what begins now has waited
  #stopped = false
  #closing = false // nothing more is begun, and what is read is for nobody
  #closed = false

  constructor (shop: Shop, connection: Connection, id: number, listener: string) {
    this.#shop = shop
    this.#connection = connection
    this.id = id
    this.listener = listener
    this.address = connection.remoteAddress
    this.lastActiveMs = shop.clock.monotonicMs()
    this.#framing = new Framing(shop.arena, shop.limits, this)
    this.#writer = new AnswerWriter(connection, this)
    connection.start(this)
  }

  /** Nothing is in work: what keeps it open is the client alone, or a client that does not read. */
  get idle (): boolean {
    return this.#work.length === 0
  }

  get closing (): boolean {
    return this.#closing
  }

  data (chunk: Buffer): void {
    this.lastActiveMs = this.#shop.clock.monotonicMs()
    if (this.#closing) {
      this.midway = true
      return
    }
    this.#framing.feed(chunk)
    this.#pump()
    if (this.#closing) return
    this.#framing.keep()
    this.#writer.flush()
    if (chunk.length >= longChunkBytes) this.#shop.poll()
  }

  drained (): void {
    this.lastActiveMs = this.#shop.clock.monotonicMs()
    if (this.#stopped && this.drainedOut) this.#shop.cameToRest()
  }

  closed (reason: Error | null): void {
    if (this.#closed) return
    this.#closed = true
    this.#giveUp()
    if (reason !== null) this.#shop.logger.debug({ client: this.#name, reason: reason.message }, 'connection lost')
    this.#shop.left(this)
  }

  /** Nothing of it is begun, answered or waited for any more. */
  #giveUp (): void {
    this.#closing = true
    this.#unmute?.cancel()
    this.#framing.drop()
    if (this.#held !== null) this.#giveBack(this.#held)
    this.#held = null
    this.#writer.close()
    this.#sending = []
    this.#sent = 0
    for (const request of [...this.#work]) request.leave()
  }

  /** Reads nothing and begins nothing before that time (Clock.monotonicMs): a quota was overrun. */
  muteUntil (untilMs: number): void {
    if (untilMs <= this.#mutedUntilMs) return
    this.#mutedUntilMs = untilMs
    this.#unmute?.cancel()
    this.#unmute = this.#shop.clock.after(untilMs - this.#shop.clock.monotonicMs(), () => {
      this.#mutedUntilMs = 0
      this.#unmute = null
      this.#goOn()
    })
  }

  hold (): () => void {
    this.#holds++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds--
      this.#goOn()
    }
  }

  begun (request: RequestInWork): void {
    // Begun in the turn of its bytes, or later: only then the clock has to be asked again.
    request.startedMs = this.#resumed ? this.#shop.clock.monotonicMs() : request.receivedMs
    this.#work.push(request)
    this.#exclusive = request.frame.apiKey !== produceKey
    if (this.#exclusive) return
    this.#produceBytes += request.frame.end - request.frame.at
    this.#shop.producedMs = request.startedMs
  }

  settled (request: RequestInWork): void {
    request.answeredMs = this.#shop.clock.monotonicMs()
    // Without a promise all of its time was its own.
    if (request.waitsMs === 0) request.waitsMs = request.answeredMs
    if (request.throttleMs > 0) this.muteUntil(request.answeredMs + request.throttleMs)
    this.#done(request.frame)
    // Answered while others before it are not: it waits for its turn.
    if (this.#work[0] !== request) return
    this.#answer()
    if (!this.#pumping && !this.#closed) this.#goOn()
  }

  failed (request: RequestInWork, reason: Error): void {
    this.#done(request.frame)
    this.#work.splice(this.#work.indexOf(request), 1)
    this.#close(reason)
  }

  /** The arena has room again for the frame that is arriving. */
  resume (): void {
    this.#goOn()
  }

  /** Others wait for memory, and the frame that is arriving keeps them waiting. */
  overdue (): void {
    this.#close(new FramingError('its request kept others waiting for memory and did not become complete in time'))
  }

  get mayTakeLong (): boolean {
    return this.lastActiveMs - this.#shop.producedMs > producersQuietMs
  }

  rest (goOn: () => void): void {
    this.#shop.clock.soon(goOn)
  }

  caughtUp (): void {
    this.#goOn()
  }

  left (bytes: number): void {
    this.#finishUpTo(bytes)
    if (this.#stopped && this.drainedOut) this.#shop.cameToRest()
  }

  #finishUpTo (bytes: number): void {
    const sending = this.#sending
    if (this.#sent === sending.length || sending[this.#sent].endsAt > bytes) return
    const nowMs = this.#shop.clock.monotonicMs()
    this.lastActiveMs = nowMs
    do this.#finish(sending[this.#sent++], nowMs)
    while (this.#sent < sending.length && sending[this.#sent].endsAt <= bytes)
    if (this.#sent === sending.length) {
      sending.length = 0
      this.#sent = 0
    } else if (this.#sent > sentMax) {
      this.#sending = sending.slice(this.#sent)
      this.#sent = 0
    }
  }

  #finish (request: RequestInWork, sentMs: number): void {
    request.sentMs = sentMs
    this.#shop.requestDone?.(request)
  }

  unreadable (reason: Error): void {
    this.#shop.logger.error({ client: this.#name, reason: reason.message }, 'connection closed: its answer can no longer be read')
    this.destroy()
  }

  flushAnswers (): void {
    this.#writer.flush()
    if (this.#stopped && this.drainedOut) this.#shop.cameToRest()
  }

  /** The broker closes: nothing more is begun, what is in work may still be answered. */
  stop (): void {
    this.#stopped = true
  }

  /** No Produce is in work and no answer on its way. Others in work may wait for ever. */
  get drainedOut (): boolean {
    return this.#produceBytes === 0 && this.#writer.idle
  }

  /**
   * The client reads the end behind its last answer, and what it still sends is read, for nobody, until it
   * ends its side too. A socket that closes over unread bytes, or that gets more of them, resets the
   * connection: answers that the client has not read yet would be lost.
   */
  part (): void {
    this.midway = this.#paused
    this.#giveUp()
    this.#connection.end()
    if (this.#paused) this.#connection.resume()
  }

  /** Ends at once. */
  destroy (): void {
    this.#closing = true
    this.#connection.destroy()
  }

  get #name (): string {
    return `${this.address}:${this.#connection.remotePort}`
  }

  /** The same as after new bytes; answers go out with those of other connections at the end of this turn. */
  #goOn (): void {
    this.#resumed = true
    this.#pump()
    this.#resumed = false
    if (!this.#closed) this.#shop.answersWait(this)
  }

  /** Begins what may begin. */
  #pump (): void {
    if (this.#pumping || this.#closing) return
    this.#pumping = true
    try {
      while (this.#mayBegin()) {
        const frame = this.#held ?? this.#framing.next()
        if (frame === null) break
        this.#held = null
        if (!this.#admits(frame)) {
          this.#held = frame
          break
        }
        this.#begin(frame)
      }
    } catch (error) {
      this.#pumping = false
      return this.#close(error as Error)
    }
    this.#pumping = false
    this.#readOn()
  }

  #mayBegin (): boolean {
    if (this.#closing || this.#stopped || this.#mutedUntilMs > 0) return false
    if (this.#exclusive || this.#holds > 0) return false
    return this.#work.length < this.#shop.limits.produceRequestsMax && !this.#writer.behind
  }

  /** Called when #mayBegin(): all in work is Produce. */
  #admits (frame: Frame): boolean {
    if (this.#work.length === 0) return true
    const bytes = this.#produceBytes + frame.end - frame.at
    return frame.apiKey === produceKey && bytes <= this.#shop.limits.produceBytesMax
  }

  #begin (frame: Frame): void {
    const { clock, dispatch } = this.#shop
    try {
      dispatch.begin(frame, this, this.lastActiveMs, clock.nowMs(), this)
    } catch (error) {
      // It was not begun, or its error would have come by failed().
      this.#giveBack(frame)
      throw error
    }
  }

  /** Bytes that nobody may look at yet stay in the socket, and with the client. */
  #readOn (): void {
    if (this.#closing) return
    const stop = this.#held !== null || this.#framing.pending
    if (stop === this.#paused) return
    this.#paused = stop
    if (stop) this.#connection.pause()
    else this.#connection.resume()
  }

  /** Hands the answers that are due to the writer. */
  #answer (): void {
    while (this.#work.length > 0 && this.#work[0].stage !== 'in work') {
      const request = this.#work.shift()!
      this.#exclusive = false
      if (request.stage !== 'answered') {
        this.#finish(request, request.answeredMs)
        continue
      }
      try {
        for (const piece of this.#shop.dispatch.encode(request)) this.#writer.add(piece)
        request.answer = null
        request.endsAt = this.#writer.addedBytes
        this.#sending.push(request)
      } catch (error) {
        this.#shop.logger.error(
          { api: request.api.name, version: request.version, error: (error as Error).stack }, 'an answer cannot be written'
        )
        return this.destroy()
      }
    }
  }

  #done (frame: Frame): void {
    if (frame.apiKey === produceKey) this.#produceBytes -= frame.end - frame.at
    this.#giveBack(frame)
  }

  #giveBack (frame: Frame): void {
    if (frame.address >= 0) this.#shop.arena.release(frame.address, frame.end - frame.at)
  }

  /** One line in the log, what is answered goes out, then the connection ends. */
  #close (reason: Error): void {
    if (this.#closing) return
    this.#closing = true
    const isTheirs = [FramingError, ProtocolError, CloseConnection].some(kind => reason instanceof kind)
    const fields = { client: this.#name, listener: this.listener, reason: reason.message }
    if (isTheirs) this.#shop.logger.info(fields, 'connection closed')
    else this.#shop.logger.error({ ...fields, error: reason.stack }, 'connection closed by an error of ours')
    this.#framing.drop()
    this.#writer.flush()
    if (this.#writer.idle) this.#connection.destroy()
    else this.#connection.write([], () => this.#connection.destroy())
  }
}
