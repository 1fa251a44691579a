/** What an ethlink does to the interface that it wraps, as long as it is of use: programs, and promiscuous mode. */
import type { Core } from './core.ts'
import { unitName, type Ethlink, type Mux } from './model.ts'
import type { Transaction } from './transaction.ts'

/** Names under which the programs are pinned. */
export const ethlinkPins = (ethlink: Ethlink): { readonly ingress: string; readonly egress: string } => ({
  ingress: unitName(ethlink),
  egress: `${unitName(ethlink)}-egress`,
})

/** Whether frames of a switch pass it: it is in the uplink port. */
export const isUplink = ({ port }: Ethlink): boolean => port !== null && port.switch?.uplink === port

/** Whether a mux may have VTEPs on another UDP port than its own, which the kernel's device cannot send to. */
const usesOtherPorts = ({ entries, listen }: Mux): boolean => [...entries.ports].some((port) => port !== 0 && port !== listen?.port)

/** Whether packets on their way out of the interface need a look: it is the underlay of a mux with such VTEPs. */
export const isRewritten = ({ mux }: Ethlink): boolean => mux !== null && usesOtherPorts(mux)

/**
 * Bring the interface to what the ethlink's place asks for: as an uplink, the program that takes the switch's frames and
 * promiscuous mode, because those frames are not to the interface's own MAC; as a mux's underlay, the program that sets the UDP
 * port of VTEPs that have their own, if there are such. To be called after each change of its place.
 */
export function serveEthlink(core: Core, tx: Transaction, ethlink: Ethlink): void {
  const there = ethlink.ifindex !== 0
  serveUplink(core, tx, ethlink, there && isUplink(ethlink), () => core.devices.byIndex(ethlink.ifindex)?.promisc ?? false)
  serveUnderlay(core, tx, ethlink, there && isRewritten(ethlink))
}

/**
 * The same at a start. An interface that is promiscuous may be so because an earlier vpcd made it so: what the journal says of the time
 * before counts.
 */
export function resumeEthlink(core: Core, tx: Transaction, ethlink: Ethlink): void {
  const { ifindex, promiscBefore } = ethlink
  const there = ifindex !== 0
  serveUplink(core, tx, ethlink, there && isUplink(ethlink), () => promiscBefore && core.devices.byIndex(ifindex)?.promisc === true)
  serveUnderlay(core, tx, ethlink, there && isRewritten(ethlink))
}

/** Leave the interface as it was found. To be called while the ethlink still knows it. */
export function stopServing(core: Core, tx: Transaction, ethlink: Ethlink): void {
  serveUplink(core, tx, ethlink, false, () => false)
  serveUnderlay(core, tx, ethlink, false)
}

function serveUplink({ datapath, devices }: Core, tx: Transaction, ethlink: Ethlink, wanted: boolean, promiscBefore: () => boolean): void {
  if (ethlink.serving.uplink === wanted) return
  const { ifindex } = ethlink
  const { ingress } = ethlinkPins(ethlink)
  tx.set(ethlink, 'serving', { ...ethlink.serving, uplink: wanted })
  if (!wanted) {
    tx.later(`take the program off ${ethlink.l2Name}`, () => datapath.detach(ingress))
    if (!ethlink.promiscBefore && ifindex !== 0)
      tx.later(`end promiscuous mode of ${ethlink.l2Name}`, () => devices.change(ifindex, { promisc: false }))
    return
  }
  datapath.attach('ethlink', ifindex, ingress)
  tx.did(() => datapath.detach(ingress))
  const before = promiscBefore()
  tx.set(ethlink, 'promiscBefore', before)
  if (before) return
  tx.did(() => devices.change(ifindex, { promisc: false }))
  devices.change(ifindex, { promisc: true })
}

function serveUnderlay({ datapath }: Core, tx: Transaction, ethlink: Ethlink, wanted: boolean): void {
  if (ethlink.serving.underlay === wanted) return
  const { egress } = ethlinkPins(ethlink)
  tx.set(ethlink, 'serving', { ...ethlink.serving, underlay: wanted })
  if (!wanted) return tx.later(`take the program off ${ethlink.l2Name}`, () => datapath.detach(egress))
  datapath.attach('ethlink-egress', ethlink.ifindex, egress)
  tx.did(() => datapath.detach(egress))
}
