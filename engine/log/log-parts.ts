// What the log of a partition is made from.
import { type Disk } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { type Random } from '../base/random.ts'
import { type LogListener } from './partition-log.types.ts'
import { type Segment } from './segment.ts'
import { type LogConfig, type LogIdentity, type Offset } from './types.ts'

export interface LogParts {
  disk: Disk
  logger: Logger
  random: Random
  listener: LogListener
  identity: LogIdentity
  /** The partition's own folder. */
  folder: string
  config: LogConfig
}

/** What a log starts with: nothing, or what recovery found. */
export interface LogState {
  segments: Segment[]
  start: Offset
  end: Offset
  /** Everything below is on the device. */
  recoveryPoint: Offset
}
