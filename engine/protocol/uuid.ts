// Uuids as text: lower case hexadecimal with hyphens inside, base64url without padding where Kafka shows them
// to people (tools, partition.metadata).
export const zeroUuid = '00000000-0000-0000-0000-000000000000'

const shape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const hexDigits = Buffer.from('0123456789abcdef', 'latin1')
const hyphen = 0x2d
const scratch = Buffer.alloc(zeroUuid.length, hyphen)

export function isUuid (text: string): boolean {
  return shape.test(text)
}

/**
 * Sixteen bytes as text. Made in one piece: joining five parts would keep a tree of strings of ten times the
 * size.
 */
export function uuidText (bytes: Buffer, at: number): string {
  let to = 0
  for (let index = 0; index < 16; index++) {
    const byte = bytes[at + index]
    if (index === 4 || index === 6 || index === 8 || index === 10) to++
    scratch[to++] = hexDigits[byte >> 4]
    scratch[to++] = hexDigits[byte & 15]
  }
  return scratch.latin1Slice(0, to)
}

/** As Kafka prints it. */
export function kafkaUuid (uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}

/** From what Kafka prints; null when it is not 22 characters of base64url. */
export function fromKafkaUuid (text: string): string | null {
  return /^[A-Za-z0-9_-]{22}$/.test(text) ? uuidText(Buffer.from(text, 'base64url'), 0) : null
}
