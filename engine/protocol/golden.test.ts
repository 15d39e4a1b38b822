// What compile.ts makes of three messages, kept where a review sees it change. `npx vitest run -u` writes
// them anew.
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sourceOf } from './compile.ts'
import { Produce } from './messages/00-produce.ts'
import { Fetch } from './messages/01-fetch.ts'
import { Metadata } from './messages/03-metadata.ts'
import { type AnyMessage } from './schema.ts'

const folder = join(import.meta.dirname, '../../fixtures/codec')
const kept: [AnyMessage, number][] = [[Produce.request, 7], [Fetch.request, 17], [Metadata.response, 12]]

for (const [schema, version] of kept) {
  it(`${schema.name} v${version}`, async () => {
    const { decode, encode } = sourceOf(schema, version)
    const text = `${decode}\n\n${encode}\n`.replaceAll('return function', 'function')
    await expect(text).toMatchFileSnapshot(join(folder, `${schema.name}.v${version}.js`))
  })
}
