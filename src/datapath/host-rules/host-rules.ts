/**
 * Finds what on this host must see each packet of a mux, and would miss those on the direct ways: nftables, the old
 * iptables, tc filters and foreign programs on the interface, IPsec policies. It asks the kernel, and follows changes.
 */
import { chainOf } from '../chain.ts'
import { hooks } from '../hook.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { nftablesGroup, nftRuleset, type NftRuleset } from '#kernel/nftables.ts'
import type { NetlinkMessage } from '#kernel/netlink-message.ts'
import { netlinkFamily, NetlinkSocket } from '#kernel/netlink-socket.ts'
import { onReadable } from '#kernel/readiness.ts'
import { ingressFilters } from '#kernel/tc-filter.ts'
import { tellsOfLostGuard, xfrmPolicies, xfrmPolicyGroup, type XfrmPolicy } from '#kernel/xfrm-policy.ts'
import { xtablesTables, type XtablesTable } from '#kernel/xtables.ts'
import { judgeNft } from './nft-judge.ts'
import type { TunnelPackets } from './tunnel-packet.ts'

/** Why packets must not bypass the host's stack, in words, by direction. None: they may. */
export interface Objections {
  readonly out: readonly string[]
  readonly in: readonly string[]
}

/** A mux's packets. */
export interface Asked {
  readonly device: string
  readonly ifindex: number
  readonly address: Uint8Array
  /** The mux's own port, and those of VTEPs that have others. */
  readonly port: number
  readonly vtepPorts: readonly number[]
}

/** The kernel's answers, once for all muxes. */
export interface Ruleset {
  readonly nft: NftRuleset
  readonly xtables: readonly XtablesTable[]
  readonly policies: readonly XfrmPolicy[]
}

export const readRuleset = (): Ruleset => ({ nft: nftRuleset(), xtables: xtablesTables(), policies: xfrmPolicies() })

/** What closes the direct ways of a mux. */
export function objectionsTo({ nft, xtables, policies }: Ruleset, asked: Asked): Objections {
  const packets = { device: asked.device, address: asked.address }
  const out: TunnelPackets = { ...packets, direction: 'out', ports: [...new Set([asked.port, ...asked.vtepPorts])] }
  const into: TunnelPackets = { ...packets, direction: 'in', ports: [asked.port] }
  const shared = (direction: TunnelPackets): string[] => [
    ...judgeNft(nft, direction),
    ...judgeXtables(xtables, direction.direction),
    ...judgePolicies(policies, direction),
  ]
  return { out: shared(out), in: [...shared(into), ...judgeInterface(asked.ifindex)] }
}

const hookNames: Readonly<Record<number, string>> = { 0: 'PREROUTING', 1: 'INPUT', 3: 'OUTPUT', 4: 'POSTROUTING' }
const xtablesHooks = { out: [3, 4], in: [0, 1] } as const

/** Each rule of the old iptables counts packets, so any may have to see them. */
function judgeXtables(tables: readonly XtablesTable[], direction: 'out' | 'in'): string[] {
  return tables.flatMap(({ name, hooks: has }) =>
    xtablesHooks[direction].filter((hook) => has.includes(hook)).map((hook) => `iptables: table ${name} has rules in ${hookNames[hook]}`),
  )
}

const IPPROTO_UDP = 17

function judgePolicies(policies: readonly XfrmPolicy[], { direction, address, ports }: TunnelPackets): string[] {
  const concerns = policies.some((policy) => {
    if (policy.direction !== direction || policy.family === 6 || (policy.proto !== 0 && policy.proto !== IPPROTO_UDP)) return false
    if (!ports.some((port) => ((port ^ policy.port) & policy.portMask) === 0)) return false
    const [prefix, length] = direction === 'out' ? [policy.source, policy.sourceLength] : [policy.destination, policy.destinationLength]
    return isWithin(address, prefix, length)
  })
  return concerns ? ['IPsec: a policy may apply'] : []
}

function isWithin(address: Uint8Array, prefix: Uint8Array, length: number): boolean {
  return address.every((byte, i) => {
    const bits = Math.max(0, Math.min(8, length - i * 8))
    return ((byte ^ prefix[i]!) & (0xff00 >> bits) & 0xff) === 0
  })
}

/** On the interface itself: programs and filters after our program, which would miss the packets that it takes. */
function judgeInterface(ifindex: number): string[] {
  const socket = NetlinkSocket.open()
  try {
    const filters = ingressFilters(socket, ifindex).map((kind) => `tc: a filter (${kind}) on the ingress of the interface`)
    const chain = chainOf(ifindex, 'ingress')
    const ours = chain.findIndex(({ name }) => name === hooks.underlay.program)
    const behind = ours < 0 ? [] : chain.slice(ours + 1).filter(({ ours: own }) => !own)
    return [...filters, ...behind.map(({ name, progId }) => `tcx: program ${name || progId} on the ingress of the interface, behind ours`)]
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.ENODEV) return []
    throw error
  } finally {
    socket.close()
  }
}

const RTNLGRP = { TC: 4, IPV4_IFADDR: 5, IPV4_ROUTE: 7, IPV6_IFADDR: 9, IPV6_ROUTE: 11 } as const

/**
 * Which part of the host has changed. `rules`: what objectionsTo asks for; `guards`: of these, policies that keep
 * packets from passing in plain may be gone; `routes`: addresses and routes.
 */
export type HostChange = 'rules' | 'guards' | 'routes'

/**
 * Call back when the kernel notifies of a change. It does not for the old iptables and for programs by tcx. The result
 * ends it.
 */
export function followHost(callback: (what: HostChange) => void): () => void {
  const stack = new DisposableStack()
  const follow = (family: number, groups: readonly number[], whatOf: (found: Found) => HostChange): void => {
    let socket: NetlinkSocket
    try {
      socket = NetlinkSocket.open({ family, groups })
    } catch (error) {
      // A kernel without that family has no such rules.
      if (error instanceof KernelError) return
      throw error
    }
    stack.defer(() => socket.close())
    stack.use(
      onReadable(socket.fd, () => {
        const found = drain(socket)
        if (found.lost || found.messages.length > 0) callback(whatOf(found))
      }),
    )
  }
  const { TC, IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE } = RTNLGRP
  follow(netlinkFamily.NETFILTER, [nftablesGroup], () => 'rules')
  follow(netlinkFamily.XFRM, [xfrmPolicyGroup], ({ lost, messages }) => (lost || messages.some(tellsOfLostGuard) ? 'guards' : 'rules'))
  follow(netlinkFamily.ROUTE, [TC], () => 'rules')
  follow(netlinkFamily.ROUTE, [IPV4_IFADDR, IPV4_ROUTE, IPV6_IFADDR, IPV6_ROUTE], () => 'routes')
  return () => stack.dispose()
}

/** Notifications that waited; `lost`: there were more than the socket has room for. */
interface Found {
  readonly messages: readonly NetlinkMessage[]
  readonly lost: boolean
}

/** Takes what waits. The caller asks for the new state. */
function drain(socket: NetlinkSocket): Found {
  const messages: NetlinkMessage[] = []
  let lost = false
  for (;;) {
    try {
      const some = socket.receiveWaiting()
      if (some.length === 0) return { messages, lost }
      messages.push(...some)
    } catch (error) {
      if (!(error instanceof KernelError && error.errno === errno.ENOBUFS)) throw error
      lost = true
    }
  }
}
