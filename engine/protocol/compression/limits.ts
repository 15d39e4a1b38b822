// What a codec is told when it packs.

export interface PackLimits {
  /** For the codecs that have levels (gzip, zstd), by their own scales. */
  readonly level?: number
  /** The most that may come out. */
  readonly bytesMax?: number
}
