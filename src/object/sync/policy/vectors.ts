/**
 * A policy in the form of the tables: vectors of one bit per rule. `peer_rules` has the rules that match a class of
 * peers, `port_cuts` and `port_rules` those that match a port. The first bit in both is the rule.
 */
import { maxCuts, ruleWords } from '#datapath/policy-layout.ts'
import type { Atom, Policy } from './policy.ts'

/** One bit per rule, in words of 64. */
export type Vector = readonly bigint[]

/** Key of the rows for protocols that no rule of a policy names. */
export const anyProtocol = 256

export interface ProtocolRows {
  readonly protocol: number
  /** First ports of all intervals but the first. */
  readonly cuts: readonly number[]
  /** By interval. */
  readonly rows: readonly Vector[]
}

export const vectorOf = (bits: Iterable<number>): Vector => {
  const words = Array.from({ length: ruleWords }, () => 0n)
  for (const bit of bits) words[bit >> 6]! |= 1n << BigInt(bit & 63)
  return words
}

export const sameVector = (a: Vector, b: Vector): boolean => a.every((word, i) => word === b[i])

/** Which rules hold for peers that have these atoms. */
export function peerVector({ rules }: Policy, atoms: ReadonlySet<Atom>): Vector {
  return vectorOf(indexes(rules, ({ atoms: wanted }) => wanted.length === 0 || wanted.some((atom) => atoms.has(atom))))
}

/** The rows of all protocols that a policy's rules name, and of all others. */
export function protocolRows(policy: Policy): ProtocolRows[] {
  const named = new Set(policy.rules.flatMap(({ protocol }) => protocol ?? []))
  return [...named, anyProtocol].map((protocol) => rowsOf(policy, protocol))
}

function rowsOf({ rules }: Policy, protocol: number): ProtocolRows {
  const own = rules.filter((rule) => rule.protocol === protocol)
  const cuts = [...new Set(own.flatMap(({ ranges }) => ranges.flatMap(([first, last]) => [first, last + 1])))]
    .filter((cut) => cut > 0 && cut <= 0xffff)
    .sort((a, b) => a - b)
  const rows = [0, ...cuts].map((port) =>
    vectorOf(
      indexes(
        rules,
        (rule) =>
          rule.protocol === undefined || (rule.protocol === protocol && rule.ranges.some(([first, last]) => first <= port && port <= last)),
      ),
    ),
  )
  return { protocol, cuts, rows }
}

function* indexes<T>(items: readonly T[], test: (item: T) => boolean): Generator<number> {
  for (const [i, item] of items.entries()) if (test(item)) yield i
}

/** The table that a policy does not fit into, its size, and the size needed. Undefined: it fits. */
export function excessOf(
  policy: Policy,
): { readonly table: string; readonly what: string; readonly has: number; readonly most: number } | undefined {
  const { rules } = policy
  const most = ruleWords * 64
  if (rules.length > most) return { table: 'peer_rules', what: 'rules', has: rules.length, most }
  for (const { cuts } of protocolRows(policy))
    if (cuts.length > maxCuts) return { table: 'port_cuts', what: 'bounds of port ranges', has: cuts.length, most: maxCuts }
  return undefined
}
