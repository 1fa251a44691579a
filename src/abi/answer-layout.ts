/**
 * Answers to a guest's unanswered ARP or ND question, in the layout of the original's listener. Packed: version u32
 * (0x42), kind u32, VNI u32, VLAN tag u16, MAC of the guest 6, then the target (4 or 16 bytes) and its MAC. A later
 * revision has a whole frame instead: VNI u32, VLAN tag u16, length u16, frame.
 */
import { asIp, toMapped } from '#wire/ip-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { asMac, type Mac } from '#wire/mac.ts'
import type { Codec, Decoded } from './codec.ts'

/** Who has an address. */
export interface NeighbourAnswer {
  readonly form: 'neighbour'
  readonly vni: number
  /** IPv4 as ::ffff:a.b.c.d. */
  readonly address: Ipv6
  readonly mac: Mac
}

/** A frame for the units of a VNI that have its destination. */
export interface FrameAnswer {
  readonly form: 'frame'
  readonly vni: number
  readonly vlan: number
  readonly frame: Uint8Array
}

const version = 0x42
/** Kinds of questions, a bit each. */
const kinds = { arp: 1, nd: 2 } as const
const headBytes = 20
const ethernetHeaderBytes = 14

const refused = (why: string): Decoded<never> => ({ ok: false, why })

function neighbour(input: Uint8Array, kind: keyof typeof kinds): Decoded<NeighbourAnswer> {
  const addressBytes = kind === 'arp' ? 4 : 16
  const length = headBytes + addressBytes + 6
  if (input.length !== length) return refused(`an answer to a question of ${kind} has ${length} bytes, not ${input.length}`)
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  if (view.getUint32(0, true) !== version) return refused(`version 0x${view.getUint32(0, true).toString(16)} is not 0x42`)
  if (view.getUint32(4, true) !== kinds[kind]) return refused(`kind ${view.getUint32(4, true)} is not ${kinds[kind]}, ${kind}`)
  const address = toMapped(asIp(input.slice(headBytes, headBytes + addressBytes)))
  return { ok: true, value: { form: 'neighbour', vni: view.getUint32(8, true), address, mac: asMac(input.slice(length - 6)) } }
}

function frame(input: Uint8Array): Decoded<FrameAnswer> | undefined {
  if (input.length < 8 + ethernetHeaderBytes) return undefined
  const view = new DataView(input.buffer, input.byteOffset, input.length)
  if (view.getUint16(6, true) !== input.length - 8) return undefined
  return { ok: true, value: { form: 'frame', vni: view.getUint32(0, true), vlan: view.getUint16(4, true), frame: input.slice(8) } }
}

const onlyTaken = (): never => {
  throw new Error('the original layout of an answer can be decoded, not encoded')
}

export const arpAnswer: Codec<NeighbourAnswer | FrameAnswer> = {
  shape: "the original's response (30 bytes), or VNI u32, VLAN tag u16, length u16, frame",
  encode: onlyTaken,
  decode: (input) => frame(input) ?? neighbour(input, 'arp'),
}

export const ndAnswer: Codec<NeighbourAnswer> = {
  shape: "the original's response, 42 bytes",
  encode: onlyTaken,
  decode: (input) => neighbour(input, 'nd'),
}
