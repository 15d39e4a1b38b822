// Work that may block (fsync, history reads, unlink, long validations) runs elsewhere; its completion comes
// back as a call. Real filling: a disk thread per log directory. In one thread (inline log, simulator): run
// by the pump, in order.

export interface Background {
  /** Runs `job` where it may block. Exactly one of the callbacks is called, later, on the caller's side. */
  run<T> (job: () => T, done: (value: T) => void, failed: (error: Error) => void): void
}
