// What a client may be told: Kafka's codes, whether a client tries again on its own, and what they mean.

const retriable = true

type Row = readonly [code: number, text: string, retriable?: true]

const table = {
  UNKNOWN_SERVER_ERROR: [-1, 'Something went wrong in the broker that has no code of its own'],
  NONE: [0, 'No error'],
  OFFSET_OUT_OF_RANGE: [1, 'The partition holds no such offset'],
  CORRUPT_MESSAGE: [2, 'The record batch is damaged: its checksum or its size is wrong', retriable],
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'This broker knows no such topic or partition', retriable],
  INVALID_FETCH_SIZE: [4, 'The fetch asks for an impossible number of bytes'],
  LEADER_NOT_AVAILABLE: [5, 'The partition has no leader at the moment', retriable],
  NOT_LEADER_OR_FOLLOWER: [6, 'This broker neither leads nor follows the partition', retriable],
  REQUEST_TIMED_OUT: [7, 'The request was not done in its time', retriable],
  BROKER_NOT_AVAILABLE: [8, 'The broker is not there'],
  REPLICA_NOT_AVAILABLE: [9, 'The replica is not there', retriable],
  MESSAGE_TOO_LARGE: [10, 'The record batch is larger than the topic allows'],
  STALE_CONTROLLER_EPOCH: [11, 'Another controller has taken over since'],
  OFFSET_METADATA_TOO_LARGE: [12, 'The text committed beside an offset is too long'],
  NETWORK_EXCEPTION: [13, 'The connection ended before the answer came', retriable],
  COORDINATOR_LOAD_IN_PROGRESS: [14, 'The coordinator is still reading its state', retriable],
  COORDINATOR_NOT_AVAILABLE: [15, 'There is no coordinator at the moment', retriable],
  NOT_COORDINATOR: [16, 'Another broker is the coordinator', retriable],
  INVALID_TOPIC_EXCEPTION: [17, 'A topic cannot have that name or be used so'],
  RECORD_LIST_TOO_LARGE: [18, 'The batch is larger than a segment'],
  NOT_ENOUGH_REPLICAS: [19, 'Fewer replicas are in sync than the topic demands', retriable],
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: [
    20, 'The records were written, but too few replicas were in sync to confirm them', retriable
  ],
  INVALID_REQUIRED_ACKS: [21, 'acks must be -1, 0 or 1'],
  ILLEGAL_GENERATION: [22, 'The group has moved on to another generation'],
  INCONSISTENT_GROUP_PROTOCOL: [23, 'The member shares no protocol with the rest of the group'],
  INVALID_GROUP_ID: [24, 'A group cannot have that id'],
  UNKNOWN_MEMBER_ID: [25, 'The group has no such member'],
  INVALID_SESSION_TIMEOUT: [26, 'The session timeout is outside what the broker allows'],
  REBALANCE_IN_PROGRESS: [27, 'The group is rebalancing: the member must join again'],
  INVALID_COMMIT_OFFSET_SIZE: [28, 'The committed offsets are too large to store'],
  TOPIC_AUTHORIZATION_FAILED: [29, 'No permission for the topic'],
  GROUP_AUTHORIZATION_FAILED: [30, 'No permission for the group'],
  CLUSTER_AUTHORIZATION_FAILED: [31, 'No permission for the cluster'],
  INVALID_TIMESTAMP: [32, 'The timestamp is further from now than the topic allows'],
  UNSUPPORTED_SASL_MECHANISM: [33, 'The broker does not offer that SASL mechanism'],
  ILLEGAL_SASL_STATE: [34, 'That request does not fit the state of the SASL exchange'],
  UNSUPPORTED_VERSION: [35, 'The broker does not speak that version'],
  TOPIC_ALREADY_EXISTS: [36, 'There already is a topic of that name'],
  INVALID_PARTITIONS: [37, 'A topic cannot have that number of partitions'],
  INVALID_REPLICATION_FACTOR: [38, 'The replication factor is below 1 or above the number of brokers'],
  INVALID_REPLICA_ASSIGNMENT: [39, 'The replicas cannot be assigned like that'],
  INVALID_CONFIG: [40, 'There is no such setting, or it cannot have that value'],
  NOT_CONTROLLER: [41, 'This broker is not the controller', retriable],
  INVALID_REQUEST: [42, 'The request makes no sense'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, 'The message format of the topic is too old for that'],
  POLICY_VIOLATION: [44, 'A policy of this cluster forbids that'],
  OUT_OF_ORDER_SEQUENCE_NUMBER: [45, 'A batch of this producer is missing before this one'],
  DUPLICATE_SEQUENCE_NUMBER: [46, 'The batch was appended before'],
  INVALID_PRODUCER_EPOCH: [47, 'A newer instance of this producer has taken over'],
  INVALID_TXN_STATE: [48, 'The transaction is in no state for that'],
  INVALID_PRODUCER_ID_MAPPING: [49, 'The transactional id does not belong to that producer id'],
  INVALID_TRANSACTION_TIMEOUT: [50, 'The transaction timeout is above what the broker allows'],
  CONCURRENT_TRANSACTIONS: [51, 'The transaction before this one is still being finished', retriable],
  TRANSACTION_COORDINATOR_FENCED: [52, 'A newer transaction coordinator has taken over'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, 'No permission for the transactional id'],
  SECURITY_DISABLED: [54, 'The broker has no security switched on'],
  OPERATION_NOT_ATTEMPTED: [55, 'Not tried, because another part of the request failed'],
  KAFKA_STORAGE_ERROR: [56, 'The log directory of the partition is offline', retriable],
  LOG_DIR_NOT_FOUND: [57, 'The broker has no such log directory'],
  SASL_AUTHENTICATION_FAILED: [58, 'The credentials were not accepted'],
  UNKNOWN_PRODUCER_ID: [59, 'The partition no longer remembers this producer'],
  REASSIGNMENT_IN_PROGRESS: [60, 'The partition is being moved already'],
  DELEGATION_TOKEN_AUTH_DISABLED: [61, 'Delegation tokens are switched off'],
  DELEGATION_TOKEN_NOT_FOUND: [62, 'There is no such delegation token'],
  DELEGATION_TOKEN_OWNER_MISMATCH: [63, 'The delegation token belongs to someone else'],
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: [64, 'Delegation tokens cannot be asked for over this connection'],
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: [65, 'No permission for the delegation token'],
  DELEGATION_TOKEN_EXPIRED: [66, 'The delegation token has expired'],
  INVALID_PRINCIPAL_TYPE: [67, 'The type of the principal is not supported'],
  NON_EMPTY_GROUP: [68, 'The group still has members'],
  GROUP_ID_NOT_FOUND: [69, 'There is no such group'],
  FETCH_SESSION_ID_NOT_FOUND: [70, 'There is no such fetch session', retriable],
  INVALID_FETCH_SESSION_EPOCH: [71, 'The fetch session is at another epoch', retriable],
  LISTENER_NOT_FOUND: [72, 'The leader has no listener like the one that was asked', retriable],
  TOPIC_DELETION_DISABLED: [73, 'Deleting topics is switched off'],
  FENCED_LEADER_EPOCH: [74, 'The request carries an older leader epoch than the broker', retriable],
  UNKNOWN_LEADER_EPOCH: [75, 'The request carries a newer leader epoch than the broker', retriable],
  UNSUPPORTED_COMPRESSION_TYPE: [76, 'That compression cannot be used with this version of the request'],
  STALE_BROKER_EPOCH: [77, 'The broker has registered anew since'],
  OFFSET_NOT_AVAILABLE: [78, 'The new leader does not know the high watermark yet', retriable],
  MEMBER_ID_REQUIRED: [79, 'The member must join again with the id it was given'],
  PREFERRED_LEADER_NOT_AVAILABLE: [80, 'The preferred leader is not available', retriable],
  GROUP_MAX_SIZE_REACHED: [81, 'The group is full'],
  FENCED_INSTANCE_ID: [82, 'Another member with the same instance id has taken over'],
  ELIGIBLE_LEADERS_NOT_AVAILABLE: [83, 'No replica that could lead is available', retriable],
  ELECTION_NOT_NEEDED: [84, 'The leader is already the one wanted', retriable],
  NO_REASSIGNMENT_IN_PROGRESS: [85, 'The partition is not being moved'],
  GROUP_SUBSCRIBED_TO_TOPIC: [86, 'The group still reads the topic'],
  INVALID_RECORD: [87, 'A record breaks the rules of the topic or of the batch format'],
  UNSTABLE_OFFSET_COMMIT: [88, 'A transaction that changes the offset is still open', retriable],
  THROTTLING_QUOTA_EXCEEDED: [89, 'The quota is used up for now', retriable],
  PRODUCER_FENCED: [90, 'Another producer with the same transactional id has taken over'],
  RESOURCE_NOT_FOUND: [91, 'There is no such resource'],
  DUPLICATE_RESOURCE: [92, 'The request names the same resource twice'],
  UNACCEPTABLE_CREDENTIAL: [93, 'The credential breaks the rules for credentials'],
  INCONSISTENT_VOTER_SET: [94, 'Sender and receiver disagree about the voters'],
  INVALID_UPDATE_VERSION: [95, 'The given version does not follow the current one'],
  FEATURE_UPDATE_FAILED: [96, 'The feature could not be changed'],
  PRINCIPAL_DESERIALIZATION_FAILURE: [97, 'The forwarded principal cannot be read'],
  SNAPSHOT_NOT_FOUND: [98, 'There is no such snapshot'],
  POSITION_OUT_OF_RANGE: [99, 'The position lies outside the snapshot'],
  UNKNOWN_TOPIC_ID: [100, 'This broker knows no topic with that id', retriable],
  DUPLICATE_BROKER_REGISTRATION: [101, 'A broker with that id is registered and alive'],
  BROKER_ID_NOT_REGISTERED: [102, 'No broker with that id is registered'],
  INCONSISTENT_TOPIC_ID: [103, 'The topic has another id here', retriable],
  INCONSISTENT_CLUSTER_ID: [104, 'The request is meant for another cluster'],
  TRANSACTIONAL_ID_NOT_FOUND: [105, 'There is no such transactional id'],
  FETCH_SESSION_TOPIC_ID_ERROR: [106, 'The fetch session mixes names and ids of topics', retriable],
  INELIGIBLE_REPLICA: [107, 'The replica may not join the in-sync set'],
  NEW_LEADER_ELECTED: [108, 'The change made another replica the leader'],
  OFFSET_MOVED_TO_TIERED_STORAGE: [109, 'The offset is only in remote storage'],
  FENCED_MEMBER_EPOCH: [110, 'The group has fenced the member: it must drop its partitions and join again'],
  UNRELEASED_INSTANCE_ID: [111, 'Another member still holds the instance id'],
  UNSUPPORTED_ASSIGNOR: [112, 'The broker has no such assignor'],
  STALE_MEMBER_EPOCH: [113, 'The member has another epoch: it must heartbeat first'],
  MISMATCHED_ENDPOINT_TYPE: [114, 'The request went to the wrong kind of endpoint'],
  UNSUPPORTED_ENDPOINT_TYPE: [115, 'There is no such kind of endpoint here'],
  UNKNOWN_CONTROLLER_ID: [116, 'There is no controller with that id'],
  UNKNOWN_SUBSCRIPTION_ID: [117, 'The telemetry subscription has changed'],
  TELEMETRY_TOO_LARGE: [118, 'The telemetry is larger than the broker accepts'],
  INVALID_REGISTRATION: [119, 'The registration is not valid'],
  TRANSACTION_ABORTABLE: [120, 'The transaction can only be aborted now'],
  INVALID_RECORD_STATE: [121, 'The record is in no state for that acknowledgement'],
  SHARE_SESSION_NOT_FOUND: [122, 'There is no such share session', retriable],
  INVALID_SHARE_SESSION_EPOCH: [123, 'The share session is at another epoch', retriable],
  FENCED_STATE_EPOCH: [124, 'The share coordinator has a newer state epoch'],
  INVALID_VOTER_KEY: [125, 'The key of the voter does not match'],
  DUPLICATE_VOTER: [126, 'That voter is one already'],
  VOTER_NOT_FOUND: [127, 'There is no such voter'],
  INVALID_REGULAR_EXPRESSION: [128, 'The regular expression cannot be read'],
  REBOOTSTRAP_REQUIRED: [129, 'The client must start over from its bootstrap servers'],
  STREAMS_INVALID_TOPOLOGY: [130, 'The topology is not valid'],
  STREAMS_INVALID_TOPOLOGY_EPOCH: [131, 'The epoch of the topology is not valid'],
  STREAMS_TOPOLOGY_FENCED: [132, 'The epoch of the topology is outdated'],
  SHARE_SESSION_LIMIT_REACHED: [133, 'There are as many share sessions as the broker allows', retriable],
  GROUP_DELETION_FAILED: [134, 'The group could not be deleted'],
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: [135, 'The description of the topology could not be stored'],
  CONTROLLER_ID_NOT_REGISTERED: [136, 'No controller with that id is registered']
} as const satisfies Record<string, Row>

export type ErrorName = keyof typeof table
export type ErrorCodes = { readonly [Name in ErrorName]: (typeof table)[Name][0] }

const rows = Object.entries(table) as [ErrorName, Row][]
const names = new Map<number, ErrorName>(rows.map(([name, [code]]) => [code, name]))

const codes: unknown = Object.fromEntries(rows.map(([name, [code]]) => [name, code]))
export const errorCodes = codes as ErrorCodes

/** A code that is in no table (from a newer broker) counts as UNKNOWN_SERVER_ERROR, as Kafka's clients do. */
export function errorName (code: number): ErrorName {
  return names.get(code) ?? 'UNKNOWN_SERVER_ERROR'
}

export function errorRetriable (code: number): boolean {
  const row: Row = table[errorName(code)]
  return row[2] === true
}

export function errorText (code: number): string {
  return table[errorName(code)][1]
}
