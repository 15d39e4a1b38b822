// Times as Java's SimpleDateFormat writes them, as far as its numeric letters go; local time.

const parts: Readonly<Record<string, (date: Date) => number>> = {
  y: date => date.getFullYear(),
  M: date => date.getMonth() + 1,
  d: date => date.getDate(),
  H: date => date.getHours(),
  h: date => date.getHours() % 12 || 12,
  m: date => date.getMinutes(),
  s: date => date.getSeconds(),
  S: date => date.getMilliseconds()
}

/** 'text' in quotes stays as it is; so do letters that are not known here. */
export function dateText (ms: number, pattern: string): string {
  const date = new Date(ms)
  return pattern.replace(/'([^']*)'|([a-zA-Z])\2*/g, (run: string, quoted: string | undefined, letter: string) => {
    if (quoted !== undefined) return quoted === '' ? "'" : quoted
    const part = parts[letter]
    if (part === undefined) return run
    const text = String(part(date))
    return letter === 'y' && run.length === 2 ? text.slice(-2) : text.padStart(run.length, '0')
  })
}
