// Dumps the files of a log directory as text, each by the ending of its name.
import { isAbsolute, join } from 'node:path'
import { type Disk } from '../../base/disk.ts'
import { suffix } from '../names.ts'
import { Findings } from './findings.ts'
import { dumpIndex, dumpTimeIndex, offsetInName } from './index-dump.ts'
import { dumpLog, type LogDump } from './log-dump.ts'
import { dumpSnapshot, dumpTransactionIndex } from './state-dump.ts'
import { type DumpOptions, DumpError } from './types.ts'

export { DumpError, everyByte, type DumpOptions, type RecordDecoder } from './types.ts'

const checkpoint = '.checkpoint'
/** What a formatted folder starts its metadata log from. */
const bootstrapName = 'bootstrap.checkpoint'

/**
 * The text piece by piece, so that no file has to fit into memory. Ends with DumpError or DiskError where a
 * file cannot be read further; what does not fit together is in `findings` afterwards.
 */
export class Dump {
  readonly findings = new Findings()
  readonly #disk: Disk
  readonly #options: DumpOptions

  constructor (disk: Disk, options: DumpOptions) {
    this.#disk = disk
    this.#options = options
  }

  * files (paths: readonly string[]): Generator<string, void> {
    for (const given of paths) {
      const path = given.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
      yield `Dumping ${path}\n`
      yield * this.#file(path)
    }
  }

  * #file (path: string): Generator<string, void> {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const { workingFolder } = this.#options
    const wholePath = isAbsolute(path) ? path : join(workingFolder, path)
    const dump: LogDump = {
      disk: this.#disk, path, name, wholePath, options: this.#options, findings: this.findings
    }
    switch (/\.[^.]*$/.exec(name)?.[0]) {
      case suffix.log:
        yield `Log starting offset: ${offsetInName(name)}\n`
        return yield * dumpLog(dump)
      case checkpoint:
        yield `${checkpointTitle(name)}\n`
        return yield * dumpLog(dump)
      case suffix.offsetIndex: return yield * dumpIndex(dump)
      case suffix.timeIndex: return yield * dumpTimeIndex(dump)
      case suffix.snapshot: return yield * dumpSnapshot(dump)
      case suffix.transactionIndex: return yield * dumpTransactionIndex(dump)
      default: this.findings.note(`Ignoring unknown file ${path}`)
    }
  }
}

function checkpointTitle (name: string): string {
  if (name === bootstrapName) return 'KRaft bootstrap snapshot'
  const parts = /^(\d{20})-(\d{10})\.checkpoint$/.exec(name)
  if (parts === null) {
    throw new DumpError(`${name} is no name of a metadata snapshot: twenty digits, a hyphen, ten digits`)
  }
  return `Snapshot end offset: ${Number(parts[1])}, epoch: ${Number(parts[2])}`
}
