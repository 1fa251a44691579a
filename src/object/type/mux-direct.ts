/**
 * Whether a mux's packets may bypass the host's stack: the operator's setting, and the rules of the host that must see
 * each of them.
 */
import { objectionsTo, readRuleset, type Objections, type Ruleset } from '#datapath/host-rules/host-rules.ts'
import type { Mux } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { hasGuards } from './mux-guards.ts'

/** For a mux without an underlay. Until vpcd has read the host's rules, no packet bypasses the stack. */
export const unasked: Objections = { out: ['not asked yet'], in: ['not asked yet'] }

/** Whether packets may leave without the vxlan device. */
export const mayLeaveDirectly = (mux: Mux): boolean => mayBypass(mux, mux.objections.out)

/** Whether programs may take packets at the underlay's interface. */
export const mayEnterDirectly = (mux: Mux): boolean => mayBypass(mux, mux.objections.in)

/** Policies of IPsec see none of the packets that bypass the stack. */
const mayBypass = (mux: Mux, objections: readonly string[]): boolean =>
  !hasGuards(mux) && (mux.direct === 'on' || (mux.direct === 'auto' && objections.length === 0))

/** Mark what the tables say about the direct ways. */
export function touchWays(tx: Transaction, { ifindex, underlay }: Mux): void {
  tx.dirty.muxes.add(ifindex)
  if (underlay !== null) tx.dirty.muxes.add(underlay.ifindex)
}

/** Find what closes the direct ways of a mux. True: that has changed. */
export function askHost(tx: Transaction, mux: Mux, rules?: Ruleset): boolean {
  const found = objectionsOf(mux, rules)
  if (JSON.stringify(found) === JSON.stringify(mux.objections)) return false
  touchWays(tx, mux)
  tx.set(mux, 'objections', found)
  return true
}

function objectionsOf({ underlay, listen, entries }: Mux, rules?: Ruleset): Objections {
  if (underlay === null || underlay.ifindex === 0 || underlay.l2Name === null || listen === null) return unasked
  // Over IPv6 all packets take the vxlan device.
  if (listen.address.length !== 4) return overIpv6
  const vtepPorts = [...entries.ownPorts.keys()]
  const asked = { device: underlay.l2Name, ifindex: underlay.ifindex, address: listen.address, port: listen.port, vtepPorts }
  return objectionsTo(rules ?? readRuleset(), asked)
}

const overIpv6: Objections = { out: ['the underlay is IPv6'], in: ['the underlay is IPv6'] }
