/**
 * Headroom in packets of containers. An outer header needs 50 bytes; a UDP socket leaves none, and the kernel then
 * copies the head of each packet. Only a bridge asks a veth for headroom, as much as the most demanding of its ports
 * wants. So the switch sides of hostifs become ports of a bridge, beside a vxlan device. Both are down and forward
 * nothing: the program of a switch side takes every packet before a bridge would. If somebody sets them up, the guard's
 * program drops all their packets.
 */
import { unlessGone } from '#kernel/link-change.ts'
import type { Link, Netlink } from '#kernel/netlink.ts'

/** Alias of the bridges, and of the vxlan devices that make them ask for headroom. */
export const roomAlias = 'vpc:room'

/** The kernel allows 1023 ports in a bridge, and one is the vxlan device. */
const portsPerRoom = 1000

const hidden = { alias: roomAlias, noArp: true, addrGenModeNone: true } as const
const isRoom = (link: Link): boolean => link.alias === roomAlias && link.kind === 'bridge'

/** Attaches the guard's program to both sides of a device. */
export type Guard = (ifindex: number) => void

/**
 * Give headroom to switch sides that have none. Each step of the iteration does one, and takes about half a
 * millisecond. A switch side that somebody made a port of another device stays there. Throws KernelError (EOPNOTSUPP of
 * a kernel without bridges).
 */
export function* giveRoom(netlink: Netlink, switchSides: readonly number[], guard: Guard): Generator<void, void> {
  const links = netlink.links()
  const ports = new Map(links.filter(isRoom).map((room) => [room.ifindex, 0]))
  for (const { master } of links) if (master !== undefined && ports.has(master)) ports.set(master, ports.get(master)! + 1)
  const lacking = new Set(links.filter(({ master }) => master === undefined).map(({ ifindex }) => ifindex))
  for (const ifindex of switchSides) {
    if (!lacking.has(ifindex)) continue
    const room = [...ports].find(([, count]) => count <= portsPerRoom)?.[0] ?? makeRoom(netlink, guard)
    unlessGone(() => netlink.setLink(ifindex, { master: room }))
    ports.set(room, (ports.get(room) ?? 1) + 1)
    yield
  }
}

/** Take all rooms down. */
export function removeRooms(netlink: Netlink): void {
  netlink.deleteLinks(
    netlink
      .links()
      .filter(({ alias }) => alias === roomAlias)
      .map(({ ifindex }) => ifindex),
  )
}

/**
 * Make a bridge with its vxlan device. Nobody opens the latter's UDP port while it is down, but no two devices may have
 * the same.
 */
function makeRoom(netlink: Netlink, guard: Guard): number {
  let number = 0
  while (netlink.linkByName(`vpcroom${number}`) ?? netlink.linkByName(`vpcroom${number}-in`)) number++
  const { ifindex } = netlink.createBridge({ name: `vpcroom${number}`, ...hidden })
  try {
    guard(ifindex)
    const inner = netlink.createVxlan({ name: `vpcroom${number}-in`, dstPort: number + 1, ...hidden })
    guard(inner.ifindex)
    netlink.setLink(inner.ifindex, { master: ifindex })
    return ifindex
  } catch (error) {
    netlink.deleteLink(ifindex)
    throw error
  }
}
