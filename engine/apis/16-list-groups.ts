// ListGroups, v0–v5. The groups that this broker coordinates. Filters do not mind upper and lower case.
//   v4  states      v5  types
import { errorCodes } from '../protocol/errors.ts'
import { type ListGroups } from '../protocol/messages/16-list-groups.ts'
import { type Handler } from './context.ts'

export const listGroups: Handler<typeof ListGroups> = (request, { authorize, groups }) => {
  const found = groups.list()
  if (typeof found === 'number') return { throttleTimeMs: 0, errorCode: found, groups: [] }
  const states = lowerCase(request.statesFilter)
  const types = lowerCase(request.typesFilter)
  const everything = authorize('DESCRIBE', { cluster: true })
  const listed = found.filter(({ groupId, state, type }) =>
    (states.size === 0 || states.has(state.toLowerCase())) && (types.size === 0 || types.has(type)) &&
    (everything || authorize('DESCRIBE', { group: groupId })))
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    groups: listed.map(({ groupId, protocolType, state, type }) =>
      ({ groupId, protocolType, groupState: state, groupType: type }))
  }
}

function lowerCase (words: readonly string[]): Set<string> {
  return new Set(words.map(word => word.toLowerCase()))
}
