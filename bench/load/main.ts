// The whole broker under load, ours or Apache Kafka. `--help` says how.
import { errorName } from '../../engine/protocol/errors.ts'
import { startBroker } from './broker.ts'
import { help, type LoadOptions, parseOptions } from './options.ts'
import { touch } from '../touch.ts'
import { type Flow, type Result, run, type Times } from './run.ts'

async function main (): Promise<void> {
  const options = parseOptions(process.argv.slice(2))
  if (options === null) {
    process.stdout.write(help)
    return
  }
  if (options.start) touch(options.dataFolder, options.touchBytes)
  const broker = options.start ? await startBroker(options) : null
  try {
    const { port, pid } = broker ?? options
    const used = broker === null ? options : { ...options, host: '127.0.0.1', port, pid }
    const result = await run(used)
    console.log(options.json ? JSON.stringify(summary(used, result)) : table(used, result))
    const errors = (result.produced?.errors ?? 0) + (result.consumed?.errors ?? 0)
    if (errors > 0) process.exitCode = 1
  } finally {
    await broker?.stop()
  }
}

function figures (flow: Flow, seconds: number) {
  const { requests, records, bytes, errors, errorCode, latencyMs, serviceMs } = flow
  return {
    recordsPerSecond: Math.round(records / seconds),
    megabytesPerSecond: round(bytes / 1e6 / seconds),
    requestsPerSecond: Math.round(requests / seconds),
    errors,
    ...errors === 0 ? {} : { errorName: errorName(errorCode) },
    latencyMs: rounded(latencyMs),
    ...serviceMs === null ? {} : { serviceMs: rounded(serviceMs) }
  }
}

function summary (options: LoadOptions, result: Result) {
  const { seconds, produced, consumed, endToEndMs, brokerBefore, brokerAfter, generatorCpuSeconds } = result
  const requests = (produced?.requests ?? 0) + (consumed?.requests ?? 0)
  const gigabytes = ((produced?.bytes ?? 0) + (consumed?.bytes ?? 0)) / 1e9
  const cpuSeconds = brokerAfter.cpuSeconds - brokerBefore.cpuSeconds
  return {
    options,
    seconds: round(seconds),
    produced: produced === null ? null : figures(produced, seconds),
    consumed: consumed === null ? null : figures(consumed, seconds),
    endToEndMs: endToEndMs === null ? null : rounded(endToEndMs),
    broker: options.pid === 0
      ? null
      : {
          cpus: round(cpuSeconds / seconds),
          cpuSecondsPerGigabyte: round(cpuSeconds / gigabytes),
          cpuSecondsPerMillionRequests: round(cpuSeconds / (requests / 1e6)),
          residentMegabytes: Math.round(brokerAfter.residentBytes / 1e6),
          residentMegabytesMax: Math.round(brokerAfter.residentBytesMax / 1e6)
        },
    generatorCpus: round(generatorCpuSeconds / seconds)
  }
}

function table (options: LoadOptions, result: Result): string {
  const { produced, consumed, endToEndMs, broker, generatorCpus } = summary(options, result)
  const { mode, connections, inFlight, consumers, partitions, rate } = options
  const { batchBytes, recordBytes, codec, acks } = options
  const shape = `${batchBytes}-byte batches of ${recordBytes}-byte records, ${codec}, acks=${acks}`
  const loop = rate === 0 ? `${inFlight} in flight` : `${rate} requests/s on schedule`
  const lines = mode === 'consume'
    ? [`consume: ${consumers} connections, ${partitions} partitions, fetches of ${options.fetchBytes} bytes`]
    : [`${mode}: ${connections} connections, ${loop}, ${partitions} partitions, ${shape}`]
  for (const [name, flow] of [['produced', produced], ['consumed', consumed]] as const) {
    if (flow === null) continue
    const { recordsPerSecond, megabytesPerSecond, requestsPerSecond, latencyMs, errors } = flow
    lines.push(`${name}  ${recordsPerSecond.toLocaleString('en')} records/s  ${megabytesPerSecond} MB/s  ` +
      `${requestsPerSecond.toLocaleString('en')} requests/s  ${times(latencyMs)}`)
    if (flow.serviceMs !== undefined) lines.push(`          once it had left: ${times(flow.serviceMs)}`)
    if (errors > 0) lines.push(`          ${errors} errors, the first ${flow.errorName}`)
  }
  if (endToEndMs !== null) lines.push(`end to end, since it should have left: ${times(endToEndMs)}`)
  if (broker !== null) {
    lines.push(`broker    ${broker.cpuSecondsPerGigabyte} CPU s/GB, ${broker.cpuSecondsPerMillionRequests} CPU s per million requests, ${broker.cpus} CPUs, ` +
      `${broker.residentMegabytes} MB resident (at most ${broker.residentMegabytesMax})`)
  }
  lines.push(`generator ${generatorCpus} CPUs`)
  return lines.join('\n')
}

function times ({ p50, p99, p999, max }: Times): string {
  return `p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms, max ${max} ms`
}

function rounded ({ p50, p99, p999, max }: Times): Times {
  return { p50: round(p50), p99: round(p99), p999: round(p999), max: round(max) }
}

function round (value: number): number {
  return Math.round(value * 1000) / 1000
}

await main()
