/** Where the unit's end of a hostif is when somebody else than vpcd has moved it, such as docker or LXC. */
import { fstatSync, lstatSync, readdirSync, statSync } from 'node:fs'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'

/** A unit in another network namespace. */
export interface Whereabouts {
  /** Its name under /run/netns; undefined: it has none. A link to one of /proc does not count: pids come again. */
  readonly netns: string | undefined
  /** The processes in a namespace without a name. */
  readonly pids: readonly number[]
  readonly name: string
  readonly addresses: readonly { readonly address: Uint8Array; readonly prefixLength: number }[]
  /** Next hops of its default routes: the best of each family. */
  readonly gateways: readonly Uint8Array[]
}

/** By the switch sides of hostifs. Those whose units are here, or where nobody reaches them, are left out. */
export function whereabouts(switchSides: readonly number[]): ReadonlyMap<number, Whereabouts> {
  // A new one: others do not look again for a namespace that has come a moment ago.
  using netlink = Netlink.open()
  const found = new Map<number, Whereabouts>()
  // One look at /proc serves all.
  let names: Names | undefined
  for (const switchSide of switchSides) {
    const link = netlink.linkByIndex(switchSide)
    if (link?.linkIndex === undefined || link.linkNetnsId === undefined || link.linkNetnsId < 0) continue
    using netns = netlink.netnsById(link.linkNetnsId)
    if (netns === undefined) continue
    const inside = seen(netns, link.linkIndex)
    names ??= namesOfAll()
    const ino = fstatSync(netns.fd).ino
    if (inside !== undefined) found.set(switchSide, { netns: names.names.get(ino), pids: names.pids.get(ino) ?? [], ...inside })
  }
  return found
}

function seen(netns: Netns, ifindex: number): Omit<Whereabouts, 'netns' | 'pids'> | undefined {
  using there = Netlink.open(netns.fd)
  const unit = there.linkByIndex(ifindex)
  if (unit === undefined) return undefined
  const addresses = there.addresses().filter((each) => each.ifindex === ifindex && !isLinkLocal(each.address))
  const gateways = there.defaultRoutes().flatMap((route) => (route.ifindex === ifindex && route.gateway ? [route.gateway] : []))
  return {
    name: unit.name,
    addresses: addresses.map(({ address, prefixLength }) => ({ address, prefixLength })),
    gateways: [4, 16].flatMap((length) => gateways.find((gateway) => gateway.length === length) ?? []),
  }
}

/** The kernel gives each device its own. */
const isLinkLocal = (address: Uint8Array): boolean => address.length === 16 && address[0] === 0xfe && (address[1]! & 0xc0) === 0x80

/** Of network namespaces, by their inodes. */
interface Names {
  readonly names: ReadonlyMap<number, string>
  readonly pids: ReadonlyMap<number, readonly number[]>
}

function namesOfAll(): Names {
  const { dev } = statSync('/proc/self/ns/net')
  const names = new Map<number, string>()
  for (const name of Netns.names()) {
    const ino = inodeOf(`/run/netns/${name}`, dev, lstatSync)
    if (ino !== undefined) names.set(ino, name)
  }
  const pids = new Map<number, number[]>()
  for (const pid of readdirSync('/proc')) {
    const ino = /^\d+$/.test(pid) ? inodeOf(`/proc/${pid}/ns/net`, dev) : undefined
    if (ino !== undefined) pids.getOrInsertComputed(ino, () => []).push(Number(pid))
  }
  return { names, pids }
}

/** A process may end meanwhile, and a name be half made: then it is a plain file. */
function inodeOf(path: string, dev: number, stat = statSync): number | undefined {
  try {
    const found = stat(path)
    return found.dev === dev ? found.ino : undefined
  } catch {
    return undefined
  }
}
