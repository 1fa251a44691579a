/** A DNS server, as a program that takes its address: it answers each question with what its name asks for. */
export const outside = `
const at = process.argv[2] ?? '192.0.2.1'

import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
const answer = (q, tcp) => {
  const end = 12 + q.subarray(12).indexOf(0) + 5
  const big = q.includes('big') && !tcp
  const head = Buffer.from(q.subarray(0, 12)); head.writeUInt16BE(big ? 0x8380 : 0x8180, 2); head.writeUInt16BE(big ? 0 : 1, 6); head.writeUInt32BE(0, 8)
  const record = Buffer.from('c00c000100010000003c0004c6336407', 'hex')
  return Buffer.concat([head, q.subarray(12, end), ...(big ? [] : [record])])
}
const udp = createSocket('udp4')
udp.on('message', (q, from) => {
  if (q.includes('silent')) return
  const good = answer(q, false)
  if (q.includes('garbled')) {
    const end = 12 + q.subarray(12).indexOf(0) + 5
    for (let i = 0; i < end; i++) {
      if (i < 2 || i >= 12) { const other = Buffer.from(good); other[i] ^= 1 << (i % 8); other[other.length - 1] = 66; udp.send(other, from.port, from.address) }
      udp.send(good.subarray(0, i), from.port, from.address)
    }
    udp.send(Buffer.concat([good.subarray(0, 12), good]), from.port, from.address)
  }
  if (q.includes('forged')) {
    const id = Buffer.from(good); id[0] ^= 1; udp.send(id, from.port, from.address)
    const other = Buffer.from(good); other[13] ^= 1; udp.send(other, from.port, from.address)
    const forger = createSocket('udp4'); const fake = Buffer.from(good); fake[fake.length - 1] = 66
    forger.bind(5353, '192.0.2.1', () => forger.send(fake, from.port, from.address, () => { forger.close(); udp.send(good, from.port, from.address) }))
  } else udp.send(good, from.port, from.address)
})
udp.bind(53, at, () => process.stdout.write('ready'))
createServer((socket) => socket.on('data', (data) => { const a = answer(data.subarray(2), true); const l = Buffer.alloc(2); l.writeUInt16BE(a.length); socket.end(Buffer.concat([l, a])) })).listen(53, at)
`
