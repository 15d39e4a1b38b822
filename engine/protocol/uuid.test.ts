import fc from 'fast-check'
import { expect, it } from 'vitest'
import { fromKafkaUuid, kafkaUuid, uuidText, writeUuid, zeroUuid } from './uuid.ts'

const sample = 'e46ec7e6-0cbf-4c9b-afa1-da4246f7902c'

it('a uuid is text in three ways: bytes, hyphens, and as Kafka prints it', () => {
  const bytes = Buffer.from(sample.replaceAll('-', ''), 'hex')
  expect(uuidText(bytes, 0)).toBe(sample)
  expect(kafkaUuid(sample)).toBe(bytes.toString('base64url'))
  expect(fromKafkaUuid(kafkaUuid(sample))).toBe(sample)
  expect(kafkaUuid(zeroUuid)).toBe('AAAAAAAAAAAAAAAAAAAAAA')
  expect(fromKafkaUuid('short')).toBe(null)
  fc.assert(fc.property(fc.uuid(), text => {
    const out = Buffer.alloc(20)
    return writeUuid(text, out, 2) && uuidText(out, 2) === text && fromKafkaUuid(kafkaUuid(text)) === text
  }))
})

it('text that is no uuid is not written as one', () => {
  const out = Buffer.alloc(16)
  for (let at = 0; at < sample.length; at++) {
    for (const other of ['g', '\u0130', '\u00ff', sample[at] === '-' ? '0' : '-', 'A']) {
      const wrong = sample.slice(0, at) + other + sample.slice(at + 1)
      expect(writeUuid(wrong, out, 0), wrong).toBe(false)
    }
  }
  expect(writeUuid(sample.slice(1), out, 0)).toBe(false)
  expect(writeUuid('', out, 0)).toBe(false)
})
