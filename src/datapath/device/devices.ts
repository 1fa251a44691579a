/** The network devices of this host: all that the objects ask of the kernel about them. */
import { KernelError } from '#kernel/errno.ts'
import { openEthtool } from '#kernel/ethtool.ts'
import type { GenericNetlink } from '#kernel/generic-netlink.ts'
import { Netlink, type LinkEvent, type Way } from '#kernel/netlink.ts'
import type { QueueTransmits } from '#kernel/qdisc.ts'
import { setTapOwner } from '#kernel/tap.ts'
import { coalesceFrom, coalesceInto } from './coalesce.ts'
import { giveRoom, removeRooms, type Guard } from './room.ts'
import { toDevice, type Device, type DeviceChanges, type TapOwner } from './device.ts'
import { handOver, openPlace, placeDifference, takeBack, type Place, type Where } from './hand-over.ts'
import { createMirror, type NewMirror } from './mirror.ts'
import { Nursery } from './nursery.ts'
import { servicesAlias, ServicesNamespace } from './services.ts'
import { createTap, type NewTap } from './tap.ts'
import { createVeth, setUnitEnd, unitEnd, type NewVeth } from './veth.ts'
import { createVxlan, type NewVxlan } from './vxlan.ts'
import { whereabouts, type Whereabouts } from './whereabouts.ts'

export type { Device, DeviceChanges, NewDevice, TapOwner } from './device.ts'
export { roomAlias } from './room.ts'
export { servicesAlias, servicesName } from './services.ts'
export type { NewTap } from './tap.ts'
export type { NewVeth } from './veth.ts'
export type { NewVxlan } from './vxlan.ts'

/** A device was made or changed, is gone from here, or (`lost`) anything may have happened. */
export type DeviceEvent = { readonly kind: 'changed' | 'deleted'; readonly device: Device } | { readonly kind: 'lost' }

export class Devices implements Disposable {
  readonly #netlink: Netlink
  #nursery: Nursery | undefined
  #services: ServicesNamespace | undefined
  readonly #ethtool: GenericNetlink | undefined
  #following: ReturnType<Netlink['onLinkChange']> | undefined
  private constructor(netlink: Netlink) {
    this.#netlink = netlink
    try {
      this.#ethtool = openEthtool()
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
    }
  }

  /** The devices of the network namespace that this process is in. */
  static open(): Devices {
    return new Devices(Netlink.open())
  }

  all(): Device[] {
    return this.#netlink.links().map(toDevice)
  }

  byIndex(ifindex: number): Device | undefined {
    const link = this.#netlink.linkByIndex(ifindex)
    return link && toDevice(link)
  }

  byName(name: string): Device | undefined {
    const link = this.#netlink.linkByName(name)
    return link && toDevice(link)
  }

