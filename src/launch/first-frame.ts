/** Frames that nobody misses, for a hypervisor that loses the first one of each queue. */
import { unitMark } from '#abi/unit-mark.ts'
import { Netlink } from '#kernel/netlink.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { macFrom } from '#wire/mac.ts'
import { LaunchError } from './launch-error.ts'

/** As many with other ports hit each queue of a tap, almost certainly: the kernel chooses by a hash. */
const eachQueue = 16
/** Discard, RFC 863, at an address that is nobody's. */
const [discard, nowhere] = [9, ipFrom('192.0.2.0')]

/**
 * A QEMU that waits for its guest takes one frame out of each queue of its tap, and loses it when the guest is there.
 * Give it some before any others come: UDP packets to the guest's MAC address that no guest takes for its own.
 */
export function sendFirstFrames({ device, mac, queues }: { readonly device: string; readonly mac: string; readonly queues: number }): void {
  using netlink = Netlink.open()
  const ifindex = netlink.linkByName(device)?.ifindex
  if (ifindex === undefined) throw new LaunchError(`there is no device ${device} in this network namespace`, 'ENODEV')
  const to = { srcMac: macFrom('02:00:00:00:00:00'), dstMac: macFrom(mac), src: nowhere, dst: nowhere, dstPort: discard }
  for (let i = 0; i < (queues === 1 ? 1 : queues * eachQueue); i++) sendFrame(ifindex, udpFrame({ ...to, srcPort: 1024 + i }), unitMark)
}
