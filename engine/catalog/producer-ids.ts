// Producer ids for InitProducerId: handed out of a block that the catalog has given away for good, so that no
// two producers of the cluster ever share one, across restarts and kills too.
import { type Catalog } from './catalog.ts'

export interface NewProducer {
  producerId: number
  producerEpoch: number
}

export interface ProducerIds {
  next (): Promise<NewProducer>
}

export function createProducerIds (catalog: Catalog): ProducerIds {
  let nextId = 0
  let end = 0 // ids below it are ours; nextId <= end
  let refill: Promise<void> | null = null

  async function fetchBlock (): Promise<void> {
    try {
      const block = await catalog.allocateProducerIds()
      nextId = block.first
      end = block.first + block.count
    } finally {
      refill = null
    }
  }

  return {
    async next () {
      while (nextId === end) await (refill ??= fetchBlock())
      return { producerId: nextId++, producerEpoch: 0 }
    }
  }
}
