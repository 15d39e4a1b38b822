// What the main thread keeps of one open log: where it lives, its segments and epochs as last told, its hot
// tail.
import { type SegmentView } from '../log/partition-log.types.ts'
import { segmentAt } from '../log/reader.ts'
import { type LogConfig, type LogIdentity, type Offset } from '../log/types.ts'
import { type Arena } from './arena.ts'
import { type RowNews } from './commands.ts'
import { type Link } from './link.ts'
import { TailIndex } from './tail-index.ts'

export class MainRow {
  readonly row: number
  readonly identity: LogIdentity
  link: Link
  config: LogConfig
  /** Ascending. Replaced, never changed, when a reader may hold it. */
  views: SegmentView[] = []
  epochs: readonly (readonly [number, Offset])[] = []
  tail: TailIndex | null = null
  /** An fsync is on its way; what was asked for meanwhile waits for it. */
  syncing = false
  syncWantedEnd: Offset = -1
  syncWantedBase: Offset = -1
  /** Nothing is appended for a moment: the log is about to move. */
  held = false
  #freed: (() => void)[] = []
  #viewsReplaced = false

  constructor (row: number, identity: LogIdentity, link: Link, config: LogConfig) {
    this.row = row
    this.identity = identity
    this.link = link
    this.config = config
  }

  heard (news: RowNews): SegmentView[] {
    const views = this.#viewsReplaced ? [] : this.views.slice()
    this.#viewsReplaced = false
    const gone: SegmentView[] = []
    for (const view of news.changed) {
      const at = segmentAt(views, view.baseOffset)
      if (at >= 0 && views[at].baseOffset === view.baseOffset) {
        // Compaction has put another file under the name.
        if (views[at].key !== view.key) gone.push(views[at])
        views[at] = view
      } else views.splice(at + 1, 0, view)
    }
    for (const base of news.removed) {
      const at = segmentAt(views, base)
      if (at >= 0 && views[at].baseOffset === base) gone.push(...views.splice(at, 1))
    }
    this.views = views
    if (news.epochs !== null) this.epochs = news.epochs
    return gone
  }

  whenFree (free: () => void): void {
    if (this.held) this.#freed.push(free)
    else free()
  }

  release (): void {
    this.held = false
    for (const free of this.#freed.splice(0)) free()
  }

  /** Another worker goes on with the same log in other files: what it says next of segments is all. */
  movedTo (link: Link): void {
    this.link = link
    this.#viewsReplaced = true
    this.tail?.clear()
    // What is copied is on the device.
    this.syncWantedEnd = -1
  }

  view (base: Offset): SegmentView | undefined {
    const view = this.views[segmentAt(this.views, base)]
    return view?.baseOffset === base ? view : undefined
  }

  /** -1 when unknown. */
  epochAt (offset: Offset): number {
    let epoch = -1
    for (const [candidate, start] of this.epochs) {
      if (start > offset) break
      epoch = candidate
    }
    return epoch
  }

  tailIndex (arena: Arena): TailIndex {
    this.tail ??= new TailIndex(arena)
    return this.tail
  }
}
