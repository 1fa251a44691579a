/** What a mux can send by and listen on: interfaces with addresses, and the current users of its UDP port. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { Netlink, type Link } from '#kernel/netlink.ts'
import { chainOf, directions } from '../chain.ts'
import { objectionsTo, readRuleset, type Objections } from '../host-rules/host-rules.ts'
import { iff } from '#kernel/rtnetlink.ts'

/** Interfaces that vpcd made are known by their alias. */
const isOurs = (link: Link): boolean => link.alias?.startsWith('vpc:') === true

/** A bridge with virtual interfaces alone, or with none, such as docker0: as a rule no other host is behind it. */
const isOfGuests = ({ kind, ifindex }: Link, links: readonly Link[]): boolean =>
  kind === 'bridge' && links.every((link) => link.master !== ifindex || link.kind === 'veth' || link.kind === 'tun')

export interface UnderlayInterface {
  readonly name: string
  readonly mtuBytes: number
  /** It has an IPv4 address; else it has only IPv6 ones. */
  readonly ipv4: boolean
}

/**
 * Interfaces of the host that are up and have an address that others can send to. Bridges of guests are left out, where
 * there is something else.
 */
export function underlayInterfaces(): UnderlayInterface[] {
  using netlink = Netlink.open()
  const addresses = netlink.addresses().filter(({ address }) => !isLinkLocal(address))
  const links = netlink.links()
  const found = links
    .filter((link) => link.up && (link.flags & iff.LOOPBACK) === 0 && !isOurs(link))
    .flatMap((link) => {
      const own = addresses.filter(({ ifindex }) => ifindex === link.ifindex)
      const ipv4 = own.some(({ address }) => address.length === 4)
      return own.length === 0 ? [] : [{ link, facts: { name: link.name, mtuBytes: link.mtu, ipv4 } }]
    })
  const towardsHosts = found.filter(({ link }) => !isOfGuests(link, links))
  return (towardsHosts.length > 0 ? towardsHosts : found).map(({ facts }) => facts)
}

const isLinkLocal = (address: Uint8Array): boolean => address.length === 16 && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80

/** An interface of the host, and what closes the direct ways of a mux on it. */
export interface InterfaceRules {
  readonly name: string
  readonly objections: Objections
  /** Programs of others, by tcx, that run before ours would or do. */
  readonly before: readonly string[]
}

/** What of the host would have to see each packet of a mux, by interface with an IPv4 address. Needs privileges. */
export function interfaceRules(port: number): InterfaceRules[] {
  using netlink = Netlink.open()
  const rules = readRuleset()
  const addresses = netlink.addresses().filter(({ address }) => address.length === 4)
  return netlink
    .links()
    .filter((link) => link.up && (link.flags & iff.LOOPBACK) === 0 && !isOurs(link))
    .flatMap(({ ifindex, name }) => {
      const own = addresses.find((entry) => entry.ifindex === ifindex)
      if (own === undefined) return []
      const objections = objectionsTo(rules, { device: name, ifindex, address: own.address, port, vtepPorts: [] })
      return [{ name, objections, before: directions.flatMap((direction) => programsBefore(ifindex, direction)) }]
    })
}

function programsBefore(ifindex: number, direction: 'ingress' | 'egress'): string[] {
  const chain = chainOf(ifindex, direction)
  const ours = chain.findIndex((program) => program.ours)
  return chain.slice(0, ours < 0 ? chain.length : ours).map(({ name, progId }) => `${name} (${progId}) on its ${direction}`)
}

export interface PortUse {
  readonly port: number
  /** The devices of our own muxes that have it: `vpcmux0`. */
  readonly ours: readonly string[]
  /** Others: `vxlan device flannel.1`, `process 812 (ovs-vswitchd)`. */
  readonly others: readonly string[]
}

/** Who receives on the UDP ports of our muxes in this network namespace; without such a mux, on the default port. */
export function udpPortUses(portOtherwise: number): PortUse[] {
  using netlink = Netlink.open()
  const devices = netlink.links().filter((link) => link.vxlan !== undefined && link.up)
  const ports = new Set(devices.filter(isOurs).map(({ vxlan }) => vxlan!.port))
  return (ports.size === 0 ? [portOtherwise] : [...ports]).map((port) =>
    portUse(
      port,
      devices.filter(({ vxlan }) => vxlan!.port === port),
    ),
  )
}

function portUse(port: number, devices: readonly Link[]): PortUse {
  const others = devices.filter((link) => !isOurs(link)).map(({ name }) => `vxlan device ${name}`)
  const processes = processesOf(socketsOn(port))
  others.push(...processes.named)
  // A socket without a process is the kernel's: that of a vxlan device if there is one, otherwise of another tunnel.
  if (processes.unnamed > 0 && devices.length === 0) others.push('the kernel, or a process that cannot be seen from here')
  return { port, ours: devices.filter(isOurs).map(({ name }) => name), others }
}

/** Inodes of the UDP sockets that are bound to a port. */
function socketsOn(port: number): Set<string> {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['udp', 'udp6']) {
    for (const line of readLines(`/proc/thread-self/net/${table}`)) {
      const columns = line.trim().split(/\s+/)
      if (columns[1]?.endsWith(`:${wanted}`)) inodes.add(columns[9]!)
    }
  }
  return inodes
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').slice(1)
  } catch {
    return [] // a kernel without IPv6 has no udp6
  }
}

function processesOf(inodes: ReadonlySet<string>): { readonly named: string[]; readonly unnamed: number } {
  if (inodes.size === 0) return { named: [], unnamed: 0 }
  const links = new Set([...inodes].map((inode) => `socket:[${inode}]`))
  const named: string[] = []
  const found = new Set<string>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const held = heldBy(pid).filter((target) => links.has(target))
    if (held.length === 0) continue
    named.push(`process ${pid} (${commandOf(pid)})`)
    for (const target of held) found.add(target)
  }
  return { named, unnamed: links.size - found.size }
}

// A process may end during the search.
function heldBy(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
  } catch {
    return 'gone'
  }
}
