// A program that embeds a broker: imports it, starts it, produces one record. Plain JavaScript, so that no
// source has to be turned into some before the clock runs; the frames come ready-made.
import { connect } from 'node:net'
import { once } from 'node:events'

const [engine, createTopic, produce, errorAt] = process.argv.slice(2)
const began = performance.now()
const { startBroker } = await import(engine)
const imported = performance.now()
const broker = await startBroker()
const started = performance.now()
const socket = connect({ port: broker.port, host: broker.host, noDelay: true })
socket.write(Buffer.from(createTopic, 'base64'))
await once(socket, 'data')
socket.write(Buffer.from(produce, 'base64'))
const [answer] = await once(socket, 'data')
const acknowledged = performance.now()
const errorCode = answer.readInt16BE(4 + Number(errorAt))
if (errorCode !== 0) throw new Error(`the produce was answered ${errorCode}`)
socket.destroy()
await broker.close()
process.stdout.write(JSON.stringify({
  importMs: imported - began, startBrokerMs: started - imported, firstAckMs: acknowledged - started
}) + '\n')
