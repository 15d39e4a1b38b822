// What is measured: its name in a table, and which way is better. Numbers are written here and nowhere else.

export interface Metric {
  readonly title: string
  readonly better: 'more' | 'less'
  readonly show: (value: number) => string
}

const whole = (value: number): string => Math.round(value).toLocaleString('en')

/** Three digits that matter. */
function short (value: number): string {
  if (value >= 100) return whole(value)
  if (value >= 10) return value.toFixed(1)
  return value.toFixed(2)
}

const milliseconds = (title: string): Metric => ({ title, better: 'less', show: value => `${short(value)} ms` })
const megabytes = (title: string): Metric => ({ title, better: 'less', show: value => `${whole(value)} MB` })

export const metrics = {
  recordsPerSecond: { title: 'records/s', better: 'more', show: whole },
  megabytesPerSecond: { title: 'MB/s', better: 'more', show: short },
  requestsPerSecond: { title: 'requests/s', better: 'more', show: whole },
  consumedRecordsPerSecond: { title: 'consumed records/s', better: 'more', show: whole },
  consumedMegabytesPerSecond: { title: 'consumed MB/s', better: 'more', show: short },
  totalMegabytesPerSecond: { title: 'in and out, MB/s', better: 'more', show: short },
  p50Ms: milliseconds('p50'),
  p99Ms: milliseconds('p99'),
  p999Ms: milliseconds('p99.9'),
  cpuSecondsPerGigabyte: { title: 'broker CPU s/GB', better: 'less', show: short },
  cpuSecondsPerMillionRequests: { title: 'broker CPU s/M requests', better: 'less', show: short },
  clientCpuSecondsPerMillionRecords: { title: 'producing client CPU s/M records', better: 'less', show: short },
  residentMegabytesMax: megabytes('peak memory'),
  startMs: milliseconds('start to first acknowledged produce'),
  idleMegabytes: megabytes('memory, idle'),
  idleCpuPercent: { title: 'CPU, idle', better: 'less', show: value => `${short(value)} %` },
  partitionsMegabytes: megabytes('memory, 1,000 partitions'),
  wallMs: milliseconds('wall time'),
  importMs: milliseconds('import'),
  startBrokerMs: milliseconds('startBroker()'),
  firstAckMs: milliseconds('first acknowledged produce'),
  embeddedMs: milliseconds('import to first acknowledged produce')
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof metrics
export type Figures = Partial<Record<MetricName, number>>

export const metricNames = Object.keys(metrics) as MetricName[]

export function showRatio (ratio: number): string {
  if (ratio >= 9.95) return `${ratio.toFixed(0)} x`
  return `${ratio < 0.0995 ? ratio.toPrecision(2) : ratio.toFixed(2)} x`
}
