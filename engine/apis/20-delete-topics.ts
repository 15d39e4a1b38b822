// DeleteTopics, v1–v6. Deletes topics by name, since v6 by name or id.
//   v5  message      v6  ids
// What is named twice, by whatever names, is not deleted at all: the request is not what its sender meant.
import { type CatalogError } from '../catalog/catalog.ts'
import { failure } from '../catalog/topic-rules.ts'
import { errorCodes } from '../protocol/errors.ts'
import {
  type DeleteTopics, type DeleteTopicsRequest, type DeleteTopicsResponse
} from '../protocol/messages/20-delete-topics.ts'
import { zeroUuid } from '../protocol/uuid.ts'
import { type Handler, type RequestContext } from './context.ts'

type Answer = DeleteTopicsResponse['responses'][number]
interface Asked { name: string | null, topicId: string }

export const deleteTopics: Handler<typeof DeleteTopics> = async (request, context) => {
  const asked = askedTopics(request)
  if (!context.config.boolean('delete.topic.enable')) {
    const off = failure(context.version < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED', 'Topic deletion is disabled.')
    return { throttleTimeMs: 0, responses: asked.map(({ name, topicId }) => answer(name, topicId, off)) }
  }
  const responses: Answer[] = []
  const doomed = resolve(asked, context, responses)
  for (const [topicId, name] of doomed) {
    responses.push(answer(name, topicId, await context.catalog.deleteTopic(name)))
  }
  return { throttleTimeMs: 0, responses }
}

function askedTopics ({ topicNames, topics }: DeleteTopicsRequest): Asked[] {
  return [...topicNames.map(name => ({ name, topicId: zeroUuid })), ...topics]
}

/** Names by id of what is to be deleted; what is not gets its answer here. */
function resolve (
  asked: readonly Asked[], context: RequestContext, responses: Answer[]
): Map<string, string> {
  const names = new Map<string, number>()
  const ids = new Map<string, number>()
  for (const { name, topicId } of asked) {
    if (name === null && topicId === zeroUuid) {
      responses.push(answer(null, topicId, failure('INVALID_REQUEST', 'Neither topic name nor id were specified.')))
    } else if (name !== null && topicId !== zeroUuid) {
      responses.push(answer(name, topicId, failure('INVALID_REQUEST', 'You may not specify both topic name and topic id.')))
    } else if (name !== null) {
      names.set(name, (names.get(name) ?? 0) + 1)
    } else {
      ids.set(topicId, (ids.get(topicId) ?? 0) + 1)
    }
  }
  const doomed = new Map<string, string>()
  for (const [id, count] of ids) resolveId(id, count, context, responses, doomed)
  for (const [name, count] of names) resolveName(name, count, ids, context, responses, doomed)
  return doomed
}

function resolveId (
  id: string, count: number, context: RequestContext, responses: Answer[], doomed: Map<string, string>
): void {
  const topic = context.catalog.topicById(id)
  if (count > 1) {
    responses.push(answer(null, id, failure('INVALID_REQUEST', 'Duplicate topic id.')))
  } else if (topic === undefined) {
    responses.push(answer(null, id, failure('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')))
  } else if (!context.authorize('DELETE', { topic: topic.name })) {
    const name = context.authorize('DESCRIBE', { topic: topic.name }) ? topic.name : null
    responses.push(answer(name, id, failure('TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')))
  } else {
    doomed.set(id, topic.name)
  }
}

function resolveName (
  name: string, count: number, ids: ReadonlyMap<string, number>, context: RequestContext, responses: Answer[],
  doomed: Map<string, string>
): void {
  const topic = context.catalog.topic(name)
  const refuse = (code: Parameters<typeof failure>[0], message: string, id = zeroUuid) =>
    responses.push(answer(name, id, failure(code, message)))
  if (count > 1) {
    refuse('INVALID_REQUEST', 'Duplicate topic name.')
  } else if (!context.authorize('DESCRIBE', { topic: name })) {
    refuse('TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')
  } else if (topic === undefined) {
    refuse('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
  } else if (!context.authorize('DELETE', { topic: name })) {
    refuse('TOPIC_AUTHORIZATION_FAILED', 'Topic authorization failed.')
  } else if (ids.has(topic.id)) {
    doomed.delete(topic.id)
    refuse('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.', topic.id)
  } else {
    doomed.set(topic.id, name)
  }
}

function answer (name: string | null, topicId: string, error: CatalogError | null): Answer {
  return {
    name,
    topicId,
    errorCode: error?.errorCode ?? errorCodes.NONE,
    errorMessage: error?.message ?? null
  }
}
