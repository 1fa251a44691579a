/**
 * Hands the unit's end of a veth pair over to a network namespace, such as that of a container, with a name, addresses
 * and default routes. Repeating it changes nothing.
 */
import { fstatSync, statSync, writeFileSync } from 'node:fs'
import { errno, KernelError } from '#kernel/errno.ts'
import { Netlink, type InterfaceAddress, type Link } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'

/** A network namespace. */
export interface Where {
  /** Below /run/netns or /proc: nothing else is opened as root. */
  readonly path: string
  /** Whether the path still means what it meant: a process may have ended, and another have its pid. */
  isRight(): boolean
}

/** Where the unit goes. */
export interface Place {
  readonly netns: Where
  readonly name: string
  readonly addresses: readonly { readonly address: Uint8Array; readonly prefixLength: number }[]
  /** 4 or 16 bytes each. */
  readonly gateways: readonly Uint8Array[]
}

/** The unit cannot be where it should be. */
export class HandOverRefused extends Error {
  readonly errno: 'ENOENT' | 'EINVAL' | 'EEXIST'
  readonly remedy: string
  constructor(code: HandOverRefused['errno'], why: string, remedy: string) {
    super(why)
    this.errno = code
    this.remedy = remedy
  }
}

/** Open the namespace. Throws HandOverRefused when it is not there, or is the host's own. */
export function openPlace({ path, isRight }: Where): Netns {
  // The name of a container that does not run is not a path.
  const found = path.startsWith('/') ? openIfThere(path) : undefined
  const [own, other] = [statSync('/proc/thread-self/ns/net'), found && fstatSync(found.fd)]
  // A name that is half made is a plain file.
  const isNetns = other?.dev === own.dev && isRight()
  if (found !== undefined && isNetns && other?.ino !== own.ino) return found
  found?.[Symbol.dispose]()
  if (isNetns) throw new HandOverRefused('EINVAL', `${path} is the network namespace of vpcd itself`, "name a guest's namespace")
  if (!path.startsWith('/')) throw new HandOverRefused('ENOENT', `there is no running ${path.replace(':', ' ')}`, 'start it')
  const [, pid] = /^\/proc\/(\d+)\//.exec(path) ?? []
  if (pid !== undefined)
    throw new HandOverRefused('ENOENT', `process ${pid} has ended`, 'start the container, and attach it by its new process')
  const add = `ip netns add ${path.replace('/run/netns/', '')}`
  throw new HandOverRefused('ENOENT', `there is no network namespace ${path}`, `start the container, or make it: ${add}`)
}

function openIfThere(path: string): Netns | undefined {
  try {
    return Netns.open(path)
  } catch {
    return undefined
  }
}

/** Move the unit's end of the pair there, by its switch side, and set it up. Throws HandOverRefused or KernelError. */
export function handOver(netlink: Netlink, switchSide: number, place: Place): void {
  using netns = openPlace(place.netns)
  using there = Netlink.open(netns.fd)
  move(netlink, switchSide, netns, there, place)
  // It may have another index there.
  const unit = unitOf(netlink, switchSide)
  const link = there.linkByIndex(unit.linkIndex!)
  if (link === undefined) throw new HandOverRefused('ENOENT', `the unit is not in ${place.netns.path}`, 'vpcd tries again')
  if (link.name !== place.name) rename(there, link, place)
  if (!link.up) there.setLink(link.ifindex, { up: true })
  for (const each of place.addresses)
    tolerate([errno.EEXIST], () => addAddress(netns, there, { ifindex: link.ifindex, ...each }, place.name))
  for (const gateway of place.gateways) addDefault(there, link.ifindex, gateway)
}

/** Docker switches IPv6 off in a container, and on for each interface that has an address of it. */
function addAddress(netns: Netns, there: Netlink, address: InterfaceAddress, name: string): void {
  try {
    there.addAddress(address)
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== errno.EACCES || address.address.length !== 16) throw error
    netns.run(() => writeFileSync(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '0'))
    there.addAddress(address)
  }
}

