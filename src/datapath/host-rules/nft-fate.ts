/**
 * What the host's rules do with the first packet of a flow: whether they drop it, whoever sent it. Walks the chains as
 * the kernel does; where a rule may or may not match, it goes both ways.
 */
import type { Attributes } from '#kernel/netlink-message.ts'
import { nftFamily, u32be, type NftChain, type NftExpression, type NftRule, type NftRuleset } from '#kernel/nftables.ts'
import type { FlowPacket, Match } from './flow-packet.ts'
import { lookUp, matchExpression, type Registers } from './nft-match.ts'

/** A chain that drops the packet. */
export interface Dropping {
  readonly family: string
  readonly table: string
  /** The chain at the hook: a rule at its top comes first. */
  readonly chain: string
  /** `its policy`, or the chain of the rule. */
  readonly by: string
}

const familyNames = Object.fromEntries(Object.entries(nftFamily).map(([name, number]) => [number, name]))
/** NF_INET_* and NF_NETDEV_INGRESS, by family. */
const hooksOf: Readonly<Record<FlowPacket['hook'], Readonly<Record<number, readonly number[]>>>> = {
  input: { [nftFamily.inet]: [0, 1, 5], [nftFamily.ip]: [0, 1], [nftFamily.netdev]: [0] },
  forward: { [nftFamily.inet]: [0, 2, 4], [nftFamily.ip]: [0, 2, 4] },
}
const verdictCode = { DROP: 0, ACCEPT: 1, QUEUE: 3, JUMP: -3, GOTO: -4, RETURN: -5 } as const

/** What may come of a chain; `drop` with the chain of the rule. */
interface Outcomes {
  readonly accept: boolean
  readonly through: boolean
  readonly drops: ReadonlySet<string>
}

type Verdict = { readonly code: number; readonly chain: string | undefined }

/** The chain that drops a packet whatever of it is not known; undefined: none does. */
export function droppedBy({ chains, rules }: NftRuleset, packet: FlowPacket): Dropping | undefined {
  const byChain = Map.groupBy(rules, ({ family, table, chain }) => `${family} ${table} ${chain}`)
  for (const base of chains.filter((chain) => sees(chain, packet))) {
    const { accept, through, drops } = new Walk(base, byChain, packet).chain(base.name, 0)
    if (accept || (through && base.policy !== 'drop')) continue
    const [rule] = drops
    const by = through || rule === undefined ? 'its policy' : rule === base.name ? 'a rule' : `chain ${rule}`
    return { family: familyNames[base.family]!, table: base.table, chain: base.name, by }
  }
  return undefined
}

function sees({ family, hook }: NftChain, { hook: where, fromDevice }: FlowPacket): boolean {
  if (hook === undefined || hooksOf[where][family]?.includes(hook.number) !== true) return false
  return hook.devices.length === 0 || hook.devices.includes(fromDevice)
}

/** The kernel allows no deeper jumps. */
const deepest = 16

class Walk {
  readonly #base: NftChain
  readonly #byChain: ReadonlyMap<string, readonly NftRule[]>
  readonly #packet: FlowPacket

  constructor(base: NftChain, byChain: ReadonlyMap<string, readonly NftRule[]>, packet: FlowPacket) {
    this.#base = base
    this.#byChain = byChain
    this.#packet = packet
  }

  chain(name: string, depth: number): Outcomes {
    const drops = new Set<string>()
    let accept = false
    if (depth > deepest) return { accept: true, through: true, drops }
    for (const rule of this.#byChain.get(`${this.#base.family} ${this.#base.table} ${name}`) ?? []) {
      const { match, verdict } = this.#rule(rule)
      if (match === 'no' || verdict === undefined) continue
      const { code, chain } = verdict
      const isSure = match === 'yes'
      if (code === verdictCode.DROP) drops.add(name)
      else if (code === verdictCode.ACCEPT || code === verdictCode.QUEUE) accept = true
      else if (code === verdictCode.JUMP || code === verdictCode.GOTO) {
        const inside = this.chain(chain ?? '', depth + 1)
        accept ||= inside.accept
        for (const each of inside.drops) drops.add(each)
        if (inside.through && code === verdictCode.JUMP) continue
        if (inside.through && isSure) return { accept, through: true, drops }
      } else if (code !== verdictCode.RETURN) continue
      else if (isSure) return { accept, through: true, drops }
      if (isSure) return { accept, through: false, drops }
    }
    return { accept, through: true, drops }
  }

  /** Whether a rule matches, and its verdict. */
  #rule({ expressions, family, table }: NftRule): { match: Match; verdict: Verdict | undefined } {
    const registers: Registers = new Map()
    let match: Match = 'yes'
    for (const expression of expressions) {
      const verdict = verdictOf(expression, registers, family, table)
      if (verdict === 'perhaps') return { match: 'perhaps', verdict: { code: verdictCode.ACCEPT, chain: undefined } }
      if (verdict !== undefined) return { match, verdict }
      const found = matchExpression(expression, registers, this.#packet, { family, table })
      if (found === 'no') return { match: 'no', verdict: undefined }
      if (found === 'perhaps') match = 'perhaps'
    }
    return { match, verdict: undefined }
  }
}

/** The verdict of an expression that ends its rule; `perhaps`: some verdict of a map. */
function verdictOf({ name, data }: NftExpression, registers: Registers, family: number, table: string): Verdict | 'perhaps' | undefined {
  if (name === 'reject') return { code: verdictCode.DROP, chain: undefined }
  if (name === 'target' && ['REJECT', 'DROP'].includes(data.string(1) ?? '')) return { code: verdictCode.DROP, chain: undefined }
  if (name === 'immediate' && data.nested(2).has(2)) return decode(data.nested(2).nested(2))
  if (name !== 'lookup' || u32be(data, 3) !== 0) return undefined
  const found = lookUp(registers.get(u32be(data, 2) ?? -1), family, table, data.string(1) ?? '')
  return found === 'perhaps' ? found : found?.verdict && decode(found.verdict)
}

const decode = (verdict: Attributes): Verdict => ({ code: (u32be(verdict, 1) ?? 0) | 0, chain: verdict.string(2) })
