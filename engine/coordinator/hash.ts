// Which partition of an internal topic a group or a transactional id belongs to: Kafka's rule, which is
// Java's.

export function coordinatorPartition (key: string, partitions: number): number {
  let hash = 0
  for (let at = 0; at < key.length; at++) hash = (Math.imul(hash, 31) + key.charCodeAt(at)) | 0
  // The smallest int has no positive counterpart.
  return hash === -2147483648 ? 0 : Math.abs(hash) % partitions
}
