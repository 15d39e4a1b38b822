// How many files and sockets this process may have open.
import { readFileSync } from 'node:fs'

/** The soft limit, which Node raises to the hard one when it starts; null where the system does not tell. */
export function openFilesMax (): number | null {
  if (process.platform === 'win32') return null
  const soft = process.platform === 'linux' ? fromProc() : fromReport()
  return soft === null ? null : Number.isFinite(soft) ? soft : null
}

function fromProc (): number | null {
  try {
    const line = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))
    return line === null ? null : Number(line[1])
  } catch {
    return null
  }
}

function fromReport (): number | null {
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : null
}
