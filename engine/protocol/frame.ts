// A frame is a size and what it counts; a request or a response is a header and a body.
//
//   0      4      6         8               12
//   | size | key  | version | correlation id | client id | tags | body …    request header 1; 2 with tags
//   | size | correlation id | tags | body …                                  response header 0; 1 with tags
//
// The header's version follows from the body's: flexible bodies have tagged headers. The client id keeps its
// int16 length even then. Request header 0 (no client id) belonged to ControlledShutdown v0 alone, which is
// gone.
import { encodeRequest, encodeResponse } from './compile.ts'
import { type AnyApi, type RequestOf, type ResponseOf } from './schema.ts'
import { ProtocolError, type Reader, type RecordsPieces, Writer } from './wire.ts'

export interface RequestHeader {
  apiKey: number
  apiVersion: number
  correlationId: number
  clientId: string | null
}

/** Bytes and pieces in the order in which they go out; the bytes are views of the writer's memory. */
export interface ResponseFrame {
  readonly bytes: number
  readonly pieces: readonly (Buffer | RecordsPieces)[]
}

const apiVersionsKey = 18
export const frameSizeBytes = 4

export function requestHeaderVersion (api: AnyApi, version: number): 1 | 2 {
  return version >= api.flexibleSince ? 2 : 1
}

export function responseHeaderVersion (api: AnyApi, version: number): 0 | 1 {
  // A client asks ApiVersions before it knows what the broker speaks, so its answer's header never changes.
  if (api.key === apiVersionsKey) return 0
  return version >= api.flexibleSince ? 1 : 0
}

/** `apiOf` tells which API a key is: how the header goes on depends on it. An unknown key is refused. */
export function decodeRequestHeader (
  reader: Reader, apiOf: (key: number) => AnyApi | undefined
): RequestHeader {
  try {
    const apiKey = reader.int16()
    const apiVersion = reader.int16()
    const correlationId = reader.int32()
    const api = apiOf(apiKey)
    if (api === undefined) throw new ProtocolError(`there is no API ${apiKey}`)
    return { apiKey, apiVersion, correlationId, clientId: clientIdAndTags(reader, api, apiVersion) }
  } catch (error) {
    throw explained(error, 'request')
  }
}

function explained (error: unknown, which: string): unknown {
  if (!(error instanceof RangeError)) return error
  return new ProtocolError(`${which} header runs past the frame`, { cause: error })
}

function clientIdAndTags (reader: Reader, api: AnyApi, version: number): string | null {
  const clientId = reader.nullableString()
  if (requestHeaderVersion(api, version) === 2) reader.skipTags()
  return clientId
}

export function encodeRequestHeader (
  writer: Writer, api: AnyApi, version: number, correlationId: number, clientId: string | null
): void {
  writer.int16(api.key)
  writer.int16(version)
  writer.int32(correlationId)
  if (clientId === null) writer.int16(-1)
  else writer.string(clientId)
  if (requestHeaderVersion(api, version) === 2) writer.uvarint(0)
}

/** The correlation id; the reader then stands at the body. */
export function decodeResponseHeader (reader: Reader, api: AnyApi, version: number): number {
  try {
    const correlationId = reader.int32()
    if (responseHeaderVersion(api, version) === 1) reader.skipTags()
    return correlationId
  } catch (error) {
    throw explained(error, 'response')
  }
}

export function encodeResponseHeader (
  writer: Writer, api: AnyApi, version: number, correlationId: number
): void {
  writer.int32(correlationId)
  if (responseHeaderVersion(api, version) === 1) writer.uvarint(0)
}

/** One request as it goes over the wire, size first. */
export function encodeRequestFrame<A extends AnyApi> (
  api: A, version: number, correlationId: number, clientId: string | null, value: RequestOf<A>
): Buffer {
  const writer = new Writer()
  writer.int32(0)
  encodeRequestHeader(writer, api, version, correlationId, clientId)
  encodeRequest(api, version, writer, value)
  if (writer.splices.length > 0) throw new ProtocolError('a request carries its records as bytes')
  writer.view.setInt32(0, writer.at - frameSizeBytes)
  return writer.buf.subarray(0, writer.at)
}

/**
 * One response as it goes over the wire, size first. With a writer of the caller's own, the frame begins
 * where that writer stands (several answers can share its memory) and is valid until it is reset.
 */
export function encodeResponseFrame<A extends AnyApi> (
  api: A, version: number, correlationId: number, value: ResponseOf<A>, writer: Writer = new Writer()
): ResponseFrame {
  const start = writer.at
  const spliceStart = writer.splices.length
  const splicedBefore = writer.splicedBytes
  writer.int32(0)
  encodeResponseHeader(writer, api, version, correlationId)
  encodeResponse(api, version, writer, value)
  const bytes = writer.at - start + writer.splicedBytes - splicedBefore
  if (bytes - frameSizeBytes > 0x7fffffff) throw new ProtocolError('a response is too large for a frame')
  writer.view.setInt32(start, bytes - frameSizeBytes)
  return { bytes, pieces: piecesOf(writer, start, spliceStart) }
}

function piecesOf (writer: Writer, start: number, spliceStart: number): (Buffer | RecordsPieces)[] {
  const pieces: (Buffer | RecordsPieces)[] = []
  let from = start
  for (let index = spliceStart; index < writer.splices.length; index++) {
    const { at, value } = writer.splices[index]
    pieces.push(writer.buf.subarray(from, at), value)
    from = at
  }
  if (from < writer.at) pieces.push(writer.buf.subarray(from, writer.at))
  return pieces
}
