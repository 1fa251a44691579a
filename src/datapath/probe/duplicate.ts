/**
 * Whether another machine has an address of this one: asked by an ARP probe (RFC 5227), which changes nobody's tables.
 * Only the address's second holder answers.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { PacketCapture } from '#kernel/packet-capture.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { Netlink } from '#kernel/netlink.ts'
import { iff } from '#kernel/rtnetlink.ts'
import { arpOp, decodeArp } from '#wire/arp.ts'
import { ethertype } from '#wire/ethernet.ts'
import { arpRequest } from '#wire/frames.ts'
import { formatIp } from '#wire/ip-address.ts'
import { ipv4From, type Ipv4 } from '#wire/ipv4-address.ts'
import { asMac, formatMac } from '#wire/mac.ts'

/** An IPv4 address of an interface, and the MACs of others that have it, too. */
export interface Holders {
  readonly device: string
  readonly address: string
  readonly others: readonly string[]
}

interface Asking {
  readonly device: string
  readonly mac: Uint8Array
  readonly address: Uint8Array
  readonly capture: PacketCapture
  readonly others: Set<string>
}

/** Answers come in less; a busy machine takes longer. */
const waitMs = 500
const everyMs = 20

/** Ask for each address. `inside` runs something in the network namespace of vpcd. Needs CAP_NET_RAW. */
export async function addressHolders(inside: <T>(run: () => T) => T): Promise<Holders[]> {
  const asking = inside(ask)
  try {
    for (const end = performance.now() + waitMs; asking.length > 0 && performance.now() < end; await sleep(everyMs))
      for (const each of asking) hear(each)
  } finally {
    for (const { capture } of asking) capture[Symbol.dispose]()
  }
  return asking.map(({ device, address, others }) => ({ device, address: formatIp(address), others: [...others] }))
}

function ask(): Asking[] {
  using netlink = Netlink.open()
  const addresses = netlink.addresses().filter(({ address }) => address.length === 4)
  const links = netlink.links().filter((link) => link.up && link.carrier && link.alias?.startsWith('vpc:') !== true)
  return links
    .filter(({ flags, mac }) => (flags & (iff.LOOPBACK | iff.NOARP)) === 0 && mac.length === 6)
    .flatMap(({ ifindex, name: device, mac }) =>
      addresses
        .filter((entry) => entry.ifindex === ifindex)
        .map(({ address }) => {
          const capture = new PacketCapture(ifindex, new DataView(mac.buffer, mac.byteOffset).getUint32(0))
          sendFrame(ifindex, arpRequest({ sha: asMac(mac), spa: ipv4From('0.0.0.0'), tpa: address as Ipv4 }))
          return { device, mac, address, capture, others: new Set<string>() }
        }),
    )
}

function hear({ capture, address, mac, others }: Asking): void {
  for (let frame = capture.receive(); frame !== undefined; frame = capture.receive()) {
    if (frame.length < 42 || ((frame[12]! << 8) | frame[13]!) !== ethertype.arp) continue
    const told = decodeArp(frame.subarray(14))
    if (!told.ok || told.value.op !== arpOp.reply || Buffer.compare(told.value.spa, address) !== 0) continue
    if (Buffer.compare(told.value.sha, mac) !== 0) others.add(formatMac(told.value.sha))
  }
}
