// From a frame to a handler and from its value to the bytes of an answer. Knows versions and headers; the
// order of answers is the connection's business.
import { AssertionError } from '../base/assert.ts'
import { decodeRequest } from '../protocol/compile.ts'
import { errorCodes } from '../protocol/errors.ts'
import { decodeRequestHeader, encodeResponseFrame, type RequestHeader } from '../protocol/frame.ts'
import { ApiVersions } from '../protocol/messages/18-api-versions.ts'
import { type AnyApi } from '../protocol/schema.ts'
import { ProtocolError, Reader, Writer } from '../protocol/wire.ts'
import { type Piece, releasePieces } from '../threads/pieces.ts'
import { CloseConnection, type Doors, type NoAnswer, noAnswer, type ServedApi } from '../apis/context.ts'
import { type Frame } from './framing.ts'
import { type Caller, RequestInWork } from './request.ts'

/** A page of answers: small ones share it, so that a slow reader keeps little alive. */
const pageBytes = 16 * 1024

export interface Settling {
  /** It is in work, and its handler starts now. */
  begun (request: RequestInWork): void
  /** Called once for each request that was begun, perhaps before `begin` returns. */
  settled (request: RequestInWork): void
  /** The request's error closes its connection; `request` is failed already. */
  failed (request: RequestInWork, reason: Error): void
}

export interface DispatchOptions {
  doors: Doors
  /** millrace.request.elements.max */
  elementsMax: number
  /** An invariant of ours is broken: the broker must end. */
  broken (reason: Error): void
}

export class Dispatch {
  readonly #doors: Doors
  readonly #elementsMax: number
  readonly #broken: (reason: Error) => void
  readonly #served: (ServedApi | undefined)[] = []
  readonly #apiOf = (key: number): AnyApi | undefined => this.#served[key]?.api
  #page = new Writer(pageBytes)

  constructor ({ doors, elementsMax, broken }: DispatchOptions) {
    this.#doors = doors
    this.#elementsMax = elementsMax
    this.#broken = broken
    for (const served of doors.served) this.#served[served.api.key] = served
  }

  serves (apiKey: number): boolean {
    return apiKey >= 0 && this.#served[apiKey] !== undefined
  }

  /**
   * Decodes and runs. Throws ProtocolError or CloseConnection where the frame is no request that we serve.
   */
  begin (frame: Frame, caller: Caller, receivedMs: number, nowMs: number, settling: Settling): void {
    const reader = new Reader(frame.buffer, frame.at, frame.end, this.#elementsMax)
    const header = decodeRequestHeader(reader, this.#apiOf)
    const served = this.#served[header.apiKey]!
    const { apiVersion: version, correlationId, clientId } = header
    if (version < served.oldest || version > served.latest) {
      const request = this.#unserved(header, frame, caller, receivedMs, nowMs)
      settling.begun(request)
      return settling.settled(request)
    }
    const value = decodeRequest(served.api, version, reader)
    const request = new RequestInWork(
      this.#doors, caller, served.api, version, correlationId, clientId, frame, nowMs, receivedMs
    )
    settling.begun(request)
    this.#run(served, request, value, settling)
  }

  /** The pieces of an answer, in order; the caller owns their leases. */
  encode (request: RequestInWork): Piece[] {
    if (this.#page.at > pageBytes / 2) this.#page = new Writer(pageBytes)
    const { api, version, correlationId } = request
    const page = this.#page
    const splices = page.splices.length
    try {
      const { pieces } = encodeResponseFrame(api, version, correlationId, request.answer as never, page)
      const flat: Piece[] = []
      for (const piece of pieces) {
        if (piece instanceof Uint8Array) flat.push({ kind: 'bytes', bytes: piece })
        else for (const part of piece.pieces as readonly Piece[]) flat.push(part)
      }
      return flat
    } catch (error) {
      for (const { value } of page.splices.slice(splices)) releasePieces(value.pieces)
      this.#page = new Writer(pageBytes)
      throw error
    } finally {
      // Only this answer's splices matter, and the page lives on.
      if (page.splices.length > 0) page.splices = []
    }
  }

  #run (served: ServedApi, request: RequestInWork, value: unknown, settling: Settling): void {
    let result: unknown
    try {
      result = served.handler(value as never, request)
    } catch (error) {
      return this.#fail(request, error, settling)
    }
    if (result instanceof Promise) {
      request.waitsMs = this.#doors.clock.monotonicMs()
      result.then(
        answer => this.#settle(request, answer, settling),
        (error: unknown) => this.#fail(request, error, settling)
      )
    } else {
      this.#settle(request, result as object | NoAnswer, settling)
    }
  }

  #settle (request: RequestInWork, answer: object | NoAnswer, settling: Settling): void {
    if (answer === noAnswer) request.settle('unanswered', null)
    else request.settle('answered', throttled(answer as object, request.throttleMs))
    settling.settled(request)
  }

  #fail (request: RequestInWork, error: unknown, settling: Settling): void {
    const reason = error instanceof Error ? error : new Error(String(error))
    request.settle('failed', null)
    if (reason instanceof AssertionError) this.#broken(reason)
    else if (!(reason instanceof CloseConnection) && !(reason instanceof ProtocolError)) {
      this.#doors.logger.error(
        { api: request.api.name, version: request.version, error: reason.stack }, 'a request failed by an error of ours'
      )
    }
    settling.failed(request, reason)
  }

  /** A client learns from the answer to ApiVersions, and only from that, that its version is unknown. */
  #unserved (
    header: RequestHeader, frame: Frame, caller: Caller, receivedMs: number, nowMs: number
  ): RequestInWork {
    const { api, oldest, latest } = this.#served[header.apiKey]!
    if (api.key !== ApiVersions.key) {
      throw new CloseConnection(`${api.name} is served in versions ${oldest} to ${latest}, not in ${header.apiVersion}`)
    }
    const request = new RequestInWork(
      this.#doors, caller, api, 0, header.correlationId, header.clientId, frame, nowMs, receivedMs
    )
    const range = { apiKey: api.key, minVersion: oldest, maxVersion: latest }
    request.settle('answered', {
      errorCode: errorCodes.UNSUPPORTED_VERSION,
      apiKeys: [range],
      throttleTimeMs: 0,
      supportedFeatures: [],
      finalizedFeaturesEpoch: -1,
      finalizedFeatures: [],
      zkMigrationReady: false
    })
    return request
  }
}

/** The one place that tells clients of their quotas. */
function throttled (answer: object, throttleMs: number): object {
  if (throttleMs > 0 && 'throttleTimeMs' in answer) answer.throttleTimeMs = throttleMs
  return answer
}
