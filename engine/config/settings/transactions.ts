// Transactions and their internal topic.
import { bool, int, short } from '../setting.ts'

export const transactionsSettings = [
  int('add.partitions.to.txn.retry.backoff.max.ms', 100,
    'Longest pause before a partition is added to a transaction again.', { min: 0, mark: 'later' }),
  int('add.partitions.to.txn.retry.backoff.ms', 20,
    'First pause before a partition is added to a transaction again.', { min: 1, mark: 'later' }),
  int('transaction.abort.timed.out.transaction.cleanup.interval.ms', 10000,
    'How often transactions are looked for that ran out of time.', { min: 1, mark: 'later' }),
  int('transaction.max.timeout.ms', 900000, 'Longest timeout a transaction may ask for.',
    { min: 1, mark: 'later' }),
  bool('transaction.partition.verification.enable', true,
    'A partition takes transactional records only of transactions that named it.',
    { dynamic: 'cluster', mark: 'later' }),
  int('transaction.remove.expired.transaction.cleanup.interval.ms', 3600000,
    'How often expired transactional ids are looked for.', { min: 1, mark: 'later' }),
  int('transaction.state.log.load.buffer.size', 5242880,
    'Bytes read at a time when transactions are loaded.', { min: 1, mark: 'later' }),
  int('transaction.state.log.min.isr', 2, 'min.insync.replicas of __transaction_state.',
    { min: 1, mark: 'later' }),
  int('transaction.state.log.num.partitions', 50,
    'Partitions of __transaction_state; not to be changed later.', { min: 1, mark: 'later' }),
  short('transaction.state.log.replication.factor', 3, 'Replicas of __transaction_state.',
    { min: 1, mark: 'later' }),
  int('transaction.state.log.segment.bytes', 104857600, 'Segment size of __transaction_state.',
    { min: 1, mark: 'later' }),
  bool('transaction.two.phase.commit.enable', false, 'An outer coordinator may decide on transactions.',
    { mark: 'later' }),
  int('transactional.id.expiration.ms', 604800000, 'A transactional id unused for so long is forgotten.',
    { min: 1, mark: 'later' })
]
