// Objects between threads, taken when a ring record says that they are there.
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import { type Channel } from './commands.ts'

export function portChannel<In, Out> (port: MessagePort): Channel<In, Out> {
  return {
    send (object) { port.postMessage(object) },
    receive () { return receiveMessageOnPort(port)?.message }
  }
}
