// CreatePartitions, v0–v3. Raises the number of partitions of topics.
import { failure } from '../catalog/topic-rules.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type CreatePartitions, type CreatePartitionsRequest, type CreatePartitionsResponse
} from '../protocol/messages/37-create-partitions.ts'
import { type Handler, type RequestContext } from './context.ts'

type Asked = CreatePartitionsRequest['topics'][number]
type Answer = CreatePartitionsResponse['results'][number]

export const createPartitions: Handler<typeof CreatePartitions> = async (request, context) => {
  const names = request.topics.map(({ name }) => name)
  const doubled = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  const single = request.topics.filter(({ name }) => !doubled.has(name))
  const results = await Promise.all(single.map(topic => grow(topic, request.validateOnly, context)))
  for (const name of doubled) results.push(answer(name, failure('INVALID_REQUEST', 'Duplicate topic name.')))
  return { throttleTimeMs: 0, results }
}

async function grow (topic: Asked, validateOnly: boolean, context: RequestContext): Promise<Answer> {
  const { name, count, assignments } = topic
  if (!context.authorize('ALTER', { topic: name })) {
    return answer(name, failure('TOPIC_AUTHORIZATION_FAILED', 'Authorization failed.'))
  }
  const replicas = assignments?.map(({ brokerIds }) => brokerIds) ?? null
  return answer(name, await context.catalog.createPartitions(name, count, replicas, validateOnly))
}

function answer (name: string, error: { errorCode: number, message: string | null } | null): Answer {
  return { name, errorCode: error?.errorCode ?? errorCodes.NONE, errorMessage: error?.message ?? null }
}
