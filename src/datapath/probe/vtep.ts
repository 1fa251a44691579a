/**
 * Tests whether VXLAN packets arrive at other hosts. The programs of a host answer an ARP or ND question from a tunnel
 * if their tables know the address and have its guest. The answer goes back through the tunnel, to the VTEP that asked.
 * So an answer shows that the underlay carries the UDP port both ways. A padded question shows it for its size, with DF
 * set. Nobody has the asker's MAC, so no guest's tables change.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { DatagramSocket } from '#kernel/datagram-socket.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { PacketCapture } from '#kernel/packet-capture.ts'
import { arpRequest } from '#wire/frames.ts'
import { echoRest, encodeIcmp, icmpType, icmpv6Type } from '#wire/icmp.ts'
import { ipFrom, isIpv4, type Ip } from '#wire/ip-address.ts'
import type { Ipv4 } from '#wire/ipv4-address.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { asMac, type Mac } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import type { Vni } from '#wire/vni.ts'
import { encodeVxlan } from '#wire/vxlan.ts'
import { readyMark } from '../layout.ts'

/** A guest that the other host should know. */
export interface Question {
  readonly vni: Vni
  readonly address: Ip
}

export interface Target {
  readonly address: Uint8Array
  readonly port: number
  readonly questions: readonly Question[]
}

export interface ProbeSetting {
  /** The address that the mux listens on. */
  readonly from: Uint8Array
  /** The mux's device, in the network namespace in which `inside` runs things. */
  readonly ifindex: number
  /** The largest packet of a guest. */
  readonly mtuBytes: number
  readonly inside: <T>(run: () => T) => T
}

/** What came of one VTEP. */
export interface VtepFacts {
  /** An answer came. */
  readonly answered: boolean
  /** The largest packet of a guest that arrives, up to the given size; 0: none. */
  readonly mtuBytes: number
  /** Error of the kernel or ICMP instead of an answer; 0: none. */
  readonly errno: number
  /** Whether the host answers ICMP; asked only when nothing else came. */
  readonly echoed: boolean
}

type Heard = { readonly question: Question } | { readonly errno: number }

const nobody = ipFrom('0.0.0.0') as Ipv4
/** A neighbour solicitation. */
const smallest = 72
const ethernetBytes = 14
const pollMs = 2
/** The kernel needs 3 s to find that nobody has an address. */
const tries = { first: { count: 3, waitMs: 300 }, search: { count: 2, waitMs: 200 }, echo: { count: 3, waitMs: 1200 } } as const
/** VTEPs that are asked at the same time. */
const atOnce = 64

/** Answers by the number in the asker's MAC. */
class Answers implements Disposable {
  readonly #prefix = randomBytes(4)
  readonly #capture: PacketCapture
  readonly #seen = new Set<number>()
  #last = 0

  constructor(ifindex: number) {
    this.#prefix[0] = 0x02
    this.#capture = new PacketCapture(ifindex, this.#prefix.readUInt32BE())
  }

