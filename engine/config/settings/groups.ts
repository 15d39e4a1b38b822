// Consumer groups of the classic protocol, their offsets, and the coordinator under all kinds of groups.
import { int, list, long, short } from '../setting.ts'

export const classicGroupSettings = [
  int('group.coordinator.append.linger.ms', -1,
    'A coordinator gathers records for so long; -1 lets it choose.', { min: -1, mark: 'later' }),
  int('group.coordinator.background.threads', 2, 'Threads for assignments in the JVM broker.',
    { min: 1, mark: 'jvm' }),
  int('group.coordinator.cached.buffer.max.bytes', 1048588,
    'Largest buffer a JVM coordinator keeps for the next batch.',
    { min: 524288, dynamic: 'cluster', mark: 'jvm' }),
  list('group.coordinator.rebalance.protocols', 'classic,consumer,streams',
    'Which group protocols are offered.',
    { oneOf: ['consumer', 'classic', 'share', 'streams'], mark: 'later' }),
  int('group.coordinator.threads', 4, 'Coordinator threads of the JVM broker.', { min: 1, mark: 'jvm' }),
  int('group.initial.rebalance.delay.ms', 3000,
    'An empty group waits so long for more members before its first rebalance.'),
  int('group.max.session.timeout.ms', 1800000, 'Longest session timeout a member may ask for.'),
  int('group.max.size', 2147483647, 'Members in one group.', { min: 1 }),
  int('group.min.session.timeout.ms', 6000, 'Shortest session timeout a member may ask for.'),
  int('offset.metadata.max.bytes', 4096, 'Longest note that may be committed with an offset.'),
  int('offsets.commit.timeout.ms', 5000, 'An offset commit that takes longer is given up.', { min: 1 }),
  int('offsets.load.buffer.size', 5242880, 'Bytes read at a time when offsets are loaded.', { min: 1 }),
  long('offsets.retention.check.interval.ms', 600000, 'How often expired offsets are looked for.',
    { min: 1 }),
  int('offsets.retention.minutes', 10080, 'Offsets of an empty group are forgotten after this.', { min: 1 }),
  int('offsets.topic.compression.codec', 0,
    'Codec of __consumer_offsets: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd.'),
  int('offsets.topic.num.partitions', 50, 'Partitions of __consumer_offsets; not to be changed later.',
    { min: 1 }),
  short('offsets.topic.replication.factor', 3, 'Replicas of __consumer_offsets.', { min: 1 }),
  int('offsets.topic.segment.bytes', 104857600,
    'Segment size of __consumer_offsets; small ones load sooner.', { min: 1 })
]
