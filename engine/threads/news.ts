// What a worker has to tell besides answers, gathered until it is sent: new views of segments, moved rows,
// log lines.
import { assert } from '../base/assert.ts'
import { type Logger, type LogLevel } from '../base/logger.ts'
import { type LogListener, type SegmentView } from '../log/partition-log.types.ts'
import { type Offset } from '../log/types.ts'
import { type News, type RowNews } from './commands.ts'

export class Gathered {
  #news: News = { rows: [], moved: [], lines: [] }

  get empty (): boolean {
    const { rows, moved, lines } = this.#news
    return rows.length === 0 && moved.length === 0 && lines.length === 0
  }

  take (): News {
    const news = this.#news
    this.#news = { rows: [], moved: [], lines: [] }
    return news
  }

  moved (row: number, durableEnd: Offset): void {
    this.#news.moved.push({ row, durableEnd })
  }

  of (row: number): RowNews {
    const { rows } = this.#news
    // News of one row mostly comes in a run.
    const last = rows[rows.length - 1]
    if (last !== undefined && last.row === row) return last
    const fresh: RowNews = {
      row, changed: [], removed: [], epochs: null, sealed: [], flush: null, unlinked: []
    }
    rows.push(fresh)
    return fresh
  }

  readonly logger: Logger = {
    debug: (fields, message) => this.#line('debug', fields, message),
    info: (fields, message) => this.#line('info', fields, message),
    warn: (fields, message) => this.#line('warn', fields, message),
    error: (fields, message) => this.#line('error', fields, message)
  }

  #line (level: LogLevel, fields: object | string, message: string | undefined): void {
    this.#news.lines.push({ level, fields, message })
  }
}

/** Hears what a log does, also before it has a row: what was said until then is told when it gets one. */
export class RowListener implements LogListener {
  readonly #gathered: Gathered
  readonly #startMoved: (row: number) => void
  #row = -1
  readonly #views = new Map<Offset, SegmentView>()
  #epochs: readonly (readonly [number, Offset])[] = []

  constructor (gathered: Gathered, startMoved: (row: number) => void) {
    this.#gathered = gathered
    this.#startMoved = startMoved
  }

  attach (row: number): void {
    this.#row = row
    const news = this.#gathered.of(row)
    news.changed.push(...this.#views.values())
    news.epochs = [...this.#epochs]
    this.#views.clear()
  }

  segmentChanged (view: SegmentView): void {
    if (this.#row < 0) {
      this.#views.set(view.baseOffset, view)
      return
    }
    const news = this.#gathered.of(this.#row)
    news.changed.push(view)
    if (view.sealedBytes >= 0) news.sealed.push(view)
  }

  startMoved (): void {
    if (this.#row >= 0) this.#startMoved(this.#row)
  }

  segmentRemoved (baseOffset: Offset): void {
    if (this.#row >= 0) this.#gathered.of(this.#row).removed.push(baseOffset)
    else this.#views.delete(baseOffset)
  }

  /** Only a tick says so, and it comes to rows alone. */
  unlink (path: string): void {
    assert(this.#row >= 0, 'a log without a row deletes nothing later')
    this.#gathered.of(this.#row).unlinked.push(path)
  }

  epochsChanged (epochs: readonly (readonly [number, Offset])[]): void {
    this.#epochs = epochs
    if (this.#row >= 0) this.#gathered.of(this.#row).epochs = [...epochs]
  }
}
