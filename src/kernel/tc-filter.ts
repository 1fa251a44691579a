/**
 * Filters of a device's ingress that are attached by tc (clsact, ingress): whether there are any. Programs by tcx are
 * not among them.
 */
import { cStruct, pad, u32, u8 } from '#abi/c-struct.ts'
import { Attributes } from './netlink-message.ts'
import type { NetlinkSocket } from './netlink-socket.ts'

const RTM_NEWTFILTER = 44
const RTM_GETTFILTER = 46
const TCA_KIND = 1
const TC_INGRESS = 0xfffffff2
const tcmsg = cStruct({ family: u8, pad: pad(3), ifindex: u32, handle: u32, parent: u32, info: u32 })

/** Kinds of the filters on a device's ingress: `flower`, `bpf`, `matchall`, ... */
export function ingressFilters(socket: NetlinkSocket, ifindex: number): string[] {
  const parts = [tcmsg.encode({ family: 0, ifindex, handle: 0, parent: TC_INGRESS, info: 0 })]
  const replies = socket.dump({ call: 'RTM_GETTFILTER', type: RTM_GETTFILTER, parts })
  return [
    ...new Set(
      replies
        .filter(({ type }) => type === RTM_NEWTFILTER)
        .map(({ body }) => new Attributes(body.subarray(tcmsg.size)).string(TCA_KIND) ?? 'filter'),
    ),
  ]
}
