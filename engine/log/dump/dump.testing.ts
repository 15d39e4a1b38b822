// A folder in memory to dump, and options of which a test says only what matters.
import { MemoryDisk } from '../../base/disk-memory.ts'
import { Dump, type DumpOptions, everyByte } from './dump.ts'
import { plainDecoder, plainDecoders } from './plain-decoders.ts'

export const folder = '/data/orders-0'

export function diskWith (files: Readonly<Record<string, Uint8Array>>): MemoryDisk {
  const disk = new MemoryDisk()
  disk.makeDirectory(folder)
  for (const [name, bytes] of Object.entries(files)) disk.replaceFile(`${folder}/${name}`, bytes)
  return disk
}

export function dumpOptions (options: Partial<DumpOptions> = {}): DumpOptions {
  const text = plainDecoders.StringDecoder
  return {
    decoder: plainDecoder(text, text),
    deep: options.printRecords === true || options.decoder !== undefined,
    printRecords: options.decoder !== undefined,
    skipMetadata: false,
    bytesMax: everyByte,
    messageBytesMax: 5 * 2 ** 20,
    verifyOnly: false,
    sanityOnly: false,
    workingFolder: '/',
    ...options
  }
}

export interface Dumped {
  readonly out: string[]
  readonly findings: string[]
  /** What ended it, null: nothing. */
  readonly error: Error | null
}

export function dumped (
  disk: MemoryDisk, names: readonly string[], options: Partial<DumpOptions> = {}
): Dumped {
  const dump = new Dump(disk, dumpOptions(options))
  let text = ''
  let error: Error | null = null
  try {
    for (const piece of dump.files(names.map(name => `${folder}/${name}`))) text += piece
  } catch (thrown) {
    error = thrown as Error
  }
  return { out: text.replace(/\n$/, '').split('\n'), findings: [...dump.findings.lines()], error }
}
