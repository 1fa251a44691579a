/**
 * Asks other servers for names that are not ours. Each question goes from a socket of its own, so from a random port,
 * with a random id, to one server; an answer counts only from that address, with that id and that question. How much
 * one guest has outstanding is bounded, and so is the sum.
 */
import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { answersQuestion, relayed, type Question } from './dns-message.ts'
import type { Guest } from './guest-address.ts'
import { Share } from './process.ts'
import { readFrames, frame } from './tcp-frames.ts'

const waitMs = 2000
const mostAtOnce = 2000

const shares = new Share(100)
let outstanding = 0

/** The message with a new id. */
function withId(message: Buffer, id: number): Buffer {
  const out = Buffer.from(message)
  out.writeUInt16BE(id, 0)
  return out
}

function askByUdp(server: string, message: Buffer, section: Buffer): Promise<Buffer | undefined> {
  const id = randomInt(0x10000)
  return new Promise((resolve) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4')
    const end = (answer?: Buffer): void => {
      clearTimeout(timer)
      socket.removeAllListeners().on('error', () => {})
      socket.close()
      resolve(answer)
    }
    const timer = setTimeout(() => end(), waitMs)
    socket.on('error', () => end())
    // The kernel gives a connected socket only what comes from its peer, and the errors about it.
    socket.connect(53, server, () => socket.send(withId(message, id)))
    socket.on('message', (answer) => answersQuestion(answer, id, section) && end(answer))
  })
}

function askByTcp(server: string, message: Buffer, section: Buffer): Promise<Buffer | undefined> {
  const id = randomInt(0x10000)
  return new Promise((resolve) => {
    const socket = connect({ host: server, port: 53 })
    const end = (answer?: Buffer): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(() => end(), waitMs)
    socket.on('error', () => end())
    socket.on('close', () => end())
    socket.on('connect', () => socket.write(frame(withId(message, id))))
    readFrames(socket, (answer) => answersQuestion(answer, id, section) && end(answer))
  })
}

/** What the first server that answers says; undefined: none does, or too much is outstanding. */
export async function askOthers(
  guest: Guest,
  servers: readonly string[],
  message: Buffer,
  question: Question,
  tcp: boolean,
): Promise<Buffer | undefined> {
  if (outstanding >= mostAtOnce || !shares.take(guest)) return undefined
  outstanding++
  try {
    for (const server of servers) {
      const answer = await (tcp ? askByTcp : askByUdp)(server, message, question.section)
      if (answer !== undefined) return relayed(answer, question, tcp)
    }
    return undefined
  } finally {
    outstanding--
    shares.release(guest)
  }
}
