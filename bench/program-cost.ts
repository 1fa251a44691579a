/** What the programs cost a packet, by BPF_PROG_TEST_RUN: the real programs with real tables, no wire. */
import { hooks, type Hook } from '#datapath/hook.ts'
import type { PacketContext } from '#datapath/test-run.ts'
import { frame, Ground, routedFrame } from './ground.ts'

export interface ProgramCost {
  readonly program: string
  readonly packet: string
  /**
   * Median of single runs. The clock is part of it: for a program that passes the packet on at once, nearly all of it.
   */
  readonly nanoseconds: number
}

const RUNS = 3000
/** Paths and VTEPs that the programs have learned are good for this many runs at least. */
export const REMEMBERED = 100

/** A packet of a program. */
export interface Case {
  readonly program: Hook | 'mux-trace'
  readonly packet: string
  readonly data: Uint8Array
  readonly context: PacketContext
  /** The device that it must be sent to, so that the time is that of the named path. */
  readonly to: number | undefined
  readonly direct?: boolean
}

/** The packets that each program sees most. */
export function cases(ground: Ground): Case[] {
  const { tunnelMark } = ground
  const { a, b, wire, mux } = ground.scene.devices
  const [tunnelled, own] = [ground.tunnelled(false), ground.own()]
  return [
    { program: 'unit', packet: 'UDP to a unit of this host', data: frame('a', 'b'), context: { ifindex: a }, to: b },
    { program: 'unit', packet: 'UDP to a VTEP, by the vxlan device', data: frame('a', 'far'), context: { ifindex: a }, to: mux },
    { program: 'unit', packet: 'UDP to a VTEP, direct', data: frame('a', 'far'), context: { ifindex: a }, to: wire, direct: true },
    { program: 'unit', packet: 'UDP routed to a unit of this host', data: routedFrame('a', 'b'), context: { ifindex: a }, to: b },
    {
      program: 'unit',
      packet: 'UDP routed to a VTEP, direct',
      data: routedFrame('a', 'far'),
      context: { ifindex: a },
      to: wire,
      direct: true,
    },
    { program: 'ethlink-egress', packet: "the host's own", data: own, context: { ifindex: wire }, to: undefined },
    { program: 'underlay', packet: "the host's own TCP", data: own, context: { ifindex: wire }, to: undefined },
    { program: 'underlay', packet: 'UDP to a unit, direct', data: tunnelled, context: { ifindex: wire }, to: a, direct: true },
    { program: 'mux-trace', packet: 'UDP to a unit, from the vxlan device', data: frame('far', 'a'), context: tunnelMark, to: a },
  ]
}

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!

function cost(ground: Ground, { program, packet, data, context, to, direct = false }: Case): ProgramCost {
  const of = program === 'mux-trace' ? ground.muxTrace : program
  const times: number[] = []
  for (let i = 0; i < RUNS; i++) {
    if (direct && i % REMEMBERED === 0) ground.learn()
    const result = ground.run(of, data, context)
    // A path that expired meanwhile sends the packet the other way.
    if (result.to === to || !direct) times.push(result.nanoseconds)
    if (result.to !== to && !direct) throw new Error(`${packet}: sent to ${result.to}, not ${to}`)
  }
  if (times.length < RUNS / 2) throw new Error(`${packet}: only ${times.length} of ${RUNS} runs went the way that is measured`)
  return { program: program === 'mux-trace' ? 'vpc_mux' : hooks[program].program, packet, nanoseconds: median(times) }
}

/** All programs with the packets that they see most. Takes a second or two. */
export function programCosts(): ProgramCost[] {
  using ground = new Ground()
  return cases(ground).map((one) => cost(ground, one))
}

if (import.meta.main) for (const { program, packet, nanoseconds } of programCosts()) console.log(program, packet, nanoseconds)
