// What lies in the log directories of brokers.
import { errorCodes } from '../protocol/errors.ts'
import { DescribeLogDirs, type DescribeLogDirsResponse } from '../protocol/messages/35-describe-log-dirs.ts'
import { make, type Received } from '../protocol/schema.ts'
import { BrokerError, type Cluster } from './cluster.ts'

export type LogDirAnswer = DescribeLogDirsResponse['results'][number]

export async function describeLogDirs (cluster: Cluster, broker: number): Promise<readonly LogDirAnswer[]> {
  const request = make(DescribeLogDirs.request, { topics: null })
  const answer: Received<DescribeLogDirsResponse> =
    await cluster.ask(DescribeLogDirs, request, () => cluster.broker(broker))
  if (answer.errorCode !== errorCodes.NONE) throw new BrokerError(answer.errorCode)
  return answer.results
}
