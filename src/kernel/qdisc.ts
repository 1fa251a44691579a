/** Packets and bytes of each transmit queue of a device, as its queueing disciplines count them. */
import { cStruct, pad, u32, u8 } from '#abi/c-struct.ts'
import { Attributes } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'

const RTM_NEWQDISC = 36
const RTM_GETQDISC = 38
const tcmsg = cStruct({ family: u8, pad: pad(3), ifindex: u32, handle: u32, parent: u32, info: u32 })
const TCA_STATS2 = 7
const TCA_STATS_BASIC = 1
const TCA_STATS_QUEUE = 3
const TCA_STATS_PKT64 = 8
/** In struct gnet_stats_queue, after length and backlog. */
const dropsOffset = 8

/** Of one queue, since the device was made. */
export interface QueueTransmits {
  readonly queue: number
  readonly packets: number
  readonly bytes: number
  readonly drops: number
}

/** Counters of the transmit queues that a device uses; none for a device whose packets wait in no queue of its own. */
export function queueTransmits(socket: NetlinkSocket, ifindex: number): QueueTransmits[] {
  const parts = [tcmsg.encode({ family: 0, ifindex, handle: 0, parent: 0, info: 0 })]
  const found = socket.dump({ call: 'RTM_GETQDISC', type: RTM_GETQDISC, parts }).flatMap(({ type, body }) => {
    if (type !== RTM_NEWQDISC) return []
    const message = tcmsg.decode(body)
    // The children of the root discipline `mq`: the parent's minor number is the queue's, from 1 on.
    const queue = (message.parent & 0xffff) - 1
    const stats = new Attributes(body.subarray(tcmsg.size)).nested(TCA_STATS2)
    const basic = stats?.bytes(TCA_STATS_BASIC)
    if (message.ifindex !== ifindex || message.parent === 0xffffffff || queue < 0 || stats === undefined || basic === undefined) return []
    const view = new DataView(basic.buffer, basic.byteOffset, basic.length)
    const long = stats.bytes(TCA_STATS_PKT64)
    const packets = long === undefined ? view.getUint32(8, true) : Number(new DataView(long.buffer, long.byteOffset).getBigUint64(0, true))
    const waiting = stats.bytes(TCA_STATS_QUEUE)
    const drops = waiting === undefined ? 0 : new DataView(waiting.buffer, waiting.byteOffset).getUint32(dropsOffset, true)
    return [{ queue, packets, bytes: Number(view.getBigUint64(0, true)), drops }]
  })
  return found.sort((a, b) => a.queue - b.queue)
}
