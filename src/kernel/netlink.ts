/** rtnetlink in one network namespace: its devices, addresses and routes. What callers outside this folder hold. */
import { deleteLink, deleteLinks, setLink, type LinkChanges } from './link-change.ts'
import { createBridge, createVeth, createVxlan, type NewLink, type NewVeth, type NewVxlan } from './link-create.ts'
import { linkByIndex, linkByName, links, type Link } from './link.ts'
import { NetlinkSocket } from './netlink-socket.ts'

export type { Link, TunInfo, VxlanInfo } from './link.ts'
export type { LinkChanges } from './link-change.ts'
export type { NewLink, NewVeth, NewVxlan } from './link-create.ts'

/** A netlink socket, bound for life to the network namespace that it was opened in. Synchronous, but for subscriptions. */
export class Netlink {
  readonly socket: NetlinkSocket
  private constructor(socket: NetlinkSocket) {
    this.socket = socket
  }
  /** Open in this thread's network namespace, or in the one of a descriptor. */
  static open(netnsFd?: number): Netlink {
    return new Netlink(NetlinkSocket.open({ netnsFd }))
  }
  linkByName(name: string): Link | undefined {
    return linkByName(this.socket, name)
  }
  /** `netnsId`: look in the namespace that has this number here (a veth's linkNetnsId). */
  linkByIndex(ifindex: number, netnsId?: number): Link | undefined {
    return linkByIndex(this.socket, ifindex, netnsId)
  }
  links(): Link[] {
    return links(this.socket)
  }
  createVeth(options: NewVeth): Link {
    return createVeth(this.socket, options)
  }
  createVxlan(options: NewVxlan): Link {
    return createVxlan(this.socket, options)
  }
  createBridge(options: NewLink): Link {
    return createBridge(this.socket, options)
  }
  setLink(ifindex: number, changes: LinkChanges): void {
    setLink(this.socket, ifindex, changes)
  }
  /** False when there was no such device. */
  deleteLink(ifindex: number): boolean {
    return deleteLink(this.socket, ifindex)
  }
  deleteLinks(ifindexes: readonly number[]): void {
    deleteLinks(this.socket, ifindexes)
  }
  [Symbol.dispose](): void {
    this.socket.close()
  }
}