  /** A MAC for the next question. Numbers come again after 65536. */
  next(): { readonly number: number; readonly mac: Mac } {
    const number = this.#last++ % 65_536
    this.#seen.delete(number)
    return { number, mac: asMac(Uint8Array.of(...this.#prefix, number >> 8, number & 0xff)) }
  }

  has(number: number): boolean {
    for (let frame = this.#capture.receive(); frame !== undefined; frame = this.#capture.receive())
      this.#seen.add((frame[4]! << 8) | frame[5]!)
    return this.#seen.has(number)
  }

  [Symbol.dispose](): void {
    this.#capture[Symbol.dispose]()
  }
}

/** Ask every VTEP. Throws KernelError when this process may not. */
export async function probeVteps(targets: readonly Target[], setting: ProbeSetting): Promise<VtepFacts[]> {
  using answers = setting.inside(() => new Answers(setting.ifindex))
  const found: VtepFacts[] = []
  for (let at = 0; at < targets.length; at += atOnce)
    found.push(...(await Promise.all(targets.slice(at, at + atOnce).map((target) => probeOne(target, setting, answers)))))
  return found
}

async function probeOne({ address, port, questions }: Target, setting: ProbeSetting, answers: Answers): Promise<VtepFacts> {
  const ends = { from: setting.from, to: address, port, mark: readyMark }
  const nothing = { answered: false, mtuBytes: 0, errno: 0, echoed: false }
  try {
    using socket = setting.inside(() => DatagramSocket.udp(ends))
    const heard = await ask(socket, answers, questions, smallest, tries.first)
    if (heard === undefined) return { ...nothing, ...(await echo(ends, setting)) }
    if ('errno' in heard) return { ...nothing, errno: heard.errno }
    return { ...nothing, answered: true, mtuBytes: await largest(socket, answers, heard.question, setting.mtuBytes) }
  } catch (error) {
    if (error instanceof KernelError && error.call === 'connect') return { ...nothing, errno: error.errno }
    throw error
  }
}

async function largest(socket: DatagramSocket, answers: Answers, question: Question, mtuBytes: number): Promise<number> {
  const passes = async (size: number, how: Tries): Promise<boolean> => {
    const heard = await ask(socket, answers, [question], size, how)
    return heard !== undefined && 'question' in heard
  }
  if (await passes(mtuBytes, tries.first)) return mtuBytes
  let [fits, tooLarge] = [smallest, mtuBytes]
  while (tooLarge - fits > 1) {
    const size = (fits + tooLarge) >> 1
    if (await passes(size, tries.search)) fits = size
    else tooLarge = size
  }
  return fits
}

interface Tries {
  readonly count: number
  readonly waitMs: number
}

/**
 * Ask questions until one is answered. Without a question, send one that nobody can answer: ICMP may still report
 * something.
 */
async function ask(
  socket: DatagramSocket,
  answers: Answers,
  questions: readonly Question[],
  bytes: number,
  { count, waitMs }: Tries,
): Promise<Heard | undefined> {
  const put = questions.length > 0 ? questions : [{ vni: 0 as Vni, address: nobody }]
  const asked = new Map<number, Question>()
  for (let i = 0; i < count; i++) {
    for (const question of put) {
      const { number, mac } = answers.next()
      asked.set(number, question)
      const failure = socket.send(encodeVxlan(question.vni, padded(questionFrame(question, mac), bytes)))
      if (failure !== 0 && failure !== errno.EAGAIN) return { errno: failure }
    }
    const deadline = performance.now() + waitMs
    while (performance.now() < deadline) {
      for (const [number, question] of asked) if (answers.has(number)) return { question }
      const said = socket.receive()
      if (typeof said === 'number' && said !== errno.EAGAIN) return { errno: said }
      await sleep(pollMs)
    }
  }
  return undefined
}

const questionFrame = ({ address }: Question, mac: Mac): Uint8Array =>
  isIpv4(address)
    ? arpRequest({ sha: mac, spa: nobody, tpa: address })
    : neighbourSolicitation({ srcMac: mac, src: linkLocal(mac), target: address })

function padded(frame: Uint8Array, bytes: number): Uint8Array {
  const long = new Uint8Array(bytes + ethernetBytes)
  long.set(frame)
  return long
}

/** Whether the host answers an ICMP echo, or the error instead. */
async function echo(
  ends: { readonly from: Uint8Array; readonly to: Uint8Array },
  { inside }: ProbeSetting,
): Promise<Pick<VtepFacts, 'echoed' | 'errno'>> {
  using socket = inside(() => DatagramSocket.icmp(ends))
  const six = ends.to.length === 16
  const id = randomBytes(2).readUInt16BE()
  const reply = six ? icmpv6Type.echoReply : icmpType.echoReply
  const isReply = (packet: Uint8Array): boolean => {
    const message = six ? packet : packet.subarray((packet[0]! & 0xf) * 4)
    return message[0] === reply && ((message[4]! << 8) | message[5]!) === id
  }
  for (let seq = 1; seq <= tries.echo.count; seq++) {
    // The kernel computes the checksum of ICMPv6.
    socket.send(encodeIcmp({ type: six ? icmpv6Type.echoRequest : icmpType.echoRequest, rest: echoRest(id, seq) }, new Uint8Array(32)))
    const deadline = performance.now() + tries.echo.waitMs
    while (performance.now() < deadline) {
      const packet = socket.receive()
      if (typeof packet !== 'number' && isReply(packet)) return { echoed: true, errno: 0 }
      if (packet === errno.EHOSTUNREACH) return { echoed: false, errno: packet }
      if (typeof packet === 'number') await sleep(pollMs)
    }
  }
  return { echoed: false, errno: 0 }
}
