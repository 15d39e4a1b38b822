// Uuids as text: lower case hexadecimal with hyphens inside, base64url without padding where Kafka shows them
// to people (tools, partition.metadata).
export const zeroUuid = '00000000-0000-0000-0000-000000000000'

const hexDigits = Buffer.from('0123456789abcdef', 'latin1')
const hyphen = 0x2d
const scratch = Buffer.alloc(zeroUuid.length, hyphen)

/** Value of a lower case hexadecimal digit by its character code; 0xff for all else. */
const digitValues = new Uint8Array(256).fill(0xff)
for (let value = 0; value < 16; value++) digitValues[hexDigits[value]] = value

/** Writes sixteen bytes from text; false, with some of them written, when it is no uuid. */
export function writeUuid (text: string, bytes: Buffer, at: number): boolean {
  if (text.length !== zeroUuid.length) return false
  let from = 0
  let wrong = 0
  for (let index = 0; index < 16; index++) {
    if (index === 4 || index === 6 || index === 8 || index === 10) wrong |= text.charCodeAt(from++) ^ hyphen
    const high = text.charCodeAt(from++)
    const low = text.charCodeAt(from++)
    if ((high | low) > 0xff) return false
    const byte = digitValues[high] << 4 | digitValues[low]
    wrong |= byte & ~0xff | digitValues[low] & 0x80
    bytes[at + index] = byte
  }
  return wrong === 0
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
