// DeleteGroups, v0–v3. Groups without members, with all that they have committed.
//   v3  error text, which only other kinds of groups make use of
import { errorCodes } from '../protocol/errors.ts'
import { type DeleteGroups } from '../protocol/messages/42-delete-groups.ts'
import { type Handler } from './context.ts'

export const deleteGroups: Handler<typeof DeleteGroups> = async (request, { authorize, groups }) => {
  const results = [...new Set(request.groupsNames)].map(async groupId => {
    const errorCode = authorize('DELETE', { group: groupId })
      ? await groups.deleteGroup(groupId)
      : errorCodes.GROUP_AUTHORIZATION_FAILED
    return { groupId, errorCode, errorMessage: null }
  })
  return { throttleTimeMs: 0, results: await Promise.all(results) }
}
