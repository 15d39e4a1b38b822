// Classic groups as stories: see classic-script.testing.ts for the words.
import { describe, expect, it } from 'vitest'
import { Script } from './classic-script.testing.ts'
import { type ClassicSettings } from './classic-types.ts'

/** A story is right when playing it writes it down again. */
function story (name: string, text: string, settings: Partial<ClassicSettings> = {}): void {
  it(name, () => {
    const lines = text.split('\n').map(line => line.trim()).filter(line => line !== '')
    const tidy = lines.map(line => line.split('→').map(part => part.trim()))
      .map(([event, answer]) => `${event.padEnd(34)} → ${answer}`).join('\n')
    expect(new Script(settings).play(text)).toBe(tidy)
  })
}

const twoMembers = `
  join m1                            → m1 has an id
  join m1                            → m1 waits
  wait 0                             → m1 joined generation 1, leads m1
  sync m1 m1=all                     → writes; m1 synced all
  join m2                            → m2 has an id
  join m2                            → m2 waits
  heartbeat m1                       → m1 REBALANCE_IN_PROGRESS
  join m1                            → m1 joined generation 2, leads m1 m2; m2 joined generation 2
  sync m2                            → m2 waits
  sync m1 m1=half1 m2=half2          → writes; m1 synced half1; m2 synced half2
  state                              → Stable, generation 2, m1 m2
`

