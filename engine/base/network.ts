// Listen and connect, bytes in, slices out. The real filling is net (later TLS); the simulator has its own.

export interface ConnectionEvents {
  /** Bytes arrived. The chunk is only valid during the call: copy what you keep. */
  data (chunk: Buffer): void
  /** All that was handed to write() so far has left the process. */
  drained (): void
  /** Called once, for whatever reason; `reason` is null after an orderly end. */
  closed (reason: Error | null): void
}

export interface Connection {
  readonly remoteAddress: string
  readonly remotePort: number
  readonly localPort: number
  /** Must be called once; no event comes before, and nothing is read. */
  start (events: ConnectionEvents): void
  /**
   * Sends the slices in order (one writev where possible). `written` is called once they have left the
   * process or the connection is closed: their memory may be reused then. Slices may lie in shared memory.
   */
  write (slices: readonly Uint8Array[], written?: () => void): void
  /**
   * Sends what the system takes at once, while nothing is pending, and returns how many bytes that were: they
   * have left. What remains is for write().
   */
  writeNow (slices: readonly Uint8Array[]): number
  /** Bytes handed to write() that have not left the process. */
  readonly pendingBytes: number
  /** Stops and restarts `data`. */
  pause (): void
  resume (): void
  /** Ends after the pending writes. */
  end (): void
  /** Ends at once. */
  destroy (): void
}

export interface Listening {
  readonly port: number
  readonly host: string
  /** Accepts no more; accepted connections live on. */
  close (): Promise<void>
}

export interface Network {
  /**
   * Rejects with an Error whose message names host and port when the address cannot be had. port 0: a free
   * one. `refused`: somebody came who could not be accepted, because too many files are open as a rule.
   */
  listen (
    address: { host: string, port: number, backlog: number },
    accepted: (connection: Connection) => void,
    refused?: (reason: Error) => void
  ): Promise<Listening>
  connect (address: { host: string, port: number, timeoutMs: number }): Promise<Connection>
}
