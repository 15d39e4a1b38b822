// Settings of our own. DescribeConfigs answers them when asked by name only, so that a full list stays
// Kafka's.
import { int, long, string } from '../setting.ts'

const durabilities = ['page-cache', 'group-commit', 'always']

export const millraceTopicSettings = [
  string('millrace.durability', 'page-cache', 'The same for one topic.',
    { oneOf: durabilities, synonym: 'millrace.durability' })
]

export const millraceSettings = [
  int('millrace.log.workers', -1,
    'Log worker threads; -1 takes max(directories, cores - 1), 0 runs the log on the main thread.', { min: -1, max: 64 }),
  long('millrace.memory.bytes', 83886080, 'Memory for requests in flight, the hot tail and history reads.',
    { min: 4194304 }),
  string('millrace.durability', 'page-cache',
    'A record counts as written in the page cache as with Kafka, or after an fsync that many share or its own.',
    { oneOf: durabilities, dynamic: 'cluster' }),
  int('millrace.request.elements.max', 200000, 'A request that makes more array elements closes its connection.',
    { min: 1000 }),
  int('millrace.request.bytes.max', 16777216, 'A frame other than Produce that is larger closes its connection.',
    { min: 65536 }),
  int('millrace.produce.requests.max', 32, 'Produce requests of one connection in work at a time.',
    { min: 1, max: 4096 }),
  int('millrace.produce.bytes.max', 8388608, 'Bytes of those requests.', { min: 65536 })
]
