// Where a thread's entry lies: beside this file when the sources run, bundled beside the bundle when dist/
// does.

export function entryUrl (name: 'worker-entry' | 'disk-entry'): string {
  const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
  return new URL(`./${name}${ending}`, import.meta.url).href
}
