/**
 * The required contents of the tables of security groups, as bytes: by the policies and classes of all switches. Keys
 * and values are strings of one character per byte, which can be compared.
 */
import type { Field } from '#abi/c-struct.ts'
import { u32 } from '#abi/c-struct.ts'
import * as layout from '#datapath/policy-layout.ts'
import type { Model } from '../../store/model.ts'
import { addressOfKey } from '../../store/keys.ts'
import { Numbers } from './hash32.ts'
import type { Atom, Policy } from './policy.ts'
import { peerVector, protocolRows, sameVector, type Vector } from './vectors.ts'
import { VpcPolicy } from './vpc-policy.ts'

/** Tables whose entries never change while their number is in use, in the order in which they are written. */
export const fixedTables = ['ruleNumbers', 'portRules', 'portCuts', 'peerRules'] as const
export type FixedTable = (typeof fixedTables)[number]
export type PolicyTable = FixedTable | 'members' | 'cidrs' | 'portPolicies'

/** Entries of a table by their keys. */
export type Entries = Map<string, string>

/** Layouts of the tables. */
export const policyFields = {
  ruleNumbers: { keyField: layout.ruleKey, valueField: u32 },
  portRules: { keyField: layout.portRulesKey, valueField: layout.ruleBits },
  portCuts: { keyField: layout.portCutsKey, valueField: layout.portCuts },
  peerRules: { keyField: layout.peerRulesKey, valueField: layout.ruleBits },
  members: { keyField: layout.memberKey, valueField: layout.member },
  cidrs: { keyField: layout.cidrKey, valueField: layout.member },
  portPolicies: { keyField: u32, valueField: layout.portPolicy },
} as const satisfies Record<PolicyTable, { readonly keyField: Field<any>; readonly valueField: Field<any> }>

/** A value as a string of its bytes. */
export function packed<T>(field: Field<T>, value: T): string {
  const bytes = Buffer.alloc(field.size)
  field.write(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, value)
  return bytes.toString('latin1')
}

/** The reverse. */
export function unpacked<T>(field: Field<T>, text: string): T {
  const bytes = Buffer.from(text, 'latin1')
  return field.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0)
}

/** Key of the table `members`. */
export const memberKeyOf = (vpc: number, address: string): string => packed(u32, vpc) + address

interface Class {
  readonly atoms: ReadonlySet<Atom>
}

const none: ReadonlySet<Atom> = new Set()

export class WantedPolicies {
  readonly vpcs = new Map<number, VpcPolicy>()
  readonly #policies = new Numbers<Policy>()
  readonly #classes = new Numbers<Class>()
  /** Vectors by policy and class; undefined: that of class 0 holds. */
  readonly #vectors = new Map<string, Vector | undefined>()
  readonly #classNumbers = new Map<string, number>()

  constructor(model: Model) {
    for (const sw of model.ofType('vpcsw')) {
      if (![...sw.ports].some(({ groups }) => groups.length > 0)) continue
      const vpc = new VpcPolicy(model, sw)
      this.vpcs.set(vpc.vpc, vpc)
    }
  }

