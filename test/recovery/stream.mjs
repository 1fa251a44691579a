/**
 * Counted traffic between two guests, for tests that look for a lost packet. Run in a guest's namespace:
 *
 *     stream.mjs receive PORT           count datagrams, echo lines over TCP; on SIGTERM print what was counted
 *     stream.mjs send ADDRESS PORT      send a numbered datagram and a line every 2 ms; on SIGTERM stop, wait for the rest, and print
 *
 * Both print one line of JSON when they are ready, and one at the end.
 */
import { createSocket } from 'node:dgram'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const [role, ...rest] = process.argv.slice(2)
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`)
const stopped = new Promise((resolve) => process.once('SIGTERM', resolve))

async function receive(port) {
  const seen = new Set()
  const udp = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 })
  udp.on('message', (message) => seen.add(message.readUInt32LE(0)))
  await new Promise((resolve) => udp.bind(port, resolve))
  const server = createServer((socket) => socket.pipe(socket))
  await new Promise((resolve) => server.listen(port, resolve))
  say({ ready: true })
  await stopped
  say({ datagrams: seen.size })
  process.exit()
}

async function send(address, port) {
  const udp = createSocket('udp4')
  await new Promise((resolve) => udp.connect(port, address, resolve))
  const tcp = connect(port, address)
  await new Promise((resolve, reject) => tcp.once('connect', resolve).once('error', reject))
  const count = { datagrams: 0, lines: 0, echoed: 0, broken: '' }
  tcp.on('error', (error) => (count.broken = error.message))
  tcp.on('close', () => (count.broken ||= 'closed'))
  tcp.on('data', (data) => (count.echoed += data.toString().split('\n').length - 1))
  const state = { running: true }
  stopped.then(() => (state.running = false))
  say({ ready: true })
  while (state.running) {
    const message = Buffer.alloc(64)
    message.writeUInt32LE(count.datagrams++)
    udp.send(message)
    tcp.write(`${count.lines++}\n`)
    await sleep(2)
  }
  const end = Date.now() + 5000
  while (count.echoed < count.lines && count.broken === '' && Date.now() < end) await sleep(20)
  say(count)
  process.exit()
}

await (role === 'receive' ? receive(Number(rest[0])) : send(rest[0], Number(rest[1])))
