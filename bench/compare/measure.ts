// The runs: every case on one broker, then on the other, and again (A B A B ...), so that what else happens
// on the machine meets both.
import { type StartedBroker } from '../load/broker.ts'
import { type Case, type Contestant, type ContestantName, type Effort } from './case.ts'
import { warmUp } from './load-cases.ts'
import { type Figures } from './metrics.ts'
import { type Measured } from './statistics.ts'

export class Contest {
  /** What went wrong beside the cases. */
  readonly troubles: string[] = []
  readonly #contestants: readonly Contestant[]
  readonly #effort: Effort
  readonly #say: (line: string) => void
  readonly #brokers = new Map<ContestantName, StartedBroker>()

  constructor (
    contestants: readonly Contestant[], effort: Effort, say: (line: string) => void
  ) {
    this.#contestants = contestants
    this.#effort = effort
    this.#say = say
  }

  async measure (one: Case, count: number): Promise<Measured> {
    const runs: Record<ContestantName, Figures[]> = { millrace: [], kafka: [] }
    const notes: string[] = []
    const reason = one.missing?.() ?? null
    if (reason !== null) notes.push(`skipped: ${reason}`)
    const taking = this.#contestants.filter(({ name }) =>
      reason === null && (one.only === undefined || one.only === name))
    const failed = new Set<Contestant>()
    for (let run = 0; run < count; run++) {
      for (const contestant of taking) {
        if (failed.has(contestant)) continue
        try {
          const figures = await this.#once(one, contestant)
          runs[contestant.name].push(figures)
          this.#say(`${one.name} ${contestant.name}: ${said(figures)}`)
        } catch (error) {
          // A case that fails is part of the result; the others go on.
          failed.add(contestant)
          notes.push(`${contestant.name} failed: ${(error as Error).message}`)
          this.#say(`${one.name} ${notes.at(-1)}`)
          await this.#drop(contestant.name)
        }
      }
    }
    if (reason !== null) this.#say(`${one.name} ${notes[0]}`)
    const { name, group, title, targets = [], limit = null, x = null } = one
    return { name, group, title, targets, limit, x, runs, notes }
  }

  async #once (one: Case, contestant: Contestant): Promise<Figures> {
    if (one.onFresh !== undefined) return await one.onFresh(contestant, this.#effort)
    const broker = await this.#running(contestant)
    return await one.onRunning!({ contestant, broker, effort: this.#effort })
  }

  /** All run from the first case that needs one until the end: what is measured is a warm broker. */
  async #running (contestant: Contestant): Promise<StartedBroker> {
    const there = this.#brokers.get(contestant.name)
    if (there !== undefined) return there
    const broker = await contestant.start()
    this.#brokers.set(contestant.name, broker)
    await warmUp({ contestant, broker, effort: this.#effort })
    return broker
  }

  async #drop (name: ContestantName): Promise<void> {
    const broker = this.#brokers.get(name)
    this.#brokers.delete(name)
    await broker?.stop().catch((error: Error) => {
      this.troubles.push(`${name} did not stop in order: ${error.message}`)
      this.#say(this.troubles.at(-1)!)
    })
  }

  async close (): Promise<void> {
    for (const name of [...this.#brokers.keys()]) await this.#drop(name)
  }
}

function said (figures: Figures): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number(value.toPrecision(4)).toLocaleString('en')}`).join(', ')
}
