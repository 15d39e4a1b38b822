// Asserts stay on in production: a broken invariant of ours ends the broker before it can damage a log.

export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

export function assert (condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}
