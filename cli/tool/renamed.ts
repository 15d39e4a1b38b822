// Options that have a newer name: the old one still works and says so, the two together are refused.
import { type Options, type OptionSpecs, UsageError } from './options.ts'

/** Each family of Kafka's tools has its own words for it; scripts grep them. */
const words = {
  producer: (old: string, newer: string) =>
    `Warning: --${old} is deprecated and will be removed in a future version. Use --${newer} instead.`,
  consumer: (old: string, newer: string) =>
    `Option --${old} is deprecated and will be removed in a future version. Use --${newer} instead.`,
  perf: (old: string, newer: string) =>
    `Option --${old} has been deprecated and will be removed in a future version. Use --${newer} instead.`
} as const

/**
 * Of each pair [old, newer] the name that was given (the newer one if none was); prints the line for an old
 * one. Looks at all pairs before it prints.
 */
export function givenNames<S extends OptionSpecs> (
  options: Options<S>, family: keyof typeof words,
  pairs: readonly (readonly [keyof S & string, keyof S & string])[],
  print: (line: string) => void
): (keyof S & string)[] {
  for (const [old, newer] of pairs) {
    if (options.has(old) && options.has(newer)) {
      throw new UsageError(`Options --${old} and --${newer} cannot be specified together.`)
    }
  }
  return pairs.map(([old, newer]) => {
    if (!options.has(old)) return newer
    print(words[family](old, newer))
    return old
  })
}
