/**
 * What a set of security groups means in one direction: a list of rules, whose places are the bits of the tables'
 * vectors. The first rule in the list that allows a packet is its rule.
 */
import { isObjectPeer, parseIcmp, parsePorts, protocolNumber, type GroupRule, type RuleDirection } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import { idTypeCode } from '#abi/id.ts'
import { typeNameOf } from '#abi/object-type.ts'
import { hash32 } from './hash32.ts'

/** A peer of a rule, in the form of classes: `group ID`, `set ID`, `subnet ID`, `net PREFIX`. */
export type Atom = string

/** The atom of a rule's peer. */
export const atomOf = (peer: string): Atom => (isObjectPeer(peer) ? `${typeNameOf(idTypeCode(peer as Id))} ${peer}` : `net ${peer}`)

/** A range of destination ports, or of ICMP type * 256 + code. */
export type Range = readonly [first: number, last: number]

export interface PolicyRule {
  /** Who it is in flows, events and counters. */
  readonly number: number
  /** Undefined: any. */
  readonly protocol: number | undefined
  readonly ranges: readonly Range[]
  /** Empty: anybody. */
  readonly atoms: readonly Atom[]
}

export interface Policy {
  readonly direction: RuleDirection
  readonly rules: readonly PolicyRule[]
}

/** What a policy needs of a group. */
export interface RuleGroup {
  readonly id: Id
  readonly rules: readonly GroupRule[]
}

/** The number of a rule of a group. */
export const ruleNumber = (group: Id, rule: string): number => hash32(`rule ${group} ${rule}`)

const everything: Range = [0, 0xffff]

function rangesOf({ ports, icmp }: GroupRule): readonly Range[] {
  if (ports.length > 0) return ports.map((text) => parsePorts(text)!)
  if (icmp === null) return [everything]
  const { type, code } = parseIcmp(icmp)!
  return [code === undefined ? [type << 8, (type << 8) | 0xff] : [(type << 8) | code, (type << 8) | code]]
}

/** Groups by their ids, rules of a group in its order. */
export function policyOf(groups: readonly RuleGroup[], direction: RuleDirection): Policy {
  const ordered = groups.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  const rules = ordered.flatMap(({ id, rules: all }) =>
    all
      .filter((rule) => rule.direction === direction)
      .map((rule) => ({
        number: ruleNumber(id, rule.id),
        protocol: protocolNumber(rule.protocol),
        ranges: rangesOf(rule),
        atoms: rule.peers.map(atomOf),
      })),
  )
  return { direction, rules }
}

/** The content of a policy: two policies with the same content are one. */
export const contentOf = ({ direction, rules }: Policy): string => JSON.stringify([direction, rules])

/** Whether multicasts may come in: a rule names a multicast network. */
export const allowsMulticast = ({ direction, rules }: Policy): boolean =>
  direction === 'in' && rules.some(({ atoms }) => atoms.some((atom) => /^net (22[4-9]|23\d|ff[\da-f]{2}:)/.test(atom)))
