/** Names of classes of vnics in the matrix: what they have in common, and what tells two apart that have the same. */
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'
import type { Names } from './names.ts'

/** What tells vnics of one class from those of another, besides their subnet and groups. */
export interface Traits {
  /** The host of its first vnic; undefined: it is not plugged in. */
  readonly host: ObjectRecord | undefined
  /** Whether other hosts reach that host. */
  readonly hasUnderlay: boolean
  /** Whether floating addresses stand for them. */
  readonly isPublic: boolean
  /** Networks of rules and routes that their addresses are in, of those that the asker may read. */
  readonly networks: readonly string[]
}

export interface Described {
  readonly vnic: ObjectRecord
  readonly traits: Traits
}

/** A name for each: subnet, groups, and of those with the same words what differs. */
export function classNames(cloud: Cloud, names: Names, classes: readonly Described[]): string[] {
  const bases = classes.map(({ vnic }) => baseOf(cloud, names, vnic))
  const words = classes.map((each) => traitWords(cloud, names, each))
  const told = bases.map((base, i) => {
    const alike = words.filter((_, j) => bases[j] === base)
    const telling = words[i]!.filter((word, n) => word !== '' && alike.some((other) => other[n] !== word))
    return [base, ...telling].join(', ')
  })
  // What tells them apart may be nothing that the asker may know.
  return told.map((name, i) =>
    told.every((other, j) => i === j || other !== name) ? name : `${name}, such as ${names.text(classes[i]!.vnic)}`,
  )
}

function baseOf(cloud: Cloud, names: Names, vnic: ObjectRecord): string {
  const { subnet, groups } = vnicSpec(vnic)
  const named = groups.map((group) => names.text(cloud.must('group', group)))
  const inGroups = named.length === 0 ? 'in no group' : `in ${named.join(', ')}`
  return `${names.text(cloud.must('subnet', subnet))}, ${inGroups}${vnic.binding === undefined ? ', not plugged in' : ''}`
}

/** A word or nothing for each trait, at the same place for each class. */
function traitWords(cloud: Cloud, names: Names, { vnic, traits: { host, hasUnderlay, isPublic, networks } }: Described): string[] {
  const at = (kind: 'facility' | 'az', id: unknown): string => {
    const record = typeof id === 'string' ? cloud.get(kind, id) : undefined
    return record === undefined || !names.mayRead(record) ? '' : `in ${kind === 'az' ? 'zone' : kind} ${names.path(record)}`
  }
  const families = [...new Set(vnicSpec(vnic).addresses.map(familyOf))].sort()
  return [
    at('facility', host?.spec.facility),
    at('az', host?.spec.az),
    host === undefined ? '' : hasUnderlay ? '' : 'on a host that others do not reach',
    isPublic ? 'with a floating address' : 'without a floating address',
    families.length === 0 ? 'without an address' : families.map((family) => `IPv${family}`).join(' and '),
    networks.length === 0 ? '' : `in ${networks.join(' and ')}`,
  ]
}
