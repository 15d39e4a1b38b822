// The other end of the hop: answers every record of its ring, and sleeps where a log worker does.

import { parentPort, workerData } from 'node:worker_threads'
import { Doorbell, Wake } from '../../engine/threads/doorbell.ts'
import { RingReader, RingWriter } from '../../engine/threads/ring.ts'
import type { HopSetup } from './thread-hop.ts'

const setup = workerData as HopSetup
const requests = new RingReader(setup.requests)
const replies = new RingWriter(setup.replies)
const doorbell = new Doorbell(setup.doorbell)
const wake = new Wake(setup.wake)

for (;;) {
  let answered = 0
  while (requests.filled()) {
    replies.words[replies.next()] = requests.words[requests.next()]
    replies.publish()
    requests.advance()
    answered++
  }
  requests.commit()
  if (answered > 0 && wake.needed()) parentPort?.postMessage(null)
  doorbell.sleep(() => !requests.filled(), 1000)
}
