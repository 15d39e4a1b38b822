// Frames as they lie on the wire: sizes, headers, answers in pieces.
import { describe, expect, it } from 'vitest'
import { decodeRequest, decodeResponse } from './compile.ts'
import {
  decodeRequestHeader, decodeResponseHeader, encodeRequestFrame, encodeResponseFrame, frameSizeBytes
} from './frame.ts'
import { Produce } from './messages/00-produce.ts'
import { Fetch } from './messages/01-fetch.ts'
import { Metadata } from './messages/03-metadata.ts'
import { SaslHandshake } from './messages/17-sasl-handshake.ts'
import { ApiVersions } from './messages/18-api-versions.ts'
import { apiOfKey } from './messages/index.ts'
import { make } from './schema.ts'
import { ProtocolError, Reader, type RecordsPieces, Writer } from './wire.ts'

/** All bytes of a frame, pieces filled in from their `pieces`. */
function joined (pieces: readonly (Buffer | RecordsPieces)[]): Buffer {
  return Buffer.concat(pieces.flatMap(piece => {
    return piece instanceof Uint8Array ? [piece] : piece.pieces as Buffer[]
  }))
}

const body = (frame: Buffer) => new Reader(frame, frameSizeBytes, frameSizeBytes + frame.readInt32BE(0))

describe('request frame', () => {
  it('begins with its size and carries header 1 or, when flexible, 2', () => {
    const request = make(Metadata.request, { topics: [{ name: 'orders' }] })
    for (const [version, head] of [
      [8, '0000001b' + '00030008' + '00000007' + '00026d72' + '00000001' + '00066f7264657273' + '010000'],
      [9, '0000001a' + '00030009' + '00000007' + '00026d7200' + '02' + '076f726465727300' + '01000000']
    ] as const) {
      const frame = encodeRequestFrame(Metadata, version, 7, 'mr', request)
      expect(frame.toString('hex')).toBe(head)
      const reader = body(frame)
      const header = decodeRequestHeader(reader, apiOfKey)
      expect(header).toEqual({ apiKey: 3, apiVersion: version, correlationId: 7, clientId: 'mr' })
      expect(decodeRequest(Metadata, version, reader)).toEqual(request)
    }
  })

  it('may come from a client without a name', () => {
    const frame = encodeRequestFrame(ApiVersions, 0, 1, null, make(ApiVersions.request, {}))
    expect(frame.toString('hex')).toBe('0000000a' + '00120000' + '00000001' + 'ffff')
    expect(decodeRequestHeader(body(frame), apiOfKey).clientId).toBe(null)
  })

  it('of a version of ApiVersions that is not known is still read up to its body', () => {
    const frame = Buffer.from('0012' + '0063' + '00000005' + '0001' + '78' + '00' + 'deadbeef', 'hex')
    const header = decodeRequestHeader(new Reader(frame), apiOfKey)
    expect(header).toMatchObject({ apiVersion: 99, correlationId: 5 })
  })

  it('is refused when its API is unknown or its header cut', () => {
    const header = (hex: string) => () => decodeRequestHeader(new Reader(Buffer.from(hex, 'hex')), apiOfKey)
    expect(header('7fff' + '0000' + '00000001' + '0000')).toThrow(ProtocolError)
    expect(header('0012' + '0000' + '0000')).toThrow(ProtocolError)
    expect(header('0012' + '0000' + '00000001' + '0005' + '61')).toThrow(ProtocolError)
    expect(header('0012' + '0003' + '00000001' + '0000')).toThrow(ProtocolError)
  })
})

describe('response frame', () => {
  it('has a tagged header when flexible, but never for ApiVersions', () => {
    const headOf = (api: typeof Metadata | typeof ApiVersions | typeof SaslHandshake, version: number) =>
      joined(encodeResponseFrame(api, version, 5, make<any>(api.response, {})).pieces)
        .subarray(frameSizeBytes).toString('hex')
    expect(headOf(Metadata, 8)).toMatch(/^00000005/)
    expect(headOf(Metadata, 9)).toMatch(/^00000005000000000001/)
    expect(headOf(ApiVersions, 4)).toBe('00000005' + '0000' + '01' + '00000000' + '00')
    expect(headOf(SaslHandshake, 1)).toBe('00000005' + '0000' + '00000000')
  })

  it('hands out records as pieces between its bytes, and counts them in its size', () => {
    const first: RecordsPieces = { bytes: 6, pieces: [Buffer.from('abc'), Buffer.from('def')] }
    const second: RecordsPieces = { bytes: 1, pieces: [Buffer.from('g')] }
    const partitions = [first, Buffer.from('copied'), null, { bytes: 0, pieces: [] }, second]
    const value = make(Fetch.response, {
      responses: [{
        topic: 't',
        partitions: partitions.map((records, partitionIndex) => ({ partitionIndex, records }))
      }]
    })
    for (const version of [4, 11, 12]) {
      const { bytes, pieces } = encodeResponseFrame(Fetch, version, 9, value)
      expect(pieces.filter(piece => piece === first || piece === second)).toEqual([first, second])
      const frame = joined(pieces)
      expect(frame.length).toBe(bytes)
      expect(frame.readInt32BE(0)).toBe(bytes - frameSizeBytes)
      const reader = body(frame)
      expect(decodeResponseHeader(reader, Fetch, version)).toBe(9)
      const read = decodeResponse(Fetch, version, reader)
      expect(read.responses[0].partitions.map(({ records }) => records?.toString() ?? null))
        .toEqual(['abcdef', 'copied', null, '', 'g'])
      expect(reader.bytesLeft).toBe(0)
    }
  })

  it('can share a writer with other frames, also when that grows', () => {
    const writer = new Writer(16)
    const records: RecordsPieces = { bytes: 2, pieces: [Buffer.from('xy')] }
    const partitions = [{ records }, { records }]
    const value = make(Fetch.response, { responses: [{ topic: 'topic', partitions }] })
    const frames = [1, 2, 3].map(id => encodeResponseFrame(Fetch, 11, id, value, writer))
    for (const [index, { bytes, pieces }] of frames.entries()) {
      const frame = joined(pieces)
      expect(frame.length).toBe(bytes)
      const reader = body(frame)
      expect(decodeResponseHeader(reader, Fetch, 11)).toBe(index + 1)
      expect(decodeResponse(Fetch, 11, reader).responses[0].partitions).toHaveLength(2)
    }
  })
})

describe('records of a request', () => {
  it('are views of the frame, shared memory or not', () => {
    const request = make(Produce.request, {
      acks: -1,
      topicData: [{ name: 't', partitionData: [{ index: 3, records: Buffer.from('a record batch') }] }]
    })
    for (const version of [3, 9, 12]) {
      const frame = encodeRequestFrame(Produce, version, 1, 'c', request)
      const shared = Buffer.from(new SharedArrayBuffer(1024), 100, 500)
      frame.copy(shared, 7)
      const reader = new Reader(shared, 7 + frameSizeBytes, 7 + frame.length)
      decodeRequestHeader(reader, apiOfKey)
      const { records } = decodeRequest(Produce, version, reader).topicData[0].partitionData[0]
      expect(records?.toString()).toBe('a record batch')
      expect(records?.buffer).toBe(shared.buffer)
      expect(records?.byteOffset).toBe(100 + 7 + frame.indexOf('a record batch'))
    }
  })
})