  /** The class of a member, packed; undefined: the table has no such key. */
  member(vpc: number, address: string): string | undefined {
    const atoms = this.vpcs.get(vpc)?.atomsOf(address)
    return atoms && packed(layout.member, { classId: this.#classOf(atoms) })
  }

  /** All members. */
  members(): Entries {
    const found: Entries = new Map()
    for (const [number, vpc] of this.vpcs)
      for (const address of vpc.addresses()) found.set(memberKeyOf(number, address), this.member(number, address)!)
    return found
  }

  /** Networks and their classes. */
  cidrs(): Entries {
    const found: Entries = new Map()
    for (const [number, { networks }] of this.vpcs)
      for (const { key, length } of networks.all()) {
        const classId = this.#classOf(new Set(networks.around(key, length)))
        found.set(packed(layout.cidrKey, { length: length + 32, vpc: number, addr: addressOfKey(key) }), packed(layout.member, { classId }))
      }
    return found
  }

  portPolicies(): Entries {
    const found: Entries = new Map()
    for (const [number, vpc] of this.vpcs)
      for (const { port, in: into, out, tcpIdle, drain, stateless } of vpc.ports) {
        const value = {
          vpc: number,
          in: this.policyNumber(vpc.policies.get(into)!, into),
          out: out === undefined ? 0 : this.policyNumber(vpc.policies.get(out)!, out),
          tcpIdleS: tcpIdle,
          policyFlags: (drain ? layout.policyFlag.drain : 0) | (stateless ? layout.policyFlag.stateless : 0),
        }
        found.set(packed(u32, port.source), packed(layout.portPolicy, value))
      }
    return found
  }

  policyNumber(policy: Policy, content: string): number {
    return this.#policies.of(content, () => policy)
  }

  /**
   * Entries of the tables that are written before anything refers to them. `classes`: those that `cidrs` and `members`
   * name, now or a moment ago, by vpc.
   */
  fixed(classes: ReadonlyMap<number, ReadonlySet<number>>): Record<FixedTable, Entries> {
    const found = { ruleNumbers: new Map(), portRules: new Map(), portCuts: new Map(), peerRules: new Map() } as Record<FixedTable, Entries>
    for (const [number, vpc] of this.vpcs)
      for (const [content, policy] of vpc.policies)
        this.#addPolicy(found, this.policyNumber(policy, content), policy, classes.get(number) ?? new Set())
    return found
  }

  #addPolicy(found: Record<FixedTable, Entries>, number: number, policy: Policy, classes: ReadonlySet<number>): void {
    policy.rules.forEach((rule, bit) => found.ruleNumbers.set(packed(layout.ruleKey, { policy: number, bit }), packed(u32, rule.number)))
    for (const { protocol, cuts, rows } of protocolRows(policy)) {
      if (cuts.length > 0 || rows.length > 0)
        found.portCuts.set(
          packed(layout.portCutsKey, { policy: number, protocol }),
          packed(layout.portCuts, { count: cuts.length, first: [...cuts] }),
        )
      rows.forEach((row, interval) =>
        found.portRules.set(
          packed(layout.portRulesKey, { policy: number, protocol, interval }),
          packed(layout.ruleBits, { word: [...row] }),
        ),
      )
    }
    const add = (classId: number, vector: Vector): void =>
      void found.peerRules.set(packed(layout.peerRulesKey, { policy: number, classId }), packed(layout.ruleBits, { word: [...vector] }))
    add(0, peerVector(policy, none))
    for (const classId of classes) {
      const vector = this.#vectorOf(number, policy, classId)
      if (vector !== undefined) add(classId, vector)
    }
  }

  #vectorOf(number: number, policy: Policy, classId: number): Vector | undefined {
    const name = `${number} ${classId}`
    if (this.#vectors.has(name)) return this.#vectors.get(name)
    const vector = peerVector(policy, this.#classes.get(classId)?.atoms ?? none)
    const differs = sameVector(vector, peerVector(policy, none)) ? undefined : vector
    this.#vectors.set(name, differs)
    return differs
  }

  /** Take over old classes, so that vectors for them can be made while something refers to them. */
  inherit(before: WantedPolicies): void {
    for (const [number, known] of before.#classes.entries()) {
      const content = [...known.atoms].sort().join('\n')
      if (this.#classes.of(content, () => known) === number) this.#classNumbers.set(content, number)
    }
  }

  /** Forget classes that nothing refers to any more. */
  keepClasses(used: ReadonlyMap<number, ReadonlySet<number>>): void {
    const kept = new Set([...used.values()].flatMap((classes) => [...classes]))
    for (const [content, number] of this.#classNumbers) {
      if (kept.has(number)) continue
      this.#classNumbers.delete(content)
      this.#classes.delete(number)
    }
  }

  #classOf(atoms: ReadonlySet<Atom>): number {
    if (atoms.size === 0) return 0
    const content = atoms.size === 1 ? [...atoms][0]! : [...atoms].sort().join('\n')
    let number = this.#classNumbers.get(content)
    if (number === undefined) this.#classNumbers.set(content, (number = this.#classes.of(content, () => ({ atoms }))))
    return number
  }
}
