/** Policies of IPsec in a network namespace (linux/xfrm.h): which packets they concern, and some of our own. */
import { bytes, cStruct, pad, u16, u32, u8 } from '#abi/c-struct.ts'
import { KernelError } from './errno.ts'
import { decodeAttributeList, type NetlinkMessage } from './netlink-message.ts'
import { netlinkFamily, NetlinkSocket } from './netlink-socket.ts'

const XFRM_MSG_NEWPOLICY = 0x13
const XFRM_MSG_DELPOLICY = 0x14
const XFRM_MSG_GETPOLICY = 0x15
const XFRM_MSG_FLUSHPOLICY = 0x1d
const XFRMA_POLICY = 7
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
/** struct xfrm_userpolicy_info and xfrm_userpolicy_id are aligned to their 64-bit numbers. */
const policyInfoBytes = 168
const policyId = cStruct({ selector, index: u32, dir: u8, pad: pad(3) })

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
  /** The user of the selector, which the kernel keeps and does not ask for. */
  readonly user: number
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
    user: wanted.user,
  }
}

/** UDP packets between two addresses, to a port: they are dropped unless another policy says what becomes of them. */
export interface Guard {
  readonly direction: 'in' | 'out'
  readonly source: Uint8Array
  readonly destination: Uint8Array
  readonly port: number
}

/** In the selectors of our policies: by it we know them, and policies of others with the same packets are others. */
export const guardUser = 0x7663_7670

const XFRM_POLICY_BLOCK = 1
/** Any other policy comes before it. */
const lastPriority = 0x7fff_ffff
const IPPROTO_UDP = 17

const padded = (address: Uint8Array): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => address[i] ?? 0)
const big = (port: number): Uint8Array => Uint8Array.of(port >> 8, port & 0xff)

const selectorOf = ({ source, destination, port }: Guard): Parameters<typeof selector.encode>[0] => ({
  daddr: padded(destination),
  saddr: padded(source),
  dport: big(port),
  dportMask: big(0xffff),
  sport: big(0),
  sportMask: big(0),
  family: source.length === 4 ? 2 : 10,
  prefixLengthD: destination.length * 8,
  prefixLengthS: source.length * 8,
  proto: IPPROTO_UDP,
  ifindex: 0,
  user: guardUser,
})

/** Have the kernel drop such packets. Throws KernelError: EPROTONOSUPPORT on a kernel without IPsec. */
export function addGuard(guard: Guard): void {
  const info = policyInfo.encode({
    selector: selectorOf(guard),
    priority: lastPriority,
    index: 0,
    dir: guard.direction === 'in' ? 0 : 1,
    action: XFRM_POLICY_BLOCK,
    flags: 0,
    share: 0,
  })
  const body = new Uint8Array(policyInfoBytes)
  body.set(info)
  // No limit of bytes and packets, the first four numbers of the lifetimes.
  body.fill(0xff, selector.size, selector.size + 32)
  change('XFRM_MSG_NEWPOLICY', XFRM_MSG_NEWPOLICY, body)
}

/** Whether a notification of xfrmPolicyGroup tells that a guard may be gone: somebody deleted it, or all policies. */
export function tellsOfLostGuard({ type, body }: NetlinkMessage): boolean {
  if (type === XFRM_MSG_FLUSHPOLICY) return true
  if (type !== XFRM_MSG_DELPOLICY) return false
  // The selector before it is empty for a policy that was named by its index.
  const policy = decodeAttributeList(body.subarray(policyId.size)).find(([type]) => type === XFRMA_POLICY)?.[1]
  return policy === undefined || decodePolicy(policy).user === guardUser
}

/** Let go of such packets. */
export function removeGuard(guard: Guard): void {
  const id = policyId.encode({ selector: selectorOf(guard), index: 0, dir: guard.direction === 'in' ? 0 : 1 })
  change('XFRM_MSG_DELPOLICY', XFRM_MSG_DELPOLICY, id)
}

function change(call: string, type: number, body: Uint8Array): void {
  const socket = NetlinkSocket.open({ family: netlinkFamily.XFRM })
  try {
    socket.request({ call, type, parts: [body], changes: true })
  } finally {
    socket.close()
  }
}

/** Whether this kernel has IPsec. */
export function hasXfrm(): boolean {
  try {
    NetlinkSocket.open({ family: netlinkFamily.XFRM }).close()
    return true
  } catch (error) {
    if (error instanceof KernelError) return false
    throw error
  }
}
