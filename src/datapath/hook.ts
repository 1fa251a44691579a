/** The hooks of the datapath's programs: which program of which object, on which side of a device. */
import type { TcxDirection } from '#kernel/bpf-link.ts'

interface HookProgram {
  readonly object: string
  readonly program: string
  readonly direction: TcxDirection
}

export const hooks = {
  /** Switch side of a unit: frames from it. */
  unit: { object: 'unit', program: 'vpc_unit', direction: 'ingress' },
  /** Switch side of a unit: frames to it. Devices of a room have it on both sides. */
  'unit-egress': { object: 'unit', program: 'vpc_unit_out', direction: 'egress' },
  /** Device of a mux: decapsulated frames. */
  mux: { object: 'mux', program: 'vpc_mux', direction: 'ingress' },
  /** Wrapped interface: frames from the wire. */
  ethlink: { object: 'ethlink', program: 'vpc_ethlink', direction: 'ingress' },
  /** Underlay's interface: encapsulated packets as they come in. */
  underlay: { object: 'underlay', program: 'vpc_underlay', direction: 'ingress' },
  /** Wrapped interface whose wire has public addresses: packets from the wire. */
  wire: { object: 'wire', program: 'vpc_wire', direction: 'ingress' },
  /** The host's end of the veth into the namespace of services: answers to guests. */
  service: { object: 'service', program: 'vpc_service', direction: 'ingress' },
  /** Mirror of a switch or ethlink: what a sniffer has seen. */
  mirror: { object: 'mirror', program: 'vpc_mirror', direction: 'ingress' },
  /** Underlay's interface: encapsulated packets on their way out. */
  'ethlink-egress': { object: 'ethlink', program: 'vpc_ethlink_out', direction: 'egress' },
} as const satisfies Record<string, HookProgram>

/** The program that has no pin: see Datapath.guard. */
export const guardHook = 'unit-egress'

export type Hook = keyof typeof hooks

/** The objects that have all of them, and those whose programs vpcd runs itself. */
export const objectNames: readonly string[] = [...new Set(Object.values(hooks).map(({ object }) => object)), 'flows', 'nat']
