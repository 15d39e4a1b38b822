// A case: something that is done to both brokers, in turn, and what is expected to come of it.
import { type StartedBroker } from '../load/broker.ts'
import { type Figures, type MetricName } from './metrics.ts'

export type ContestantName = 'millrace' | 'kafka'

export interface Contestant {
  readonly name: ContestantName
  readonly title: string
  /** A new broker, in a new folder or over the data of one who was. At once: it may not listen yet. */
  start (atOnce?: boolean, data?: string): Promise<StartedBroker>
  /** Its own command line tool that lists topics. */
  listTopicsCommand (port: number): string[]
}

/** How long and how much. */
export interface Effort {
  readonly quick: boolean
  readonly seconds: number
  readonly warmupSeconds: number
  /** Written by one run at most: what the data folder can take. */
  readonly bytesMax: number
}

export interface Running {
  readonly contestant: Contestant
  readonly broker: StartedBroker
  readonly effort: Effort
}

/** millrace's figure as a share of Kafka's, or by itself. */
export interface Target {
  readonly metric: MetricName
  readonly ratioMin?: number
  readonly ratioMax?: number
  readonly valueMin?: number
  readonly valueMax?: number
}

export const groups = {
  start: 'Start, memory and tools',
  produce: 'Produce',
  fetch: 'Fetch through history',
  tail: 'Tail fetch, a producer at full speed beside it',
  latency: 'End to end, one record a request, open loop',
  shapes: 'Acks, record sizes, partitions',
  clients: 'The clients people use',
  partitions: 'Growth: partitions',
  connections: 'Growth: connections',
  requests: 'Growth: request size',
  logs: 'Growth: size of a log, sparse files'
} as const

export type GroupName = keyof typeof groups

export interface Case {
  readonly name: string
  readonly group: GroupName
  readonly title: string
  readonly targets?: readonly Target[]
  /** Which loop of bench/limits it is a share of: one of the directions, or bytes of a request. */
  readonly limit?: 'in' | 'out' | number
  /** Where it stands on the axis of a group that grows. */
  readonly x?: number
  /** Why it cannot be done here, or null. */
  readonly missing?: () => string | null
  /** What there is of one broker alone. */
  readonly only?: ContestantName
  /** On a broker that runs already ... */
  readonly onRunning?: (running: Running) => Promise<Figures>
  /** ... or on brokers that it starts itself. */
  readonly onFresh?: (contestant: Contestant, effort: Effort) => Promise<Figures>
}
