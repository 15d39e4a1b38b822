// Arena cells for bytes of segment files: who needs one waits a moment for it, never longer.
import { type Arena } from './arena.ts'
import { type Address } from './cells.ts'

/** Who reads gives a cell back within a moment; who has not taken its bytes by then may never do. */
const patienceMs = 5

/** Hands out history cells in turn. */
export class HistoryCells {
  readonly arena: Arena
  /** Those who have the cells keep them: nobody waits for one until one was free again. */
  #stuck = false

  constructor (arena: Arena) {
    this.arena = arena
  }

  /** Calls at once when a cell is free; with -1 when none is, for too long. */
  take (taken: (address: Address) => void): void {
    const address = this.arena.takeHistoryCell()
    if (address >= 0) this.#stuck = false
    if (address >= 0 || this.#stuck) taken(address)
    else this.#wait(taken)
  }

  #wait (taken: (address: Address) => void): void {
    const waiter = {
      memoryFree: (): void => {
        const address = this.arena.takeHistoryCell()
        if (address < 0) return this.arena.whenMemory(waiter)
        patience.cancel()
        this.#stuck = false
        taken(address)
      }
    }
    const patience = this.arena.clock.after(patienceMs, () => {
      this.#stuck = true
      this.arena.waitNoMore(waiter)
      taken(-1)
    })
    this.arena.whenMemory(waiter)
  }
}
