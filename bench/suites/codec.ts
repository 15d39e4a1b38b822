// Requests and answers to bytes and back, through the compiled schemas.

import { codecs } from '../../engine/protocol/compile.ts'
import { type FetchRequest, Fetch } from '../../engine/protocol/messages/01-fetch.ts'
import { Metadata, type MetadataResponse } from '../../engine/protocol/messages/03-metadata.ts'
import {
  Produce, type ProduceRequest, type ProduceResponse
} from '../../engine/protocol/messages/00-produce.ts'
import { buildBatch } from '../../engine/protocol/record.ts'
import { type AnyApi, type RequestOf, type ResponseOf } from '../../engine/protocol/schema.ts'
import { Reader, Writer } from '../../engine/protocol/wire.ts'
import { type BenchTask, type Suite } from '../suite.ts'

const topicId = '9b3f6d6a-0c4e-4f1a-8b5e-0d9a6f3c2b1a'

function requestTasks<A extends AnyApi> (
  api: A, version: number, name: string, value: RequestOf<A>
): BenchTask[] {
  const writer = new Writer()
  const encode = (): void => {
    writer.reset()
    codecs.encodeRequest(api, version, writer, value)
  }
  encode()
  const bytes = Buffer.from(writer.buf.subarray(0, writer.at))
  const title = `${api.name} v${version} request, ${name}, ${bytes.length} bytes`
  return [
    { name: `decode ${title}`, run: () => codecs.decodeRequest(api, version, new Reader(bytes)) },
    { name: `encode ${title}`, run: encode }
  ]
}

function responseTasks<A extends AnyApi> (
  api: A, version: number, name: string, value: ResponseOf<A>
): BenchTask[] {
  const writer = new Writer()
  const encode = (): void => {
    writer.reset()
    codecs.encodeResponse(api, version, writer, value)
  }
  encode()
  const bytes = Buffer.from(writer.buf.subarray(0, writer.at))
  const title = `${api.name} v${version} answer, ${name}, ${bytes.length} bytes`
  return [
    { name: `decode ${title}`, run: () => codecs.decodeResponse(api, version, new Reader(bytes)) },
    { name: `encode ${title}`, run: encode }
  ]
}

function produceRequest (): ProduceRequest {
  const value = Buffer.alloc(100, 'x')
  const records = buildBatch({}, Array.from({ length: 140 }, () => ({ value, timestamp: 0 })))
  const partitionData = [{ index: 3, records }]
  const topicData = [{ name: 'orders', topicId, partitionData }]
  return { transactionalId: null, acks: -1, timeoutMs: 30_000, topicData }
}

function produceResponse (): ProduceResponse {
  const answer = {
    index: 3,
    errorCode: 0,
    baseOffset: 123_456_789_012,
    logAppendTimeMs: -1,
    logStartOffset: 0,
    recordErrors: [],
    errorMessage: null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 }
  }
  return {
    responses: [{ name: 'orders', topicId, partitionResponses: [answer] }],
    throttleTimeMs: 0,
    nodeEndpoints: []
  }
}

function fetchRequest (partitions: number): FetchRequest {
  return {
    clusterId: null,
    replicaId: -1,
    replicaState: { replicaId: -1, replicaEpoch: -1 },
    maxWaitMs: 500,
    minBytes: 1,
    maxBytes: 52_428_800,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: 0,
    topics: [{
      topic: 'orders',
      topicId,
      partitions: Array.from({ length: partitions }, (_, partition) => ({
        partition,
        currentLeaderEpoch: 5,
        fetchOffset: 123_456_789,
        lastFetchedEpoch: -1,
        logStartOffset: -1,
        partitionMaxBytes: 1_048_576,
        replicaDirectoryId: '00000000-0000-0000-0000-000000000000',
        highWatermark: Number.MAX_SAFE_INTEGER
      }))
    }],
    forgottenTopicsData: [],
    rackId: ''
  }
}

function metadataResponse (topics: number, partitions: number): MetadataResponse {
  const all = [1, 2, 3]
  return {
    throttleTimeMs: 0,
    brokers: all.map((nodeId) => ({ nodeId, host: `broker-${nodeId}.example.org`, port: 9092, rack: null })),
    clusterId: 'a-cluster-of-three',
    controllerId: 1,
    topics: Array.from({ length: topics }, (_, index) => ({
      errorCode: 0,
      name: `topic-${index}`,
      topicId,
      isInternal: false,
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
        errorCode: 0,
        partitionIndex,
        leaderId: 1,
        leaderEpoch: 7,
        replicaNodes: all,
        isrNodes: all,
        offlineReplicas: []
      })),
      topicAuthorizedOperations: -2147483648
    })),
    clusterAuthorizedOperations: -2147483648,
    errorCode: 0
  }
}

export function suite (): Suite {
  return {
    tasks: [
      ...requestTasks(Produce, 9, 'one batch', produceRequest()),
      ...responseTasks(Produce, 9, 'one partition', produceResponse()),
      ...requestTasks(Fetch, 13, '8 partitions', fetchRequest(8)),
      ...responseTasks(Metadata, 12, '20 topics of 16 partitions', metadataResponse(20, 16))
    ]
  }
}
