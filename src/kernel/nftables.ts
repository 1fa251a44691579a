/**
 * The rules of nftables in a network namespace, as the kernel has them (linux/netfilter/nf_tables.h): read, never
 * written.
 */
import { cStruct, u16, u8 } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { Attributes, attributeString } from './netlink-message.ts'
import { netlinkFamily, NetlinkSocket } from './netlink-socket.ts'

const SUBSYSTEM = 10 << 8
const NF_DROP = 0
const message = { NEWCHAIN: 3, GETCHAIN: 4, NEWRULE: 6, GETRULE: 7, NEWSETELEM: 12, GETSETELEM: 13 } as const
/** Multicast group that tells of every change of the rules. */
export const nftablesGroup = 7

const nfgenmsg = cStruct({ family: u8, version: u8, resourceId: u16 })

const chainAttr = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const
const hookAttr = { NUMBER: 1, DEVICE: 3, DEVICES: 4 } as const
const ruleAttr = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4 } as const
const expressionAttr = { NAME: 1, DATA: 2 } as const
const setListAttr = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const
const elementAttr = { KEY: 1, DATA: 2, FLAGS: 3, KEY_END: 10 } as const
const dataAttr = { VALUE: 1, VERDICT: 2 } as const

/** NFPROTO_*: families of tables. */
export const nftFamily = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const

export interface NftChain {
  readonly family: number
  readonly table: string
  readonly name: string
  /** filter, nat or route; undefined: other chains jump to it. */
  readonly type: string | undefined
  readonly hook: { readonly number: number; readonly devices: readonly string[] } | undefined
  /** What becomes of packets that no rule decides; undefined: the chain has no hook. */
  readonly policy?: 'accept' | 'drop' | undefined
}

/** An element of a set or map. */
export interface NftElement {
  readonly key: Uint8Array
  /** The last key of a range, of a set that stores ranges so. */
  readonly keyEnd: Uint8Array | undefined
  /** With this key a range ends, exclusively: the elements of an interval set, in order. */
  readonly isEnd: boolean
  /** It stands for all other keys. */
  readonly isCatchAll: boolean
  /** What a map of verdicts says. */
  readonly verdict: Attributes | undefined
}

/** One step of a rule, by the kernel's name for it, with its attributes. */
export interface NftExpression {
  readonly name: string
  readonly data: Attributes
}

export interface NftRule {
  readonly family: number
  readonly table: string
  readonly chain: string
  readonly expressions: readonly NftExpression[]
}

export interface NftRuleset {
  readonly chains: readonly NftChain[]
  /** In the order in which they stand in their chains. */
  readonly rules: readonly NftRule[]
}

/** An integer of nf_tables: in network order. */
export function u32be(attributes: Attributes, type: number): number | undefined {
  const bytes = attributes.bytes(type)
  return bytes === undefined || bytes.length < 4 ? undefined : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0)
}

/** All chains and rules of the namespace that this thread is in. None on a kernel without nf_tables. */
export function nftRuleset(): NftRuleset {
  const socket = NetlinkSocket.open({ family: netlinkFamily.NETFILTER })
  try {
    const chains = dump(socket, 'NFT_MSG_GETCHAIN', message.GETCHAIN, message.NEWCHAIN).map(decodeChain)
    // Without chains there are no rules.
    return { chains, rules: chains.length === 0 ? [] : dump(socket, 'NFT_MSG_GETRULE', message.GETRULE, message.NEWRULE).map(decodeRule) }
  } catch (error) {
    if (error instanceof KernelError && [errno.EINVAL, errno.EOPNOTSUPP, errno.EPROTONOSUPPORT].includes(error.errno))
      return { chains: [], rules: [] }
    throw error
  } finally {
    socket.close()
  }
}

/** The elements of a set of a table, in the kernel's order. */
export function nftElements(family: number, table: string, set: string): NftElement[] {
  const socket = NetlinkSocket.open({ family: netlinkFamily.NETFILTER })
  try {
    const parts = [attributeString(setListAttr.TABLE, table), attributeString(setListAttr.SET, set)]
    return dump(socket, 'NFT_MSG_GETSETELEM', message.GETSETELEM, message.NEWSETELEM, { family, parts }).flatMap(({ attributes }) =>
      attributes.list(setListAttr.ELEMENTS).map(([, payload]) => decodeElement(new Attributes(payload))),
    )
  } finally {
    socket.close()
  }
}

function decodeElement(element: Attributes): NftElement {
  const flags = u32be(element, elementAttr.FLAGS) ?? 0
  const data = element.nested(elementAttr.DATA)
  return {
    key: element.nested(elementAttr.KEY).bytes(dataAttr.VALUE) ?? new Uint8Array(0),
    keyEnd: element.nested(elementAttr.KEY_END).bytes(dataAttr.VALUE),
    isEnd: (flags & 1) !== 0,
    isCatchAll: (flags & 2) !== 0,
    verdict: data.has(dataAttr.VERDICT) ? data.nested(dataAttr.VERDICT) : undefined,
  }
}

interface Reply {
  readonly family: number
  readonly attributes: Attributes
}

interface Of {
  readonly family: number
  readonly parts: readonly Uint8Array[]
}

const ofAll: Of = { family: 0, parts: [] }

function dump(socket: NetlinkSocket, call: string, ask: number, answer: number, { family, parts: more }: Of = ofAll): Reply[] {
  const parts = [nfgenmsg.encode({ family, version: 0, resourceId: 0 }), ...more]
  return socket
    .dump({ call, type: SUBSYSTEM | ask, parts })
    .filter(({ type }) => type === (SUBSYSTEM | answer))
    .map(({ body }) => ({ family: nfgenmsg.decode(body).family, attributes: new Attributes(body.subarray(nfgenmsg.size)) }))
}

function decodeChain({ family, attributes }: Reply): NftChain {
  const hook = attributes.nested(chainAttr.HOOK)
  const number = u32be(hook, hookAttr.NUMBER)
  const text = (payload: Uint8Array): string => Buffer.from(payload).toString('latin1').replace(/\0.*$/s, '')
  const device = hook.string(hookAttr.DEVICE)
  const devices = [...(device === undefined ? [] : [device]), ...hook.list(hookAttr.DEVICES).map(([, payload]) => text(payload))]
  return {
    family,
    table: attributes.string(chainAttr.TABLE) ?? '',
    name: attributes.string(chainAttr.NAME) ?? '',
    type: attributes.string(chainAttr.TYPE),
    hook: number === undefined ? undefined : { number, devices: [...new Set(devices)] },
    policy: number === undefined ? undefined : u32be(attributes, chainAttr.POLICY) === NF_DROP ? 'drop' : 'accept',
  }
}

function decodeRule({ family, attributes }: Reply): NftRule {
  const expressions = attributes.list(ruleAttr.EXPRESSIONS).map(([, payload]) => {
    const expression = new Attributes(payload)
    return { name: expression.string(expressionAttr.NAME) ?? '', data: expression.nested(expressionAttr.DATA) }
  })
  return { family, table: attributes.string(ruleAttr.TABLE) ?? '', chain: attributes.string(ruleAttr.CHAIN) ?? '', expressions }
}
