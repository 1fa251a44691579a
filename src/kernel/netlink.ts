/**
 * rtnetlink in one network namespace: its devices, addresses and routes. This is what callers outside this folder use.
 */
import { addAddress, addresses, deleteAddress, type InterfaceAddress } from './address.ts'
import { close } from './libc.ts'
import { deleteLink, deleteLinks, setLink, type LinkChanges } from './link-change.ts'
import { createBridge, createVeth, createVxlan, type NewLink, type NewVeth, type NewVxlan } from './link-create.ts'
import { followLinks, type LinkEvent } from './link-events.ts'
import { linkByIndex, linkByName, links, type Link } from './link.ts'
import { NetlinkSocket } from './netlink-socket.ts'
import { Netns } from './netns.ts'
import { NetnsFinder, netnsIdOf } from './nsid.ts'
import type { Subscription } from './readiness.ts'
import { addRoute, defaultRoutes, routes, wayTo, type NewRoute, type Route, type Way } from './route.ts'
import { queueTransmits, type QueueTransmits } from './qdisc.ts'

export type { InterfaceAddress } from './address.ts'
export type { LinkChanges } from './link-change.ts'
export { newbornGroup, type NewLink, type NewVeth, type NewVxlan } from './link-create.ts'
export type { LinkEvent } from './link-events.ts'
export type { Link, TunInfo, VxlanInfo } from './link.ts'
export type { Subscription } from './readiness.ts'
export type { NewRoute, Route, Way } from './route.ts'

/**
 * A netlink socket, bound for life to the network namespace that it was opened in. All but subscriptions is
 * synchronous.
 */
export class Netlink {
  readonly #socket: NetlinkSocket
  readonly #finder = new NetnsFinder()
  private constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }
  /** Open in this thread's network namespace, or in the one of a descriptor. */
  static open(netnsFd?: number): Netlink {
    return new Netlink(NetlinkSocket.open({ netnsFd }))
  }
  /**
   * Open in the namespace that has this number here (a link's linkNetnsId). Undefined when that namespace has neither a
   * name nor a process.
   */
  openByNetnsId(netnsId: number): Netlink | undefined {
    const netnsFd = this.#finder.open(this.#socket, netnsId)
    if (netnsFd === undefined) return undefined
    try {
      return Netlink.open(netnsFd)
    } finally {
      close(netnsFd)
    }
  }
  /** The same as a descriptor, which the caller closes. */
  netnsById(netnsId: number): Netns | undefined {
    const netnsFd = this.#finder.open(this.#socket, netnsId)
    return netnsFd === undefined ? undefined : new Netns(netnsFd)
  }
  /** The number that this namespace has for another one, once a device joins the two. */
  netnsIdOf(netnsFd: number): number | undefined {
    return netnsIdOf(this.#socket, netnsFd)
  }
  linkByName(name: string): Link | undefined {
    return linkByName(this.#socket, name)
  }
  /** `netnsId`: look in the namespace that has this number here. */
  linkByIndex(ifindex: number, netnsId?: number): Link | undefined {
    return linkByIndex(this.#socket, ifindex, netnsId)
  }
  /** Counters of a device's transmit queues. */
  queueTransmits(ifindex: number): QueueTransmits[] {
    return queueTransmits(this.#socket, ifindex)
  }
  links(): Link[] {
    return links(this.#socket)
  }
  createVeth(options: NewVeth): Link {
    return createVeth(this.#socket, options)
  }
  createVxlan(options: NewVxlan): Link {
    return createVxlan(this.#socket, options)
  }
  createBridge(options: NewLink): Link {
    return createBridge(this.#socket, options)
  }
  setLink(ifindex: number, changes: LinkChanges): void {
    setLink(this.#socket, ifindex, changes)
  }
  /** False when there was no such device. */
  deleteLink(ifindex: number): boolean {
    return deleteLink(this.#socket, ifindex)
  }
  deleteLinks(ifindexes: readonly number[]): void {
    deleteLinks(this.#socket, ifindexes)
  }
  addresses(): InterfaceAddress[] {
    return addresses(this.#socket)
  }
  addAddress(address: InterfaceAddress): void {
    addAddress(this.#socket, address)
  }
  deleteAddress(address: InterfaceAddress): void {
    deleteAddress(this.#socket, address)
  }
  routes(table?: number): Route[] {
    return routes(this.#socket, table)
  }
  defaultRoutes(): Route[] {
    return defaultRoutes(this.#socket)
  }
  /** The way from an address of this namespace to another; undefined when there is none. */
  wayTo(to: Uint8Array, from: Uint8Array): Way | undefined {
    return wayTo(this.#socket, to, from)
  }
  addRoute(route: NewRoute): void {
    addRoute(this.#socket, route)
  }
  /**
   * Follow the changes of this namespace's devices from now on, until it is stopped; outlives this object, not the
   * process.
   */
  onLinkChange(callback: (change: LinkEvent) => void): Subscription {
    return followLinks(this.#socket, callback)
  }
  [Symbol.dispose](): void {
    this.#socket.close()
  }
}
