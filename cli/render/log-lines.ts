// Log lines for a person at a terminal: time, level, message, then the fields. Files and pipes get the JSON
// as it is.

export interface LineTarget {
  write (line: string): unknown
}

const ownFields = new Set(['level', 'time', 'msg'])

export function plainLines (to: LineTarget): LineTarget {
  return { write: line => to.write(`${plainLine(line)}\n`) }
}

export function plainLine (json: string): string {
  const line = JSON.parse(json)
  const fields = Object.entries(line)
    .filter(([key]) => !ownFields.has(key))
    .map(([key, value]) => ` ${key}=${told(value)}`)
  const level = String(line.level).toUpperCase().padEnd(5)
  return `${String(line.time).slice(11, 23)} ${level} ${line.msg ?? ''}${fields.join('')}`
}

function told (value: unknown): string {
  if (typeof value === 'object' && value !== null && 'stack' in value) return String(value.stack)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
