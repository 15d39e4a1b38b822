// Structs that several messages carry.
import { int32, string } from '../schema.ts'

/** The leader as the answering broker knows it, for a client that asked the wrong one. */
export const leaderIdAndEpoch = {
  leaderId: int32().orElse(-1),
  leaderEpoch: int32().orElse(-1)
}

/** Where brokers named in the same answer are reached. */
export const nodeEndpoint = {
  nodeId: int32(),
  host: string(),
  port: int32(),
  rack: string().nullable().orElse(null)
}
