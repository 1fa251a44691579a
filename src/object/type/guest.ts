/** The guest of a hostif: vpcd hands the unit over to it, and again after the guest or the unit was made anew. */
import type { Guest } from '#abi/guest-kind.ts'
import { containerOf, formatNetns, pidOf } from '#abi/guest-kind.ts'
import { HandOverRefused, type Place, type Where } from '#datapath/device/hand-over.ts'
import { isInContainer, processOfContainer } from '#system/container-process.ts'
import { isRunning, markProcess } from '#system/process-mark.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { prefixFrom } from '#wire/prefix.ts'
import type { Context } from '../context.ts'
import { unitName, type Hostif } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'
import { refusal } from '../vpc-error.ts'

const addressesOf = (texts: readonly string[]): Place['addresses'] =>
  texts.map((text) => {
    const { address, length } = prefixFrom(text)
    return { address, prefixLength: length }
  })

/** The namespace of a guest. A process that ended is not a guest, whoever has its pid. */
export function whereIs(netns: string): Where {
  const container = containerOf(netns)
  if (container !== undefined) return whereContainerIs(netns, container)
  const process = pidOf(netns)
  if (process === undefined) return { path: `/run/netns/${netns}`, isRight: () => true }
  return { path: `/proc/${process.pid}/ns/net`, isRight: () => isRunning(process) }
}

/** A container that was started anew has other processes, and the same name. One that ended may have left its pid. */
function whereContainerIs(netns: string, container: string): Where {
  const pid = processOfContainer(container)
  const mark = pid === undefined ? undefined : markProcess(pid)
  if (mark === undefined) return { path: netns, isRight: () => false }
  return { path: `/proc/${mark.pid}/ns/net`, isRight: () => isInContainer(mark.pid, container) && isRunning(mark) }
}

/** Where a unit shall be. */
export const placeOf = (hostif: Hostif, { netns, name, addresses, gateways }: Guest): Place => ({
  netns: whereIs(netns),
  name: name ?? unitName(hostif),
  addresses: addressesOf(addresses),
  gateways: gateways.map(ipFrom),
})

/** Give a hostif a guest. Refuses a namespace that is not there. Without a guest the unit stays where it is. */
export function setGuest(context: Context, tx: Transaction, hostif: Hostif, guest: Guest | null): void {
  const before = hostif.guest
  if (JSON.stringify(before) === JSON.stringify(guest)) return
  tx.asked = guest === null ? `take the guest of ${unitName(hostif)} away` : `hand ${unitName(hostif)} over to ${formatNetns(guest.netns)}`
  if (guest !== null) refusing(tx.asked, () => context.devices.checkPlace(whereIs(guest.netns)))
  tx.set(hostif, 'guest', guest)
  tx.dirty.records.add(hostif)
  const gone = (before?.addresses ?? []).filter((address) => !guest?.addresses.includes(address))
  tx.later(tx.asked, () => {
    if (hostif.ifindex !== 0) context.devices.takeBack(hostif.ifindex, addressesOf(gone))
    tryHandOver(context, hostif)
  })
}

/** Hand a unit over to its guest, if it has one. Throws VpcError. */
export function handOverUnit({ devices }: Context, hostif: Hostif): void {
  const { guest, ifindex } = hostif
  if (guest === null || ifindex === 0) return
  refusing(`hand ${unitName(hostif)} over to ${formatNetns(guest.netns)}`, () => devices.handOver(ifindex, placeOf(hostif, guest)))
}

/** The same; a failure is a trouble of the hostif, which vpcd tries to end. */
export function tryHandOver(context: Context, hostif: Hostif): void {
  try {
    handOverUnit(context, hostif)
    context.troubles.clear(hostif)
  } catch (error) {
    context.troubles.note(hostif, error)
  }
}

/**
 * Put a unit with a new device back where somebody else had moved it. Where that cannot be, whoever starts the
 * container takes it from here. `check` throws when whoever asked for the hostif may not hand it over.
 */
export function putBack({ devices, moved, log }: Context, hostif: Hostif, check: () => void = () => undefined): void {
  const was = moved.get(hostif.id, hostif.ifindex)
  if (was === undefined || hostif.ifindex === 0) return
  moved.forget(hostif.id)
  if (hostif.guest !== null) return
  try {
    check()
    devices.handOver(hostif.ifindex, placeOf(hostif, was))
    log.info(`${unitName(hostif)} is back where it was`, { netns: was.netns, name: was.name })
  } catch (error) {
    const place = `${formatNetns(was.netns)}${was.name === null ? '' : ` as ${was.name}`}`
    log.warn(`could not put ${unitName(hostif)} back into ${place}; if its container still runs, restart the container`, {
      why: error instanceof Error ? error.message : String(error),
    })
  }
}

/** Write down which units are still to be put back. Without it they may be looked for once more at the next start. */
export function writeMoved({ moved, log }: Context): void {
  try {
    moved.flush()
  } catch (error) {
    log.warn('could not write which interfaces containers still wait for', { error: String(error) })
  }
}

/** Throws when the guest's namespace is not there: then a new device would stay in the host's own. */
export function checkGuest({ devices }: Context, { guest }: Hostif): void {
  if (guest !== null) refusing(`hand it over to ${formatNetns(guest.netns)}`, () => devices.checkPlace(whereIs(guest.netns)))
}

function refusing<T>(asked: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof HandOverRefused) throw refusal(asked, error.errno, error.message, error.remedy)
    throw error
  }
}
