// Which segments become one: neighbours that together stay within the sizes of one segment, so that segments
// do not get smaller and smaller.
import { relativeOffsetMax } from '../segment.ts'
import { type CompactionRules, type SourceSegment } from './plan.ts'

export function groupSegments (
  sources: readonly SourceSegment[], rules: CompactionRules
): SourceSegment[][] {
  const groups: SourceSegment[][] = []
  let group: SourceSegment[] = []
  let bytes = 0
  let offsetBytes = 0
  let timeBytes = 0
  for (const source of sources) {
    const fits = group.length > 0 &&
      bytes + source.bytes <= rules.segmentBytes &&
      offsetBytes + source.offsetIndexBytes <= rules.segmentIndexBytes &&
      timeBytes + source.timeIndexBytes <= rules.segmentIndexBytes &&
      (source.bytes === 0 || source.end - 1 - group[0].baseOffset <= relativeOffsetMax)
    if (!fits) {
      group = []
      groups.push(group)
      bytes = offsetBytes = timeBytes = 0
    }
    group.push(source)
    bytes += source.bytes
    offsetBytes += source.offsetIndexBytes
    timeBytes += source.timeIndexBytes
  }
  return groups
}
