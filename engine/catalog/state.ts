// What the embedded catalog keeps, and the changes to it. Plain JSON: it goes into the metadata log as it is.
// apply() is the one place that changes it, at run time and when the log is read again.
export interface StoredTopic {
  name: string
  id: string
  config: Record<string, string>
  /** Brokers per partition; the first leads. */
  replicas: number[][]
  /** The start in which each partition came to be: its leader epoch is the number of starts since. */
  born: number[]
}

export type ConfigKind = 'topic' | 'broker' | 'group' | 'client-metrics'

export interface CatalogState {
  clusterId: string
  /** How often the broker started on this catalog before now. */
  starts: number
  nextProducerId: number
  topics: Record<string, StoredTopic>
  /** By name; '' holds the cluster's defaults. */
  brokers: Record<string, Record<string, string>>
  groups: Record<string, Record<string, string>>
  clientMetrics: Record<string, Record<string, string>>
  /** Ids of the log directories that may hold logs of ours. */
  directories?: string[]
  /** Ids of topics deleted since all directories could be read: their logs may still lie somewhere. */
  gone?: string[]
}

export type StateChange =
  | { kind: 'start' }
  | { kind: 'topic', topic: StoredTopic }
  | { kind: 'topic-gone', name: string }
  | { kind: 'partitions', name: string, replicas: number[][], born: number }
  /** null deletes. */
  | { kind: 'config', of: ConfigKind, name: string, values: Record<string, string | null> }
  | { kind: 'producer-ids', next: number }
  | { kind: 'settled', directories: string[], swept: boolean }

export function emptyState (clusterId: string): CatalogState {
  return {
    clusterId,
    starts: 0,
    nextProducerId: 0,
    topics: bare(),
    brokers: bare(),
    groups: bare(),
    clientMetrics: bare()
  }
}

/** A snapshot as it was read, with maps that hold nothing but their own entries. */
export function revived (state: CatalogState): CatalogState {
  const bareValues = (table: Record<string, Record<string, string>>) =>
    bare(Object.entries(table).map(([name, values]) => [name, bare(Object.entries(values))] as const))
  return {
    ...state,
    topics: bare(Object.entries(state.topics)),
    brokers: bareValues(state.brokers),
    groups: bareValues(state.groups),
    clientMetrics: bareValues(state.clientMetrics)
  }
}

export function apply (state: CatalogState, change: StateChange): void {
  switch (change.kind) {
    case 'start':
      state.starts++
      return
    case 'topic':
      state.topics[change.topic.name] = change.topic
      return
    case 'topic-gone':
      state.gone = [...state.gone ?? [], state.topics[change.name].id]
      delete state.topics[change.name]
      return
    case 'partitions': {
      const topic = state.topics[change.name]
      topic.replicas.push(...change.replicas)
      topic.born.push(...change.replicas.map(() => change.born))
      return
    }
    case 'config':
      changeConfig(state, change.of, change.name, change.values)
      return
    case 'producer-ids':
      state.nextProducerId = change.next
      return
    case 'settled':
      state.directories = change.directories
      if (change.swept) state.gone = []
  }
}

function changeConfig (
  state: CatalogState, kind: ConfigKind, name: string, values: Record<string, string | null>
): void {
  if (kind === 'topic') {
    changeValues(state.topics[name].config, values)
    return
  }
  const table = configTable(state, kind)
  const config = table[name] ?? bare<string>()
  changeValues(config, values)
  if (Object.keys(config).length === 0) delete table[name]
  else table[name] = config
}

export function configTable (
  state: CatalogState, kind: Exclude<ConfigKind, 'topic'>
): Record<string, Record<string, string>> {
  if (kind === 'broker') return state.brokers
  return kind === 'group' ? state.groups : state.clientMetrics
}

function changeValues (config: Record<string, string>, values: Record<string, string | null>): void {
  for (const [key, value] of Object.entries(values)) {
    if (value === null) delete config[key]
    else config[key] = value
  }
}

/** Without a prototype: a topic may be called "constructor" or "__proto__". */
export function bare<T> (entries: Iterable<readonly [string, T]> = []): Record<string, T> {
  const table: Record<string, T> = Object.create(null)
  for (const [key, value] of entries) table[key] = value
  return table
}
