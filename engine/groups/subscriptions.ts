// What a broker reads of what consumers tell each other: the topics they subscribe to.
import { decode } from '../protocol/compile.ts'
import { ConsumerProtocolSubscription } from '../protocol/records/consumer-protocol.ts'
import { ProtocolError, Reader } from '../protocol/wire.ts'

/**
 * The topics that consumers subscribe to; null when one of them does not speak the protocol. Every version
 * of a subscription begins as version 0 does, so those of tomorrow are read too.
 */
export function subscribedTopics (subscriptions: readonly Buffer[]): Set<string> | null {
  const topics = new Set<string>()
  try {
    for (const subscription of subscriptions) {
      if (subscription.length < 2 || subscription.readInt16BE(0) < 0) return null
      const read = decode(ConsumerProtocolSubscription, 0, new Reader(subscription, 2))
      for (const topic of read.topics) topics.add(topic)
    }
  } catch (error) {
    if (error instanceof ProtocolError) return null
    throw error
  }
  return topics
}