describe('joining', () => {
  story('two members, one after the other', twoMembers)

  story('before version 4 nobody is given an id first', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
  `)

  story('a new group waits for more members, and longer when they come', `
    join m1 v3                         → m1 waits
    wait 2s                            → nothing
    join m2 v3                         → m2 waits
    wait 2s                            → nothing
    wait 2s                            → m1 joined generation 1, leads m1 m2; m2 joined generation 1
  `, { firstRebalanceDelayMs: 3000 })

  story('an unknown id is refused', `${twoMembers}
    join m3 id=stranger                → m3 UNKNOWN_MEMBER_ID
  `)

  story('the protocol that all know and most prefer', `
    join m1 v3 p=a:1a,b:1b             → m1 waits
    wait 0                             → m1 joined generation 1 a, leads m1:1a
    join m2 v3 p=b:2b,c:2c             → m2 waits
    join m1 p=a:1a,b:1b                → m1 joined generation 2 b, leads m1:1b m2:2b; m2 joined generation 2 b
    join m3 v3 p=c                     → m3 INCONSISTENT_GROUP_PROTOCOL
    join m3 v3 p=b type=connect        → m3 INCONSISTENT_GROUP_PROTOCOL
  `)

  story('no protocol, or none of a type, is no way into an empty group', `
    join m1 v3 p=                      → m1 INCONSISTENT_GROUP_PROTOCOL
    join m1 v3 type=                   → m1 INCONSISTENT_GROUP_PROTOCOL
  `)

  story('a follower that joins again unchanged disturbs nobody, the leader starts a rebalance', `${twoMembers}
    join m2                            → m2 joined generation 2
    join m1                            → m1 waits
    heartbeat m2                       → m2 REBALANCE_IN_PROGRESS
    join m2                            → m1 joined generation 3, leads m1 m2; m2 joined generation 3
  `)

  story('a follower with other topics starts a rebalance', `${twoMembers}
    join m2 p=range:more               → m2 waits
    join m1                            → m1 joined generation 3, leads m1 m2:more; m2 joined generation 3
  `)

  story('who missed the answer to its join gets it again', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    join m1                            → m1 joined generation 1, leads m1
  `)

  story('a full group takes nobody, and counts who has joined while it rebalances', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    join m2 v3                         → m2 GROUP_MAX_SIZE_REACHED
    sync m1 m1=all                     → writes; m1 synced all
    join m2 v3                         → m2 GROUP_MAX_SIZE_REACHED
    heartbeat m1                       → m1 lives
  `, { membersMax: 1 })

  story('a second join of the same member answers the first: its connection is gone', `${twoMembers}
    join m1                            → m1 waits
    join m1                            → m1 REBALANCE_IN_PROGRESS; m1 waits
  `)
})

describe('time', () => {
  story('a member that is silent for its session is out, and the group is empty', `
    join m1 v3 s=6s                    → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    sync m1 m1=all                     → writes; m1 synced all
    wait 5s                            → nothing
    heartbeat m1                       → m1 lives
    wait 5s                            → nothing
    wait 1s                            → writes
    state                              → Empty, generation 2, nobody
    heartbeat m1                       → m1 UNKNOWN_MEMBER_ID
    join m2 v3                         → m2 waits
    wait 0                             → m2 joined generation 3, leads m2
  `)

  story('who does not join in time is left behind', `${twoMembers}
    join m3 v3                         → m3 waits
    join m1                            → m1 waits
    wait 9s                            → nothing
    heartbeat m2                       → m2 REBALANCE_IN_PROGRESS
    wait 9s                            → nothing
    heartbeat m2                       → m2 REBALANCE_IN_PROGRESS
    wait 9s                            → nothing
    heartbeat m2                       → m2 REBALANCE_IN_PROGRESS
    wait 3s                            → m1 joined generation 3, leads m1 m3; m3 joined generation 3
  `)

  story('members that wait for a join need no heartbeats', `${twoMembers}
    join m1 r=60s                      → m1 waits
    wait 10s                           → m1 joined generation 3, leads m1
  `)

  story('an id that is never used holds up a rebalance for its session only', `${twoMembers}
    join m3                            → m3 has an id
    join m1                            → m1 waits
    join m2                            → m2 waits
    wait 10s                           → m1 joined generation 3, leads m1 m2; m2 joined generation 3
  `)

  story('who does not sync in time is out', `
    join m1 v3 s=60s                   → m1 waits
    join m2 v3 s=60s                   → m2 waits
    wait 0                             → m1 joined generation 1, leads m1 m2; m2 joined generation 1
    sync m1 m1=a m2=b                  → writes; m1 synced a
    wait 30s                           → nothing
    heartbeat m1                       → m1 REBALANCE_IN_PROGRESS
    heartbeat m2                       → m2 UNKNOWN_MEMBER_ID
  `)

  story('a leader that does not sync holds nobody for ever', `
    join m1 v3 s=60s                   → m1 waits
    join m2 v3 s=60s                   → m2 waits
    wait 0                             → m1 joined generation 1, leads m1 m2; m2 joined generation 1
    sync m2                            → m2 waits
    wait 30s                           → m2 REBALANCE_IN_PROGRESS
    join m2                            → m2 joined generation 2, leads m2
  `)

  story('a new member whose client is gone is out after five minutes', `
    join m1 v3 i=a r=10s s=400s        → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    sync m1 i=a m1=x                   → writes; m1 synced x
    join m2 v3 r=600s                  → m2 waits
    wait 299s                          → nothing
    wait 1s                            → m2 UNKNOWN_MEMBER_ID
  `)
})

describe('syncing', () => {
  story('again, and without assignments, gives the same', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    sync m1 m1=first                   → writes; m1 synced first
    sync m1 m1=second                  → m1 synced first
    sync m1                            → m1 synced first
  `)

  story('who is forgotten by the leader gets nothing', `
    join m1 v3                         → m1 waits
    join m2 v3                         → m2 waits
    wait 0                             → m1 joined generation 1, leads m1 m2; m2 joined generation 1
    sync m2                            → m2 waits
    sync m1 m1=me                      → writes; m1 synced me; m2 synced nothing
  `)

  story('in another generation, protocol or state', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    sync m1 g=0 m1=x                   → m1 ILLEGAL_GENERATION
    sync m1 g=2 m1=x                   → m1 ILLEGAL_GENERATION
    sync m1 p=other m1=x               → m1 INCONSISTENT_GROUP_PROTOCOL
    sync m1 type=connect m1=x          → m1 INCONSISTENT_GROUP_PROTOCOL
    sync stranger g=1                  → stranger UNKNOWN_MEMBER_ID
    join m2 v3                         → m2 waits
    sync m1 m1=late                    → m1 REBALANCE_IN_PROGRESS
  `)

  story('nobody gets an assignment before it is stored', `
    join m1 v3                         → m1 waits
    join m2 v3                         → m2 waits
    wait 0                             → m1 joined generation 1, leads m1 m2; m2 joined generation 1
    sync m2                            → m2 waits
    hold                               → nothing
    sync m1 m1=a m2=b                  → writes
    state                              → CompletingRebalance, generation 1, m1 m2
    written                            → m1 synced a; m2 synced b
    state                              → Stable, generation 1, m1 m2
  `)

  story('an assignment that cannot be stored is taken back', `
    join m1 v3                         → m1 waits
    join m2 v3                         → m2 waits
    wait 0                             → m1 joined generation 1, leads m1 m2; m2 joined generation 1
    sync m2                            → m2 waits
    hold                               → nothing
    sync m1 m1=a m2=b                  → writes
    refused                            → m1 UNKNOWN_SERVER_ERROR; m2 UNKNOWN_SERVER_ERROR
    state                              → PreparingRebalance, generation 1, m1 m2
  `)

  story('a rebalance that begins while the assignment is being stored wins', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    hold                               → nothing
    sync m1 m1=a                       → writes
    join m2 v3                         → m1 REBALANCE_IN_PROGRESS
    written                            → nothing
    state                              → PreparingRebalance, generation 1, m1 m2
  `)
})

