/**
 * The policies of one switch on this host: those of its ports, the peers of their rules, and the class of each such
 * peer. A pure function of the objects. Only groups that a rule of a port here names take part.
 */
import type { Id } from '#abi/id.ts'
import { toMapped } from '#wire/ip-address.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { formatPrefix, networkOf } from '#wire/prefix.ts'
import { addressKey } from '../../store/keys.ts'
import type { Group, Model, Port, Switch } from '../../store/model.ts'
import { Networks, networkFrom } from './networks.ts'
import { allowsMulticast, contentOf, policyOf, type Atom, type Policy } from './policy.ts'

/** What the programs know of a port that is in a group. */
export interface PortGroups {
  readonly port: Port
  readonly in: string
  /** Undefined: everything may go out. */
  readonly out: string | undefined
  readonly tcpIdle: number
  readonly drain: boolean
  readonly stateless: boolean
  readonly multicast: boolean
}

/** Groups that a port names and that exist in its switch. */
export const groupsOf = (model: Model, { groups, switch: sw }: Port): Group[] =>
  groups.flatMap((id) => {
    const group = model.find('group', id)
    return group !== undefined && sw !== null && group.switch === sw.id ? [group] : []
  })

export class VpcPolicy {
  readonly vpc: number
  /** By their contents. */
  readonly policies = new Map<string, Policy>()
  readonly ports: PortGroups[] = []
  readonly networks = new Networks()
  /** Addresses of the groups that rules name. */
  readonly #members: ReadonlyMap<Atom, readonly ReadonlySet<string>[]>
  /** The networks and groups that make up the classes. If they are equal, so are the classes of all networks. */
  readonly references: string

  constructor(model: Model, sw: Switch) {
    this.vpc = vpcOf(sw)
    for (const port of [...sw.ports].sort((a, b) => a.source - b.source)) if (port.groups.length > 0) this.#addPort(model, port)
    const atoms = [...new Set([...this.policies.values()].flatMap(({ rules }) => rules.flatMap((rule) => rule.atoms)))].sort()
    const sets = atoms.flatMap((atom) => this.#addNetworks(model, sw, atom))
    this.networks.finish()
    this.references = [...atoms, ...sets].join('\n')
    const local = localMembers(sw)
    this.#members = new Map(
      atoms.filter((atom) => atom.startsWith('group ')).map((atom) => [atom, membersOf(model, sw, atom.slice(6) as Id, local)]),
    )
  }

  /** The atoms of an address that is in a group; undefined: it is in none that counts. */
  atomsOf(address: string): ReadonlySet<Atom> | undefined {
    const atoms = new Set<Atom>()
    for (const [atom, lists] of this.#members) if (lists.some((list) => list.has(address))) atoms.add(atom)
    if (atoms.size === 0) return undefined
    for (const atom of this.networks.around(address)) atoms.add(atom)
    return atoms
  }

  /** All addresses that are in a group that counts; some perhaps twice. */
  *addresses(): Generator<string> {
    for (const lists of this.#members.values()) for (const list of lists) yield* list
  }

  #addPort(model: Model, port: Port): void {
    const groups = groupsOf(model, port)
    const into = this.#intern(policyOf(groups, 'in'))
    const out = policyOf(groups, 'out')
    this.ports.push({
      port,
      in: into,
      out: out.rules.length === 0 ? undefined : this.#intern(out),
      tcpIdle: Math.max(60, ...groups.map(({ tcpIdle }) => tcpIdle)),
      drain: groups.length > 0 && groups.every(({ onRevoke }) => onRevoke === 'drain'),
      stateless: !port.stateful,
      multicast: allowsMulticast(this.policies.get(into)!),
    })
  }

  #intern(policy: Policy): string {
    const content = contentOf(policy)
    if (!this.policies.has(content)) this.policies.set(content, policy)
    return content
  }

  /** Gives the networks of a set or subnet, in words. */
  #addNetworks(model: Model, sw: Switch, atom: Atom): string[] {
    const [kind, name] = atom.split(' ') as [string, string]
    if (kind === 'net') this.networks.add(networkFrom(name), atom)
    const networks = kind === 'set' ? ofSet(model, sw, name as Id) : kind === 'subnet' ? ofSubnet(model, sw, name as Id) : []
    for (const network of networks) this.networks.add(networkFrom(network), atom)
    return networks.length === 0 ? [] : [`${atom}: ${networks.join(' ')}`]
  }
}

function ofSet(model: Model, sw: Switch, id: Id): readonly string[] {
  const set = model.find('set', id)
  return set?.switch === sw.id ? set.networks : []
}

/** The prefixes of a subnet. */
function ofSubnet(model: Model, sw: Switch, id: Id): readonly string[] {
  const subnet = model.find('subnet', id)
  if (subnet?.switch !== sw) return []
  return [subnet.prefix4, subnet.prefix6].flatMap((prefix) => (prefix === null ? [] : [formatPrefix(networkOf(prefix))]))
}

/** The number of a switch in the tables. */
export const vpcOf = ({ unit }: Switch): number => unit + 1

const known = new WeakMap<readonly string[], ReadonlySet<string>>()

const keyOfText = (text: string): string => addressKey(toMapped(ipFrom(text)))

/** The addresses of a list as keys. A list never changes; another takes its place. */
export function keysOfList(list: readonly string[]): ReadonlySet<string> {
  let keys = known.get(list)
  if (keys === undefined) known.set(list, (keys = new Set(list.map(keyOfText))))
  return keys
}

/** How a list differs from another, as keys. Of 100 000 addresses only those that differ are read. */
export function changesBetween(before: readonly string[], after: readonly string[]): { readonly gone: string[]; readonly come: string[] } {
  const [then, now] = [new Set(before), new Set(after)]
  const gone = before.filter((text) => !now.has(text)).map(keyOfText)
  const come = after.filter((text) => !then.has(text)).map(keyOfText)
  const keys = new Set(keysOfList(before))
  for (const key of gone) keys.delete(key)
  for (const key of come) keys.add(key)
  known.set(after, keys)
  return { gone, come }
}

function membersOf(model: Model, sw: Switch, id: Id, local: ReadonlyMap<Id, ReadonlySet<string>>): ReadonlySet<string>[] {
  const group = model.find('group', id)
  if (group === undefined || group.switch !== sw.id) return []
  const here = local.get(id)
  return here === undefined ? [keysOfList(group.members)] : [keysOfList(group.members), here]
}

/** Addresses of the ports of a switch, by the groups that they name. */
function localMembers(sw: Switch): Map<Id, Set<string>> {
  const found = new Map<Id, Set<string>>()
  for (const port of sw.ports)
    for (const id of port.groups) {
      const keys = found.get(id) ?? new Set<string>()
      found.set(id, keys)
      for (const address of port.addresses) keys.add(addressKey(address))
    }
  return found
}
