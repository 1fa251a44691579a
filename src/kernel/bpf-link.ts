/** BPF links of kind tcx: a program on the way into or out of a device, held by the link and replaced atomically. */
import { cStruct, u32, u64 } from '#abi/c-struct.ts'
import { bpf, infoByFd } from './bpf.ts'

/** enum bpf_attach_type, the two of tcx. */
export const attachType = { ingress: 46, egress: 47 } as const
export type TcxDirection = keyof typeof attachType

const createAttr = cStruct({ progFd: u32, targetIfindex: u32, attachType: u32, flags: u32, relativeFd: u32, expectedRevision: u64 })

/**
 * Put a program on a device of the current network namespace, after those that are there. The result is the link's
 * descriptor.
 */
export function createTcxLink(progFd: number, ifindex: number, direction: TcxDirection): number {
  const attr = { progFd, targetIfindex: ifindex, attachType: attachType[direction], flags: 0, relativeFd: 0, expectedRevision: 0n }
  return bpf('LINK_CREATE', createAttr.encode(attr), `${direction} of ifindex ${ifindex}`)
}

const updateAttr = cStruct({ linkFd: u32, newProgFd: u32, flags: u32, oldProgFd: u32 })

/** Replace a link's program. No packet sees neither or both. */
export function updateLink(linkFd: number, progFd: number): void {
  bpf('LINK_UPDATE', updateAttr.encode({ linkFd, newProgFd: progFd, flags: 0, oldProgFd: 0 }))
}

const detachAttr = cStruct({ linkFd: u32 })

/** Detach a link's program from its device now, even while others hold the link. */
export function detachLink(linkFd: number): void {
  bpf('LINK_DETACH', detachAttr.encode({ linkFd }))
}

const tcxLinkInfo = cStruct({ type: u32, id: u32, progId: u32, pad: u32, ifindex: u32, attachType: u32, reserved: u64 })

/** What the kernel tells of a tcx link. The ifindex is 0 when the device is gone: the link then does nothing. */
export interface LinkInfo {
  readonly id: number
  readonly progId: number
  readonly ifindex: number
  readonly direction: TcxDirection
}

/** Read a tcx link's info by its descriptor. */
export function linkInfo(fd: number): LinkInfo {
  const { id, progId, ifindex, attachType: type } = infoByFd(fd, tcxLinkInfo)
  return { id, progId, ifindex, direction: type === attachType.egress ? 'egress' : 'ingress' }
}