  /** Make the pair of a hostif; returns its switch side. */
  createVeth(options: NewVeth): Device {
    const made = createVeth(this.#netlink, options)
    this.#tryEthtool((ethtool) => coalesceInto(ethtool, made.peerIfindex!))
    return made
  }

  #madeNursery(): Nursery {
    return (this.#nursery ??= new Nursery())
  }

  /** The device of a vmnic. */
  createTap(options: NewTap): Device {
    return createTap(this.#netlink, this.#madeNursery(), options)
  }

  /** Make the device on which a sniffer watches a switch or ethlink. */
  createMirror(options: NewMirror): Device {
    return createMirror(this.#netlink, options)
  }

  /**
   * Change who may open the queues of a vmnic's device, which nobody has open. The kernel cannot remove a user again.
   */
  changeTapOwner(name: string, { user, group }: TapOwner): void {
    setTapOwner({ name, ...(user !== null && { owner: user }), ...(group !== null && { group }) })
  }

  /** Packets to the guest through each queue of a vmnic's device. */
  queueTransmits(ifindex: number): QueueTransmits[] {
    return this.#netlink.queueTransmits(ifindex)
  }

  /** The device of a mux, down. */
  createVxlan(options: NewVxlan): Device {
    return createVxlan(this.#netlink, options)
  }

  change(ifindex: number, { mtuBytes, ...changes }: DeviceChanges): void {
    this.#netlink.setLink(ifindex, mtuBytes === undefined ? changes : { ...changes, mtu: mtuBytes })
  }

  /** Change the unit's end of a hostif by its switch side; false when it cannot be reached. */
  changeUnitEnd(switchSide: number, { mtuBytes, mac }: Pick<DeviceChanges, 'mac' | 'mtuBytes'>): boolean {
    return setUnitEnd(this.#netlink, switchSide, { ...(mac && { mac }), ...(mtuBytes !== undefined && { mtu: mtuBytes }) })
  }

  /** The unit's end of a hostif by its switch side; undefined when it cannot be reached. */
  unitEnd(switchSide: number): Device | undefined {
    const link = unitEnd(this.#netlink, switchSide)
    return link && toDevice(link)
  }

  /** Whether a unit could be handed over to a network namespace. Throws HandOverRefused when not. */
  checkPlace(where: Where): void {
    openPlace(where)[Symbol.dispose]()
  }

  /** Hand the unit's end of a hostif over, by its switch side. Throws HandOverRefused. */
  handOver(switchSide: number, place: Place): void {
    handOver(this.#netlink, switchSide, place)
  }

  /** Where the other ends of these switch sides are: those that are not here, and that can be reached. */
  whereabouts(switchSides: readonly number[]): ReadonlyMap<number, Whereabouts> {
    return whereabouts(switchSides)
  }

  /** Take addresses away from the unit's end of a hostif. */
  takeBack(switchSide: number, addresses: Place['addresses']): void {
    takeBack(this.#netlink, switchSide, addresses)
  }

  /** What differs between the place of a hostif's unit and this one; undefined: nothing. Throws HandOverRefused. */
  placeDifference(switchSide: number, place: Place): string | undefined {
    return placeDifference(this.#netlink, switchSide, place)
  }

  /** Whether a hostif's other end coalesces what this switch side passes on: see coalesce.ts. */
  coalesceFrom(switchSide: number, on: boolean): void {
    this.#tryEthtool((ethtool) => coalesceFrom(ethtool, switchSide, on))
  }

  /**
   * Give the other ends of these switch sides room for outer headers, one with each step. `guard`: for the devices that
   * this makes.
   */
  giveRoom(switchSides: readonly number[], guard: Guard): Generator<void, void> {
    return giveRoom(this.#netlink, switchSides, guard)
  }

  /** Have nobody leave room any more. */
  removeRooms(): void {
    removeRooms(this.#netlink)
  }

  /** Make the namespace of services for guests, and return the host's end of the veth that leads there. */
  createServices(): Device {
    this.removeServices()
    this.#services = ServicesNamespace.create(this.#netlink)
    return this.#services.device
  }

  /** Remove the veth, also one that another vpcd left. The namespace goes with the services. */
  removeServices(): void {
    this.#services?.[Symbol.dispose]()
    this.#services = undefined
    const left = this.#netlink.links().filter(({ alias }) => alias === servicesAlias)
    if (left.length > 0) this.#netlink.deleteLinks(left.map(({ ifindex }) => ifindex))
  }

  /** The namespace of services, as a descriptor; undefined: there is none. */
  get servicesFd(): number | undefined {
    return this.#services?.netns.fd
  }

  /** Delete devices; skip missing ones. */
  remove(...ifindexes: number[]): void {
    this.#netlink.deleteLinks(ifindexes)
  }

  /** All addresses of the host, 4 or 16 bytes each. */
  addresses(): Uint8Array[] {
    return this.#netlink.addresses().map(({ address }) => address)
  }

  /**
   * The device by which packets from an address of the host to another leave, and whether part of that was learnt;
   * undefined: there is none.
   */
  wayTo(to: Uint8Array, from: Uint8Array): Way | undefined {
    return this.#netlink.wayTo(to, from)
  }

  /** Call back for each change of a device from now on; there is one such callback. */
  follow(callback: (event: DeviceEvent) => void): void {
    if (this.#following !== undefined) throw new Error('devices are followed already')
    this.#following = this.#netlink.onLinkChange((change: LinkEvent) =>
      callback(change.kind === 'lost' ? change : { kind: change.kind, device: toDevice(change.link) }),
    )
  }

  /** Whether changes are followed. */
  get followed(): boolean {
    return this.#following !== undefined
  }

  /** Stop following; complete when the promise resolves. */
  async unfollow(): Promise<void> {
    const following = this.#following
    this.#following = undefined
    await following?.stop()
  }

  /** Close. The devices stay. */
  [Symbol.dispose](): void {
    this.#nursery?.[Symbol.dispose]()
    this.#services?.[Symbol.dispose]()
    this.#ethtool?.[Symbol.dispose]()
    this.#netlink[Symbol.dispose]()
  }

  /** Without ethtool, or when it fails, the devices work, but slower. */
  #tryEthtool(run: (ethtool: GenericNetlink) => void): void {
    try {
      if (this.#ethtool) run(this.#ethtool)
    } catch (error) {
      if (!(error instanceof KernelError)) throw error
    }
  }
}