describe('leaving', () => {
  story('one leaves, the other hears of it', `${twoMembers}
    leave m2                           → m2 left
    heartbeat m1                       → m1 REBALANCE_IN_PROGRESS
    join m1                            → m1 joined generation 3, leads m1
  `)

  story('several and a stranger', `${twoMembers}
    leave m1 stranger m2               → writes; m1 left; stranger UNKNOWN_MEMBER_ID; m2 left
    state                              → Empty, generation 3, nobody
  `)

  story('the generation rises by two over empty', `
    join m1 v3                         → m1 waits
    wait 0                             → m1 joined generation 1, leads m1
    leave m1                           → writes; m1 left
    join m2 v3                         → m2 waits
    wait 0                             → m2 joined generation 3, leads m2
  `)

  story('a leader that leaves is followed by another', `${twoMembers}
    leave m1                           → m1 left
    join m2                            → m2 joined generation 3, leads m2
  `)

  story('an id that was given and not used can be given back', `
    join m1                            → m1 has an id
    leave m1                           → m1 left
    join m1                            → m1 UNKNOWN_MEMBER_ID
  `)

  story('the last to be waited for leaves', `${twoMembers}
    join m3 v3                         → m3 waits
    join m1                            → m1 waits
    leave m2                           → m1 joined generation 3, leads m1 m3; m3 joined generation 3; m2 left
  `)
})

describe('static members', () => {
  const alone = `
    join old i=a                       → old waits
    wait 0                             → old joined generation 1, leads old
    sync old i=a old=mine              → writes; old synced mine
  `

  story('one returns under a new id, nothing is assigned anew', `${alone}
    join new i=a p=range:old           → writes; new joined generation 1, leads new:old, nothing to assign
    sync new i=a                       → new synced mine
    heartbeat old i=a                  → old FENCED_INSTANCE_ID
    sync old i=a                       → old FENCED_INSTANCE_ID
    heartbeat new i=a                  → new lives
    state                              → Stable, generation 1, new
  `)

  story('before version 9 it is told that another leads, so it does not assign', `${alone}
    join new i=a v8                    → writes; new joined generation 1
    sync new i=a                       → new synced mine
  `)

  story('its place is given back when the return cannot be stored', `${alone}
    hold                               → nothing
    join new i=a                       → writes
    refused                            → new UNKNOWN_SERVER_ERROR
    heartbeat old i=a                  → old lives
  `)

  story('one that returns and prefers another protocol rebalances', `
    join old i=a p=range,other         → old waits
    wait 0                             → old joined generation 1, leads old
    sync old i=a old=mine              → writes; old synced mine
    join new i=a p=other,range         → new joined generation 2 other, leads new
  `)

  story('leaves by its instance alone, not under a wrong id', `${alone}
    leave i=b                          → b UNKNOWN_MEMBER_ID
    leave i=a                          → writes; a left
    state                              → Empty, generation 2, nobody
  `)

  story('a twin that waits is fenced when another takes its place', `
    join one i=a                       → one waits
    join two i=a                       → one FENCED_INSTANCE_ID; two waits
    wait 0                             → two joined generation 1, leads two
  `)

  story('a rebalance does not put out static members that are slow', `${alone}
    join m2 v3 r=10s                   → m2 waits
    heartbeat old i=a                  → old REBALANCE_IN_PROGRESS
    wait 9s                            → nothing
    heartbeat old i=a                  → old REBALANCE_IN_PROGRESS
    wait 9s                            → nothing
    heartbeat old i=a                  → old REBALANCE_IN_PROGRESS
    wait 9s                            → nothing
    heartbeat old i=a                  → old REBALANCE_IN_PROGRESS
    wait 3s                            → m2 joined generation 2, leads old m2
    state                              → CompletingRebalance, generation 2, old m2
  `)

  story('one returns while the leader assigns: they rebalance', `
    join one i=a                       → one waits
    join two i=b                       → two waits
    wait 0                             → one joined generation 1, leads one two; two joined generation 1
    join again i=b                     → again waits
    sync one i=a one=x                 → one REBALANCE_IN_PROGRESS
    join one i=a                       → one joined generation 2, leads one again; again joined generation 2
  `)
})
