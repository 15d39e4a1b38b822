// What a suite is: some small things to be done again and again, each with what one time of it amounts to.

export interface BenchTask {
  readonly name: string
  readonly run: () => unknown
  /** `run` returns a promise; the next run waits for it. */
  readonly async?: boolean
  /** What one run handles, when that is more telling than the run: 150 records, 16,384 bytes. */
  readonly handles?: { readonly count: number, readonly unit: 'record' | 'byte' | 'append' | 'message' }
}

export interface Suite {
  readonly tasks: readonly BenchTask[]
  /** Gives back threads and files. */
  close? (): void | Promise<void>
}
