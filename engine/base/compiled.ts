// Node's cache of compiled code, where it is turned on in this process (module.enableCompileCache).
import { flushCompileCache, getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'

/** For a thread that shall use the same cache; undefined when there is none. */
export function threadEnvironment (): NodeJS.ProcessEnv | undefined {
  const folder = getCompileCacheDir()
  return folder === undefined ? undefined : { ...process.env, NODE_COMPILE_CACHE: dirname(folder) }
}

/** Writes what this thread has compiled, if anything is new. Else that is done at its end, which may be a
 *  kill. */
export function keepCompiled (): void {
  flushCompileCache()
}
