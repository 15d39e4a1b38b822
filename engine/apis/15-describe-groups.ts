// DescribeGroups, v0–v6. State and members of classic groups. A group that nobody knows is Dead, which is
// an error only for those who know the code.
//   v3  what the client may do with the group      v4  static members      v6  GROUP_ID_NOT_FOUND, error text
import { errorCodes, errorText } from '../protocol/errors.ts'
import { type DescribeGroups, type DescribeGroupsResponse } from '../protocol/messages/15-describe-groups.ts'
import { type Handler, type Operation, type RequestContext } from './context.ts'

type Described = DescribeGroupsResponse['groups'][number]

/** Kafka's numbers of what can be allowed on a group. */
const groupOperations: readonly (readonly [Operation, number])[] = [
  ['READ', 3], ['DELETE', 6], ['DESCRIBE', 8], ['DESCRIBE_CONFIGS', 10], ['ALTER_CONFIGS', 11]
]
const notAsked = -2147483648

export const describeGroups: Handler<typeof DescribeGroups> = (request, context) => ({
  throttleTimeMs: 0,
  groups: request.groups.map(group => {
    const described = describe(group, context)
    if (request.includeAuthorizedOperations && described.errorCode === errorCodes.NONE) {
      described.authorizedOperations = allowed(group, context)
    }
    return described
  })
})

function describe (groupId: string, { authorize, groups, version }: RequestContext): Described {
  if (!authorize('DESCRIBE', { group: groupId })) {
    return empty(groupId, '', errorCodes.GROUP_AUTHORIZATION_FAILED)
  }
  const found = groups.describe(groupId)
  if (typeof found === 'number') return empty(groupId, '', found)
  if (found === undefined) {
    return empty(groupId, 'Dead', version >= 6 ? errorCodes.GROUP_ID_NOT_FOUND : errorCodes.NONE)
  }
  return {
    ...empty(groupId, found.state, errorCodes.NONE),
    protocolType: found.protocolType,
    protocolData: found.protocol,
    members: found.members
  }
}

function empty (groupId: string, groupState: string, errorCode: number): Described {
  return {
    errorCode,
    errorMessage: errorCode === errorCodes.NONE ? null : errorText(errorCode),
    groupId,
    groupState,
    protocolType: '',
    protocolData: '',
    members: [],
    authorizedOperations: notAsked
  }
}

function allowed (group: string, { authorize }: RequestContext): number {
  return groupOperations.filter(([operation]) => authorize(operation, { group }))
    .reduce((bits, [, bit]) => bits | 1 << bit, 0)
}
