/**
 * Clients of DHCP and DHCPv6 for tests, written apart from src/wire: messages byte by byte, and answers taken apart
 * strictly. tcpdump says whether checksums and lengths are right.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { encodePcap } from '#wire/pcap.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom, type Ip } from '#wire/ip-address.ts'
import { broadcastMac, macFrom, type Mac } from '#wire/mac.ts'

export const gateway = macFrom('02:76:70:63:00:01')
export const gatewayLinkLocal = 'fe80::76:70ff:fe63:1'

const quad = (text: string): number[] => text.split('.').map(Number)
export type Option = readonly [code: number, ...data: number[]]
/** Options of DHCP as bytes; the end option is not added. */
export const options4 = (...options: readonly Option[]): number[] => options.flatMap(([code, ...data]) => [code, data.length, ...data])

export interface Request4 {
  readonly mac: Mac
  readonly options: readonly number[]
  readonly src?: string
  readonly dst?: string
  readonly dstMac?: Mac
  readonly ciaddr?: string
  readonly flags?: number
  /** Bytes of the fixed part to be written over. */
  readonly patch?: Readonly<Record<number, number>>
}

export const xid = [0xde, 0xad, 0xbe, 0xef]

/** A DHCP message of a client. */
export function request4(asked: Request4): Uint8Array {
  const { mac, options, src = '0.0.0.0', dst = '255.255.255.255', dstMac = broadcastMac, ciaddr = '0.0.0.0', flags = 0, patch = {} } = asked
  const fixed = new Uint8Array(240)
  fixed.set([1, 1, 6, 0, ...xid, 0, 9, flags >> 8, flags & 255, ...quad(ciaddr)])
  fixed.set(mac, 28)
  fixed.set([99, 130, 83, 99], 236)
  for (const [at, byte] of Object.entries(patch)) fixed[Number(at)] = byte
  return udpFrame(
    { srcMac: mac, dstMac, src: ipFrom(src), dst: ipFrom(dst), srcPort: 68, dstPort: 67 },
    Uint8Array.from([...fixed, ...options]),
  )
}

export interface Answer4 {
  readonly dstMac: string
  readonly src: string
  readonly dst: string
  readonly xid: number[]
  readonly flags: number
  readonly ciaddr: string
  readonly yiaddr: string
  readonly chaddr: string
  readonly options: ReadonlyMap<number, readonly number[]>
}

const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
const word = (bytes: Uint8Array, at: number): number => (bytes[at]! << 8) | bytes[at + 1]!

/** Take an answer of DHCP apart. */
export function answer4(frame: Uint8Array): Answer4 {
  correct(frame)
  assert.equal(hex(frame.subarray(6, 12)), hex(gateway))
  assert.deepEqual([word(frame, 12), frame[14], frame[23], word(frame, 34), word(frame, 36)], [0x0800, 0x45, 17, 67, 68])
  assert.deepEqual([word(frame, 16), word(frame, 38)], [frame.length - 14, frame.length - 34], 'lengths')
  const message = frame.subarray(42)
  assert.deepEqual([...message.subarray(0, 4), ...message.subarray(236, 240)], [2, 1, 6, 0, 99, 130, 83, 99])
  assert.ok(message.subarray(44, 236).every((byte) => byte === 0) && message.subarray(34, 44).every((byte) => byte === 0))
  const options = new Map<number, number[]>()
  let at = 240
  while (message[at] !== 255) {
    assert.ok(!options.has(message[at]!) && at + 2 + message[at + 1]! < message.length, `option ${message[at]}`)
    options.set(message[at]!, [...message.subarray(at + 2, at + 2 + message[at + 1]!)])
    at += 2 + message[at + 1]!
  }
  assert.ok(
    message.subarray(at + 1).every((byte) => byte === 0),
    'nothing behind the end',
  )
  const dotted = (from: number): string => message.subarray(from, from + 4).join('.')
  return {
    dstMac: hex(frame.subarray(0, 6)),
    src: frame.subarray(26, 30).join('.'),
    dst: frame.subarray(30, 34).join('.'),
    xid: [...message.subarray(4, 8)],
    flags: word(message, 10),
    ciaddr: dotted(12),
    yiaddr: dotted(16),
    chaddr: hex(message.subarray(28, 34)),
    options,
  }
}

