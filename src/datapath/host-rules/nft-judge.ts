/**
 * Decides which rules of nftables must see each packet of a mux. A rule that cannot match the packets need not. Nor
 * need a rule that only accepts, drops or jumps by fields that are the same for all packets of a VTEP: the direct ways
 * ask the host's stack again and again (bpf/lib/path.h). Rules that count, limit, log, change packets, or decide by
 * fields that differ from packet to packet must see all of them.
 */
import type { Attributes } from '#kernel/netlink-message.ts'
import { nftFamily, u32be, type NftChain, type NftExpression, type NftRule, type NftRuleset } from '#kernel/nftables.ts'
import { hooksOf, meta, payload, type Known, type TunnelPackets } from './tunnel-packet.ts'

const CMP_EQ = 0
const CMP_NEQ = 1
const CT_STATE = 0
const VERDICT_REGISTER = 0
const FIELD = { REGISTER: 1, KEY: 2 } as const
const PAYLOAD = { BASE: 2, OFFSET: 3, LENGTH: 4 } as const
const LOOKUP_DREG = 3
const CMP = { SREG: 1, OP: 2, DATA: 3 } as const
const DATA_VALUE = 1
const DATA_VERDICT = 2
const VERDICT_CHAIN = 2

/** What walking a rule comes to. */
interface Walk {
  /** Why the packets must be seen; undefined: they need not. */
  readonly reason?: string
  /** Chains of the table that it may lead to; `any`: by a map of verdicts. */
  readonly jumps: readonly string[]
  readonly any: boolean
}

const nowhere: Walk = { jumps: [], any: false }
/** Expressions that change nothing and decide by their inputs. */
const plain: ReadonlySet<string> = new Set(['bitwise', 'byteorder', 'range', 'fib', 'rt', 'notrack', 'reject'])

/** Why rules must see each of these packets, in words; none: no rule must. */
export function judgeNft({ chains, rules }: NftRuleset, packets: TunnelPackets): string[] {
  const byChain = Map.groupBy(rules, ({ family, table, chain }) => keyOf(family, table, chain))
  const reasons = new Set<string>()
  for (const chain of chains.filter((candidate) => sees(candidate, packets))) {
    const reason = judgeChain(chain, packets, chains, byChain)
    if (reason !== undefined) reasons.add(reason)
  }
  return [...reasons]
}

const keyOf = (family: number, table: string, chain: string): string => `${family} ${table} ${chain}`

function sees({ family, hook }: NftChain, { direction, device }: TunnelPackets): boolean {
  if (hook === undefined || hooksOf[direction][family]?.includes(hook.number) !== true) return false
  return (
    hook.devices.length === 0 || hook.devices.some((name) => (name.endsWith('*') ? device.startsWith(name.slice(0, -1)) : name === device))
  )
}

const familyNames = Object.fromEntries(Object.entries(nftFamily).map(([name, number]) => [number, name]))

function judgeChain(
  base: NftChain,
  packets: TunnelPackets,
  chains: readonly NftChain[],
  byChain: ReadonlyMap<string, readonly NftRule[]>,
): string | undefined {
  const waiting = [base.name]
  const seen = new Set(waiting)
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    for (const rule of byChain.get(keyOf(base.family, base.table, name)) ?? []) {
      const { reason, jumps, any } = walk(rule, packets, base.type === 'nat')
      if (reason !== undefined) return `nftables: ${familyNames[base.family]} ${base.table} ${name}: ${reason}`
      const others = any
        ? chains.filter(({ family, table, hook }) => family === base.family && table === base.table && !hook).map((chain) => chain.name)
        : []
      for (const next of [...jumps, ...others]) if (!seen.has(next)) waiting.push(next)
      for (const next of [...jumps, ...others]) seen.add(next)
    }
  }
  return undefined
}

/** `nat`: only the first packet of a connection gets here. */
function walk({ expressions }: NftRule, packets: TunnelPackets, nat: boolean): Walk {
  const registers = new Map<number, Known>()
  const jumps: string[] = []
  let any = false
  for (const expression of expressions) {
    const { name, data } = expression
    if (name === 'cmp') {
      if (cannotMatch(data, registers)) return { ...nowhere, jumps, any }
    } else if (name === 'lookup') any ||= u32be(data, LOOKUP_DREG) === VERDICT_REGISTER
    else if (name === 'immediate') jumps.push(...jumpOf(data))
    else {
      const loaded = load(expression, packets)
      if (loaded === 'varying' && !nat) return { ...nowhere, reason: `decides by what differs from packet to packet (${name})` }
      if (loaded !== undefined) registers.set(u32be(data, FIELD.REGISTER) ?? -1, loaded)
      else if (!plain.has(name) && !(nat && name === 'counter')) return { ...nowhere, reason: name }
      else registers.clear()
    }
  }
  return { jumps, any }
}

/** The value that an expression loads into its register; undefined: it does something else. */
function load({ name, data }: NftExpression, packets: TunnelPackets): Known | undefined {
  if (!data.has(FIELD.REGISTER)) return undefined
  if (name === 'payload') return payload(packets, u32be(data, PAYLOAD.BASE)!, u32be(data, PAYLOAD.OFFSET)!, u32be(data, PAYLOAD.LENGTH)!)
  if (name === 'meta') return meta(packets, u32be(data, FIELD.KEY)!)
  if (name === 'ct') return u32be(data, FIELD.KEY) === CT_STATE ? 'constant' : 'varying'
  return undefined
}

/** A comparison that none of our packets passes. */
function cannotMatch(data: Attributes, registers: ReadonlyMap<number, Known>): boolean {
  const known = registers.get(u32be(data, CMP.SREG) ?? -1)
  const wanted = data.nested(CMP.DATA).bytes(DATA_VALUE)
  if (!Array.isArray(known) || wanted === undefined) return false
  const equal = (known as readonly Uint8Array[]).map((value) => Buffer.compare(value.subarray(0, wanted.length), wanted) === 0)
  const op = u32be(data, CMP.OP)
  if (op === CMP_EQ) return !equal.includes(true)
  return op === CMP_NEQ && !equal.includes(false)
}

function jumpOf(data: Attributes): string[] {
  const chain = data.nested(2).nested(DATA_VERDICT).string(VERDICT_CHAIN)
  return chain === undefined ? [] : [chain]
}
