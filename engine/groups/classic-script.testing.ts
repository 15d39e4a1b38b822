// The language of the scripts that test classic groups: a line is an event, what follows the arrow is all
// that is answered because of it. Members have the names that the script gives them.
//
//   join m1 v3                      → m1 waits
//   wait 0                          → m1 joined generation 1, leads m1
//   sync m1 m1=all                  → m1 synced all
//
// Words after the name: an instance (i=…), protocols (p=range,roundrobin or p=range:metadata), session and
// rebalance (s=6s r=30s), a generation (g=2), the version (v3: no id first, v4 to v8: no skipped
// assignment), the id the client sends (id=…, id= for none).
import { type Step } from '../coordinator/machine.ts'
import { errorName } from '../protocol/errors.ts'
import { stepClassic } from './classic-group.ts'
import { ClassicGroup } from './classic-state.ts'
import {
  type ClassicEvent, type ClassicSettings, type JoinAnswer, type LeaveAnswer, type SyncAnswer
} from './classic-types.ts'

interface Asked { name: string, kind: string }

export class Script {
  readonly group: ClassicGroup
  /** Records wait for `written` or `not written` when the script says so. */
  #holds = false
  readonly #held: Step<ClassicEvent>[] = []
  readonly #asked = new Map<number, Asked>()
  readonly #timers = new Map<string, { atMs: number, event: ClassicEvent }>()
  /** Script name -> member id, as far as its client knows. */
  readonly #ids = new Map<string, string>()
  /** Member id -> script name. */
  readonly #names = new Map<string, string>()
  #joining = ''
  #generations = new Map<string, number>()
  #nowMs = 0
  #requests = 0
  #made = 0
  #said: string[] = []

  constructor (settings: Partial<ClassicSettings> = {}) {
    const all = {
      membersMax: 1000,
      sessionTimeoutMsMin: 6000,
      sessionTimeoutMsMax: 1_800_000,
      firstRebalanceDelayMs: 0,
      ...settings
    }
    this.group = new ClassicGroup('g', all, name => {
      const id = `${name}-${++this.#made}`
      this.#names.set(id, this.#joining)
      return id
    }, 0)
  }

  /** Plays a script; returns it as it went, for comparison with how it was written. */
  play (text: string): string {
    const lines = text.split('\n').map(line => line.trim()).filter(line => line !== '')
    return lines.map(line => {
      const event = line.split('→')[0].trim()
      this.#said = []
      this.#do(event.split(/\s+/))
      return `${event.padEnd(34)} → ${this.#said.length === 0 ? 'nothing' : this.#said.join('; ')}`
    }).join('\n')
  }

