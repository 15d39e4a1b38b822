// What others take of the machine's processors: other guests of the machine under it (stolen time), and the
// other programs on it.
import { readdirSync, readFileSync } from 'node:fs'

/** The kernel counts in hundredths of a second here, whatever its own tick is. */
const tickMs = 10

/** From now on. `own`: processes that are part of what is measured. Returns what tells how much it was. */
export function watchForeign (own: readonly number[]): () => number {
  const before = ticksOfAll(own)
  return () => {
    let ticks = 0
    // One that has ended counts with its parent.
    for (const [name, now] of ticksOfAll(own)) ticks += Math.max(0, now - (before.get(name) ?? 0))
    return ticks * tickMs
  }
}

function ticksOfAll (own: readonly number[]): Map<string, number> {
  const stolen = Number(readFileSync('/proc/stat', 'latin1').split(/\s+/, 9)[8])
  const all = new Map([['stolen', stolen]])
  for (const name of readdirSync('/proc')) {
    if (/^\d+$/.test(name) && !own.includes(Number(name))) all.set(name, ticksOf(name))
  }
  return all
}

/** With its children that have ended. None of the kernel's own threads: they may work for us. */
function ticksOf (pid: string): number {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return 0 // gone meanwhile
  }
  // The name in brackets may hold anything.
  const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ').map(Number)
  const [user, system, childrenUser, childrenSystem] = fields.slice(11, 15)
  const memoryBytes = fields[20]
  return memoryBytes === 0 ? 0 : user + system + childrenUser + childrenSystem
}
