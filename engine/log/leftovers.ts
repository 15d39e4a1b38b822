// What a crash leaves of compaction and deletion in a partition's folder:
//
//   .deleted    was to be unlinked: goes
//   .cleaned    half of a compacted segment: goes, and with it each .swap at or above the smallest of them,
//               whose other half is missing
//   .swap       a whole compacted segment, about to replace the segments it was made of: replaces them now
import { type Disk } from '../base/disk.ts'
import { type Logger } from '../base/logger.ts'
import { leadingOffset, suffix } from './names.ts'
import { HeaderScan } from './header-scan.ts'
import { type Offset } from './types.ts'

export function settleLeftovers (disk: Disk, folder: string, logger: Logger): void {
  const names = disk.list(folder)
  const remove = (name: string) => disk.unlink(`${folder}/${name}`)
  for (const name of names) if (name.endsWith(suffix.deleted) || name.endsWith('.tmp')) remove(name)
  const cleaned = names.filter(name => name.endsWith(suffix.cleaned))
  let swaps = names.filter(name => name.endsWith(suffix.swap))
  if (cleaned.length > 0) {
    const smallest = Math.min(...cleaned.map(leadingOffset))
    swaps.filter(name => leadingOffset(name) >= smallest).forEach(remove)
    swaps = swaps.filter(name => leadingOffset(name) < smallest)
    cleaned.forEach(remove)
  }
  if (swaps.length > 0) finishSwaps(disk, folder, swaps, logger)
}

function finishSwaps (disk: Disk, folder: string, swaps: readonly string[], logger: Logger): void {
  let from = Infinity
  let to = -Infinity
  for (const name of swaps.filter(name => name.endsWith(suffix.log + suffix.swap))) {
    from = Math.min(from, leadingOffset(name))
    to = Math.max(to, endOf(disk, `${folder}/${name}`, leadingOffset(name)))
  }
  for (const name of disk.list(folder)) {
    const offset = leadingOffset(name)
    if (!name.endsWith(suffix.swap) && offset >= from && offset < to) disk.unlink(`${folder}/${name}`)
  }
  for (const name of swaps) disk.rename(`${folder}/${name}`, `${folder}/${name.slice(0, -suffix.swap.length)}`)
  logger.info({ folder, from, to }, 'an interrupted swap of compacted segments was finished')
}

function endOf (disk: Disk, path: string, base: Offset): Offset {
  const file = disk.open(path, 'read')
  const scan = new HeaderScan(disk)
  const size = disk.size(file)
  let end = base
  for (let position = 0; scan.load(file, position, size); position += scan.header.bytes) {
    end = scan.header.lastOffset + 1
  }
  disk.close(file)
  return end
}