  #do ([verb, ...words]: string[]): void {
    const [name = '', ...rest] = words
    const say = new Map(rest.map(word => word.split('=') as [string, string]))
    switch (verb) {
      case 'join': return this.#event('join', name, request => this.#join(name, rest, say, request))
      case 'sync': return this.#event('sync', name, request => this.#sync(name, rest, say, request))
      case 'heartbeat': return this.#event('heartbeat', name, request => ({
        kind: 'heartbeat', request, heartbeat: { ...this.#who(name, say), generation: this.#generation(name, say) }
      }))
      case 'leave': return this.#event('leave', name, request => ({
        kind: 'leave', request, members: words.map(one => this.#leaver(one))
      }))
      case 'wait': return this.#wait(milliseconds(name))
      case 'hold': this.#holds = true; return
      case 'written': return this.#settle(0)
      case 'refused': return this.#settle(-1)
      case 'state': this.#said.push(this.#state()); return
      default: throw new Error(`no such event: ${verb}`)
    }
  }

  #event (kind: string, name: string, eventOf: (request: number) => ClassicEvent): void {
    const request = ++this.#requests
    this.#joining = name
    this.#asked.set(request, { name, kind })
    this.#carry(stepClassic(this.group, eventOf(request), this.#nowMs))
    if (this.#asked.has(request) && !this.#holds) this.#said.push(`${name} waits`)
  }

  #carry (step: Step<ClassicEvent>): void {
    for (const { key, afterMs, event } of step.timers) {
      if (event === null) this.#timers.delete(key)
      else this.#timers.set(key, { atMs: this.#nowMs + afterMs, event })
    }
    if (step.records.length === 0) return this.#release(step)
    this.#said.push('writes')
    this.#held.push(step)
    if (!this.#holds) this.#settle(0)
  }

  #release (step: Step<ClassicEvent>): void {
    for (const { request, answer } of step.replies) this.#hear(request, answer)
  }

  #settle (errorCode: number): void {
    for (const step of this.#held.splice(0)) {
      if (step.settled !== null) this.#carry(step.settled(errorCode, this.#nowMs))
      if (errorCode === 0) this.#release(step)
    }
  }

  #wait (ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers].filter(([, { atMs }]) => atMs <= untilMs)
        .sort(([, a], [, b]) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      const [key, { atMs, event }] = due
      this.#timers.delete(key)
      this.#nowMs = atMs
      this.#carry(stepClassic(this.group, event, atMs))
    }
    this.#nowMs = untilMs
  }

  #join (name: string, words: string[], say: Map<string, string>, request: number): ClassicEvent {
    const version = Number(words.find(word => /^v\d+$/.test(word))?.slice(1) ?? 9)
    const protocols = (say.get('p') ?? 'range').split(',').filter(word => word !== '').map(word => {
      const [protocol, metadata = name] = word.split(':')
      return { name: protocol, metadata: Buffer.from(metadata) }
    })
    return {
      kind: 'join',
      request,
      join: {
        memberId: say.get('id') ?? this.#ids.get(name) ?? '',
        instanceId: say.get('i') ?? null,
        clientId: name,
        clientHost: '/here',
        sessionTimeoutMs: milliseconds(say.get('s') ?? '10s'),
        rebalanceTimeoutMs: milliseconds(say.get('r') ?? '30s'),
        protocolType: say.get('type') ?? 'consumer',
        protocols,
        idRequired: version >= 4,
        mayKeepAssignment: version >= 9
      }
    }
  }

  #sync (name: string, words: string[], say: Map<string, string>, request: number): ClassicEvent {
    const assignments = words.filter(word => /^[a-z]+\d*=/.test(word) && this.#ids.has(word.split('=')[0]))
      .map(word => word.split('=')).map(([member, assignment]) => ({
        memberId: this.#ids.get(member)!, assignment: Buffer.from(assignment)
      }))
    return {
      kind: 'sync',
      request,
      sync: {
        ...this.#who(name, say),
        generation: this.#generation(name, say),
        protocolType: say.get('type') ?? null,
        protocolName: say.get('p') ?? null,
        assignments
      }
    }
  }

  #who (name: string, say: Map<string, string>) {
    return { memberId: say.get('id') ?? this.#ids.get(name) ?? name, instanceId: say.get('i') ?? null }
  }

  #leaver (word: string) {
    if (word.startsWith('i=')) return { memberId: '', instanceId: word.slice(2) }
    return { memberId: this.#ids.get(word) ?? word, instanceId: null }
  }

  #generation (name: string, say: Map<string, string>): number {
    return Number(say.get('g') ?? this.#generations.get(name) ?? -1)
  }

  #nameOf (id: string): string {
    return this.#names.get(id) ?? id
  }

  #hear (request: number, answer: unknown): void {
    const { name, kind } = this.#asked.get(request)!
    this.#asked.delete(request)
    if (kind === 'join') this.#said.push(this.#heardJoin(name, answer as JoinAnswer))
    else if (kind === 'sync') this.#said.push(`${name} ${heardSync(answer as SyncAnswer)}`)
    else if (kind === 'heartbeat') this.#said.push(`${name} ${answer === 0 ? 'lives' : errorName(answer as number)}`)
    else this.#said.push(...(answer as LeaveAnswer).members.map(one => this.#heardLeave(one)))
  }

  #heardLeave ({ memberId, groupInstanceId, errorCode }: LeaveAnswer['members'][number]): string {
    return `${this.#nameOf(memberId) || groupInstanceId} ${errorCode === 0 ? 'left' : errorName(errorCode)}`
  }

  #heardJoin (name: string, answer: JoinAnswer): string {
    if (answer.errorCode === 79) { // MEMBER_ID_REQUIRED
      this.#ids.set(name, answer.memberId)
      return `${name} has an id`
    }
    if (answer.errorCode !== 0) return `${name} ${errorName(answer.errorCode)}`
    this.#ids.set(name, answer.memberId)
    this.#generations.set(name, answer.generationId)
    const members = answer.members.map(({ memberId, metadata }) => {
      const member = this.#nameOf(memberId)
      return metadata.toString() === member ? member : `${member}:${metadata.toString()}`
    })
    const leads = members.length === 0 ? '' : `, leads ${members.join(' ')}`
    const kept = answer.skipAssignment ? ', nothing to assign' : ''
    const protocol = answer.protocolName === 'range' ? '' : ` ${answer.protocolName}`
    return `${name} joined generation ${answer.generationId}${protocol}${leads}${kept}`
  }

  #state (): string {
    const members = [...this.group.members.all()].map(({ id }) => this.#nameOf(id))
    return `${this.group.state}, generation ${this.group.generation}, ${members.join(' ') || 'nobody'}`
  }
}

function heardSync ({ errorCode, assignment }: SyncAnswer): string {
  return errorCode !== 0 ? errorName(errorCode) : `synced ${assignment.toString() || 'nothing'}`
}

function milliseconds (text: string): number {
  return text.endsWith('s') ? Number(text.slice(0, -1)) * 1000 : Number(text)
}