export type Option6 = readonly [code: number, data: readonly number[]]
const pair = (value: number): number[] => [value >> 8, value & 255]
/** Options of DHCPv6 as bytes. */
export const options6 = (...options: readonly Option6[]): number[] =>
  options.flatMap(([code, data]) => [...pair(code), ...pair(data.length), ...data])

export const serverDuid = [0, 3, 0, 1, ...gateway]
export const iaid = [1, 2, 3, 4]
export const address6 = (text: string): number[] => [...ipFrom(text)]
/** An IA_NA with addresses. */
export const ia = (...addresses: readonly string[]): Option6 => [
  3,
  [...iaid, ...Array(8).fill(0), ...options6(...addresses.map((text): Option6 => [5, [...address6(text), ...Array(8).fill(0)]]))],
]

/** A DHCPv6 message of a client. */
export const request6 = (mac: Mac, src: Ip, type: number, options: readonly number[], dstMac = macFrom('33:33:00:01:00:02')): Uint8Array =>
  udpFrame({ srcMac: mac, dstMac, src, dst: ipFrom('ff02::1:2'), srcPort: 546, dstPort: 547 }, Uint8Array.from([type, 7, 8, 9, ...options]))

export interface Answer6 {
  readonly type: number
  readonly dst: number[]
  readonly options: readonly Option6[]
}

function split6(bytes: Uint8Array): Option6[] {
  const found: Option6[] = []
  for (let at = 0; at < bytes.length; at += 4 + word(bytes, at + 2)) {
    assert.ok(at + 4 + word(bytes, at + 2) <= bytes.length, `option ${word(bytes, at)} ends behind the message`)
    found.push([word(bytes, at), [...bytes.subarray(at + 4, at + 4 + word(bytes, at + 2))]])
  }
  return found
}

/** Take an answer of DHCPv6 apart. */
export function answer6(frame: Uint8Array): Answer6 {
  correct(frame)
  assert.equal(hex(frame.subarray(6, 12)), hex(gateway))
  assert.deepEqual([...frame.subarray(22, 38)], address6(gatewayLinkLocal))
  assert.deepEqual([word(frame, 12), frame[20], word(frame, 54), word(frame, 56)], [0x86dd, 17, 547, 546])
  assert.deepEqual([word(frame, 18), word(frame, 58)], [frame.length - 54, frame.length - 54], 'lengths')
  const message = frame.subarray(62)
  assert.deepEqual([...message.subarray(1, 4)], [7, 8, 9])
  return { type: message[0]!, dst: [...frame.subarray(38, 54)], options: split6(message.subarray(4)) }
}

/** The addresses of an IA_NA with their valid lifetimes. */
export function addressesOf([code, data]: Option6): [text: string, valid: number][] {
  assert.equal(code, 3)
  assert.deepEqual(data.slice(0, 4), iaid)
  return split6(Uint8Array.from(data.slice(12))).map(([inner, body]) => {
    assert.deepEqual([inner, body.length], [5, 24])
    return [body.slice(0, 16).join(' '), Buffer.from(body).readUInt32BE(20)]
  })
}

/** What tcpdump says of a frame; it must have nothing to complain of. */
export function correct(frame: Uint8Array): string {
  const { stdout, stderr, status } = spawnSync('tcpdump', ['-nn', '-e', '-t', '-vvv', '-r', '-'], {
    input: encodePcap([{ data: frame }]),
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  const text = stdout.replaceAll(/\s+/g, ' ')
  assert.match(text, /sum ok/)
  assert.doesNotMatch(text, /bad|incorrect|invalid|truncated|wrong|\[\|/i, text)
  return text
}
