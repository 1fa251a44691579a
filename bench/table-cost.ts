/**
 * What the programs cost a packet with one forwarding entry and with 100 000, by BPF_PROG_TEST_RUN: no scheduler and no
 * wire take part, so this shows what a run of traffic can not. Packets hit one entry over and over, or every time
 * another one, whose memory no cache holds any more.
 */
import type { Hook } from '#datapath/hook.ts'
import type { PacketContext } from '#datapath/test-run.ts'
import { macFrom, type Mac } from '#wire/mac.ts'
import { frame, Ground } from './ground.ts'
import { entryMacs } from './peer.ts'
import { REMEMBERED } from './program-cost.ts'
import { middleMean } from './spread.ts'

export interface TableCost {
  readonly program: string
  readonly packet: string
  readonly entries: number
  /** Whether every packet is for another entry. */
  readonly spread: boolean
  /** The least of several runs' means. */
  readonly nanoseconds: number
  /** To one entry. */
  readonly ratio: number
}

const BATCHES = 12
const RUNS = 1000
/** Has no divisor in common with the number of entries, so that all of them have their turn. */
const STRIDE = 61_803

/** A ground with many entries, and the one for the next packet. */
interface Field {
  readonly ground: Ground
  readonly entries: number
  readonly spread: boolean
  readonly macs: readonly Mac[]
  turn: number
}

/** A path whose packets can be for any entry: the MAC of the other end is at `at`. */
interface Way {
  readonly program: Hook
  readonly packet: string
  readonly name: string
  readonly at: number
  readonly direct: boolean
  data(ground: Ground): Uint8Array
  context(ground: Ground): PacketContext
  to(ground: Ground): number
}

// First the packets by the vxlan device: packets take it before the programs learn the direct way.
const ways: readonly Way[] = [
  {
    program: 'unit',
    name: 'vpc_unit',
    packet: 'UDP to a VTEP, by the vxlan device',
    at: 0,
    direct: false,
    data: () => frame('a', 'far'),
    context: ({ scene }) => ({ ifindex: scene.devices.a }),
    to: ({ scene }) => scene.devices.mux,
  },
  {
    program: 'unit',
    name: 'vpc_unit',
    packet: 'UDP to a VTEP, direct',
    at: 0,
    direct: true,
    data: () => frame('a', 'far'),
    context: ({ scene }) => ({ ifindex: scene.devices.a }),
    to: ({ scene }) => scene.devices.wire,
  },
  {
    program: 'underlay',
    name: 'vpc_underlay',
    packet: 'UDP to a unit, direct',
    // Outer Ethernet, IPv4, UDP and VXLAN, and the destination inside: the sender is looked up as well.
    at: 14 + 20 + 8 + 8 + 6,
    direct: true,
    data: (ground) => ground.tunnelled(false),
    context: ({ scene }) => ({ ifindex: scene.devices.wire }),
    to: ({ scene }) => scene.devices.a,
  },
]

/** Nanoseconds of a batch of packets. Those that a path grown old sent another way do not count. */
function batch({ program, packet, at, direct, ...way }: Way, field: Field): number {
  const { ground, macs } = field
  const to = way.to(ground)
  const loop = ground.loop(program, way.data(ground), way.context(ground))
  const times: number[] = []
  const some = (): void => {
    for (let i = 0; i < REMEMBERED; i++) {
      if (field.spread) loop.packet.set(macs[(field.turn = (field.turn + STRIDE) % macs.length)]!, at)
      const nanoseconds = loop.run()
      if (loop.sentTo === to) times.push(nanoseconds)
    }
  }
  for (let done = 0; done < RUNS; done += REMEMBERED) {
    if (direct) ground.learn()
    ground.scene.netns.run(some)
  }
  if (times.length < RUNS / 2) throw new Error(`${packet}: only ${times.length} of ${RUNS} runs went the way that is measured`)
  return middleMean(times)
}

/** One way over all fields, in turn. */
function costs(way: Way, fields: readonly Field[]): TableCost[] {
  const least = fields.map(() => Number.POSITIVE_INFINITY)
  for (let i = 0; i < BATCHES; i++) for (const [j, field] of fields.entries()) least[j] = Math.min(least[j]!, batch(way, field))
  return fields.map(({ entries, spread }, i) => ({
    program: way.name,
    packet: way.packet,
    entries,
    spread,
    nanoseconds: least[i]!,
    ratio: least[i]! / least[0]!,
  }))
}

/** All ways with tables of one, 1 000 and 100 000 entries. Takes some seconds. */
export function tableCosts(): TableCost[] {
  using stack = new DisposableStack()
  const fields = [1, 1000, 100_000].flatMap((entries): Field[] => {
    const ground = stack.use(new Ground())
    const macs = entryMacs(0, entries).map((mac) => macFrom(mac))
    if (entries > 1) ground.fill(macs)
    const field = { ground, entries, macs, turn: 0 }
    return entries === 1 ? [{ ...field, spread: false }] : [false, true].map((spread) => ({ ...field, spread }))
  })
  return ways.flatMap((way) => costs(way, fields))
}

if (import.meta.main) console.table(tableCosts())
