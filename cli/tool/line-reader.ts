// console-producer's lines: headers, key and value between separators. A line is bytes, one per character
// (latin1), so that whatever comes in goes out the same, valid UTF-8 or not.
import { type RecordHeader } from '../../engine/protocol/record.ts'
import { type Settings } from './client-settings.ts'
import { UsageError } from './options.ts'

export interface Line {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[] | null
}

/** A line that does not fit what was asked for. */
export class LineError extends Error {
  override readonly name = 'LineError'
}

export class LineReader {
  readonly #parseKey: boolean
  readonly #parseHeaders: boolean
  readonly #keySeparator: string
  readonly #headersDelimiter: string
  readonly #headersSeparator: string
  readonly #headersKeySeparator: string
  readonly #ignoreError: boolean
  readonly #nullMarker: string | null
  #number = 0

  constructor (settings: Settings) {
    const isTrue = (name: string) => settings.get(name)?.trim().toLowerCase() === 'true'
    const bytes = (name: string, fallback: string) => asBytes(settings.get(name) ?? fallback)
    this.#parseKey = isTrue('parse.key')
    this.#parseHeaders = isTrue('parse.headers')
    this.#ignoreError = isTrue('ignore.error')
    this.#keySeparator = bytes('key.separator', '\t')
    this.#headersDelimiter = bytes('headers.delimiter', '\t')
    this.#headersSeparator = bytes('headers.separator', ',')
    this.#headersKeySeparator = bytes('headers.key.separator', ':')
    const marker = settings.get('null.marker')
    this.#nullMarker = marker === undefined ? null : asBytes(marker)
    this.#checkSeparators()
  }

  /** Throws LineError. */
  read (line: string): Line {
    this.#number++
    const headers = this.#part(this.#parseHeaders, line, 0, this.#headersDelimiter, 'headers delimiter')
    const keyAt = headers === null ? 0 : headers.length + this.#headersDelimiter.length
    const key = this.#part(this.#parseKey, line, keyAt, this.#keySeparator, 'key separator')
    const valueAt = keyAt + (key === null ? 0 : key.length + this.#keySeparator.length)
    return {
      key: key === null ? null : this.#bytes(key),
      value: this.#bytes(line.slice(valueAt)),
      headers: headers === null || headers === this.#nullMarker ? null : this.#headers(headers)
    }
  }

  #part (wanted: boolean, line: string, from: number, separator: string, what: string): string | null {
    if (!wanted) return null
    const at = line.indexOf(separator, from)
    if (at >= 0) return line.slice(from, at)
    if (this.#ignoreError) return null
    throw new LineError(`No ${what} found on line number ${this.#number}: '${asText(line)}'`)
  }

  #headers (text: string): RecordHeader[] {
    return text.split(this.#headersSeparator).map(pair => {
      const at = pair.indexOf(this.#headersKeySeparator)
      if (at >= 0) {
        const value = pair.slice(at + this.#headersKeySeparator.length)
        return { key: asText(pair.slice(0, at)), value: this.#bytes(value) }
      }
      if (this.#ignoreError) return { key: asText(pair), value: null }
      throw new LineError(`No header key separator found in pair '${asText(pair)}' on line number ${this.#number}`)
    })
  }

  #bytes (text: string): Buffer | null {
    return text === this.#nullMarker ? null : Buffer.from(text, 'latin1')
  }

  #checkSeparators (): void {
    const named: [string, string | null][] = [
      ...this.#parseHeaders
        ? [
            ['headers.delimiter', this.#headersDelimiter],
            ['headers.separator', this.#headersSeparator],
            ['headers.key.separator', this.#headersKeySeparator]
          ] as [string, string][]
        : [],
      ...this.#parseKey ? [['key.separator', this.#keySeparator]] as [string, string][] : [],
      ['null.marker', this.#nullMarker]
    ]
    const used = named.filter(([, value]) => value !== null)
    used.forEach(([name, value], index) => {
      const twin = used.find(([other, otherValue], at) =>
        at > index && otherValue === value && mustDiffer(name, other))
      if (twin !== undefined) throw new UsageError(`${name} and ${twin[0]} may not be equal`)
    })
  }
}

/**
 * Both end a part of the line, with nothing to tell them apart; a key's and the headers' end may look
 * alike.
 */
function mustDiffer (a: string, b: string): boolean {
  return !(a === 'headers.delimiter' && b === 'key.separator')
}

function asBytes (text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

function asText (bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8')
}

/** Lines of a stream, as latin1, ends cut off: \n, \r\n or \r, as Java reads them. */
export async function * linesOf (stream: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  let rest = ''
  let afterReturn = false
  for await (const chunk of stream) {
    let text = rest + chunk.toString('latin1')
    if (afterReturn && text.startsWith('\n')) text = text.slice(1)
    afterReturn = text.endsWith('\r')
    const lines = text.split(/\r\n|\n|\r/)
    rest = lines.pop()!
    if (lines.length > 0) yield lines
  }
  if (rest !== '') yield [rest]
}
