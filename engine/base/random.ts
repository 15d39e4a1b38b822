// Chance is handed in: ids, jitter and back-off come from here, so that a seed replays them.

export interface Random {
  /** A float in [0, 1). */
  float (): number
  /** An integer in [0, bound). */
  below (bound: number): number
  bytes (count: number): Buffer
  /** A random (version 4) UUID in its textual form, lower case with hyphens. */
  uuid (): string
}