/** The switch side, which knows where its other end is. */
function unitOf(netlink: Netlink, switchSide: number): Link {
  const link = netlink.linkByIndex(switchSide)
  if (link?.linkIndex === undefined) throw new HandOverRefused('ENOENT', 'its device is gone', 'vpcd makes it again')
  return link
}

function move(netlink: Netlink, switchSide: number, netns: Netns, there: Netlink, { name, netns: { path: where } }: Place): void {
  const { linkIndex, linkNetnsId } = unitOf(netlink, switchSide)
  if (linkNetnsId !== undefined && linkNetnsId === netlink.netnsIdOf(netns.fd)) return
  if (there.linkByName(name) !== undefined)
    throw new HandOverRefused('EEXIST', `${where} has an interface ${name} already`, 'give the guest another name for it')
  if (linkNetnsId === undefined) return netlink.setLink(linkIndex!, { name, netnsFd: netns.fd })
  using elsewhere = netlink.openByNetnsId(linkNetnsId)
  if (elsewhere === undefined) throw new HandOverRefused('ENOENT', 'it is in a namespace that nobody reaches', 'destroy and create it')
  elsewhere.setLink(linkIndex!, { name, netnsFd: netns.fd })
}

function rename(there: Netlink, { ifindex }: Link, { name, netns }: Place): void {
  if (there.linkByName(name) !== undefined)
    throw new HandOverRefused('EEXIST', `${netns.path} has an interface ${name} already`, 'give the guest another name for it')
  there.setLink(ifindex, { up: false })
  there.setLink(ifindex, { name })
  there.setLink(ifindex, { up: true })
}

function addDefault(there: Netlink, ifindex: number, gateway: Uint8Array): void {
  const family = gateway.length === 4 ? 4 : 6
  const isThere = there
    .defaultRoutes()
    .some((route) => route.family === family && route.ifindex === ifindex && route.gateway && Buffer.compare(route.gateway, gateway) === 0)
  if (!isThere) tolerate([errno.EEXIST], () => there.addRoute({ family, gateway, ifindex }))
}

/** Take addresses away that the unit has no more, as far as it is where it was. */
export function takeBack(netlink: Netlink, switchSide: number, addresses: Place['addresses']): void {
  const link = netlink.linkByIndex(switchSide)
  if (link?.linkIndex === undefined || link.linkNetnsId === undefined || addresses.length === 0) return
  using there = netlink.openByNetnsId(link.linkNetnsId)
  for (const each of addresses)
    tolerate([errno.EADDRNOTAVAIL, errno.ENODEV], () => there?.deleteAddress({ ifindex: link.linkIndex!, ...each }))
}

function tolerate(codes: readonly number[], act: () => void): void {
  try {
    act()
  } catch (error) {
    if (!(error instanceof KernelError) || !codes.includes(error.errno)) throw error
  }
}

/** What differs between where the unit is and where it should be, in words; undefined: nothing. */
export function placeDifference(netlink: Netlink, switchSide: number, place: Place): string | undefined {
  using netns = openPlace(place.netns)
  const { linkIndex, linkNetnsId } = unitOf(netlink, switchSide)
  if (linkNetnsId === undefined || linkNetnsId !== netlink.netnsIdOf(netns.fd)) return 'in another namespace'
  using there = Netlink.open(netns.fd)
  const link = there.linkByIndex(linkIndex!)
  if (link === undefined) return 'missing'
  if (link.name !== place.name) return `named ${link.name}`
  if (!link.up) return 'down'
  const own = there.addresses().filter(({ ifindex }) => ifindex === link.ifindex)
  const lacks = place.addresses.filter(
    (each) => !own.some(({ address, prefixLength }) => prefixLength === each.prefixLength && Buffer.compare(address, each.address) === 0),
  )
  return lacks.length > 0 ? `without ${lacks.length} of its addresses` : undefined
}
