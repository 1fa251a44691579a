/** Policies of IPsec in a network namespace (linux/xfrm.h): which packets they concern. */
import { bytes, cStruct, pad, u16, u32, u8 } from '#abi/c-struct.ts'
import { KernelError } from './errno.ts'
import { netlinkFamily, NetlinkSocket } from './netlink-socket.ts'

const XFRM_MSG_NEWPOLICY = 0x13
const XFRM_MSG_GETPOLICY = 0x15
/** Multicast group that tells of every change of a policy. */
export const xfrmPolicyGroup = 4
/** struct xfrm_lifetime_cfg, struct xfrm_lifetime_cur. */
const lifetimes = 64 + 32

const selector = cStruct({
  daddr: bytes(16),
  saddr: bytes(16),
  dport: bytes(2),
  dportMask: bytes(2),
  sport: bytes(2),
  sportMask: bytes(2),
  family: u16,
  prefixLengthD: u8,
  prefixLengthS: u8,
  proto: u8,
  pad: pad(3),
  ifindex: u32,
  user: u32,
})
const policyInfo = cStruct({ selector, lifetimes: pad(lifetimes), priority: u32, index: u32, dir: u8, action: u8, flags: u8, share: u8 })

export interface XfrmPolicy {
  readonly direction: 'in' | 'out' | 'forward'
  /** 4 or 6; 0: both. */
  readonly family: 0 | 4 | 6
  /** 0: any. */
  readonly proto: number
  readonly source: Uint8Array
  readonly sourceLength: number
  readonly destination: Uint8Array
  readonly destinationLength: number
  /** Of the destination, with the bits that count. */
  readonly port: number
  readonly portMask: number
}

const families: Readonly<Record<number, 4 | 6>> = { 2: 4, 10: 6 }
const word = (pair: Uint8Array): number => (pair[0]! << 8) | pair[1]!

/** All policies of the namespace that this thread is in. None on a kernel without IPsec. */
export function xfrmPolicies(): XfrmPolicy[] {
  let socket: NetlinkSocket
  try {
    socket = NetlinkSocket.open({ family: netlinkFamily.XFRM })
  } catch (error) {
    if (error instanceof KernelError) return []
    throw error
  }
  try {
    const parts = [new Uint8Array(64)]
    return socket
      .dump({ call: 'XFRM_MSG_GETPOLICY', type: XFRM_MSG_GETPOLICY, parts })
      .filter(({ type }) => type === XFRM_MSG_NEWPOLICY)
      .map(({ body }) => decodePolicy(body))
  } finally {
    socket.close()
  }
}

function decodePolicy(body: Uint8Array): XfrmPolicy {
  const { selector: wanted, dir } = policyInfo.decode(body)
  return {
    direction: dir === 0 ? 'in' : dir === 1 ? 'out' : 'forward',
    family: families[wanted.family] ?? 0,
    proto: wanted.proto,
    source: wanted.saddr,
    sourceLength: wanted.prefixLengthS,
    destination: wanted.daddr,
    destinationLength: wanted.prefixLengthD,
    port: word(wanted.dport),
    portMask: word(wanted.dportMask),
  }
}
