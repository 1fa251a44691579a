/** References of a host document: names of objects to ids, its owner, and what only one object can have. */
import { specsOf, type HostFile, type MuxSpec, type ObjectSpec, type PortSpec, type SubnetSpec, type SwitchSpec } from './host-file.ts'
import { BadHostFile } from './host-file-value.ts'
import { idTypeCode, parseId, type Id } from './id.ts'
import { isTitled } from './object-name.ts'
import { isUnitType, typeNameOf, type UnitType } from './object-type.ts'
import { keyOf, settingsOf } from './settings.ts'
import { mapped, type Steps } from './steps.ts'

/** A reference that is not resolved yet: the text of the document. */
export type Loose<T> = T extends { interface: unknown } ? Omit<T, 'interface'> & { interface: string | null } : T

/** Objects as the document has them, by the names in it. */
export type LooseSwitch = Omit<SwitchSpec, 'ports'> & { readonly ports: readonly Loose<PortSpec>[] }
export type LooseMux = Omit<MuxSpec, 'underlay'> & { readonly underlay: string | null }
export type LooseSubnet = Omit<SubnetSpec, 'switch' | 'router'> & { readonly switch: string | null; readonly router: string | null }
export type LooseFile = Omit<HostFile, 'switches' | 'ports' | 'muxes' | 'subnets'> & {
  readonly subnets: readonly LooseSubnet[]
  readonly switches: readonly LooseSwitch[]
  readonly ports: readonly Loose<PortSpec>[]
  readonly muxes: readonly LooseMux[]
}

/** What settings name. */
const referable: readonly UnitType[] = ['vpcsw', 'group', 'set', 'subnet', 'vpcrtr', 'ethlink']

/** Each object by its id and, where it has one, its unit name. */
function* namesOf(file: LooseFile): Steps<ReadonlyMap<string, ObjectSpec>> {
  const byName = new Map<string, ObjectSpec>()
  for (const spec of specsOf(file as unknown as HostFile)) {
    yield
    const twin = byName.get(spec.id)
    if (twin !== undefined) throw new BadHostFile(`${spec.path}.id`, `${spec.id} stands at ${twin.path} already`)
    byName.set(spec.id, spec)
    enterName(byName, spec)
    if (spec.unit === null) continue
    const unit = `${spec.type}${spec.unit}`
    const other = byName.get(unit)
    if (other !== undefined) throw new BadHostFile(`${spec.path}.unit`, `${unit} stands at ${other.path} already`)
    byName.set(unit, spec)
  }
  return byName
}

/** Of objects of one type, one has a name. A name cannot look like an id or a unit name. */
function enterName(byName: Map<string, ObjectSpec>, spec: ObjectSpec): void {
  if (!spec.name || isTitled(spec.type)) return
  const key = `${spec.type} ${spec.name}`
  const other = byName.get(key)
  if (other !== undefined) throw new BadHostFile(`${spec.path}.name`, `'${spec.name}' stands at ${other.path} already`)
  byName.set(key, spec)
}

/** Names of objects to their ids. Throws BadHostFile. */
export function* resolve(file: LooseFile): Steps<HostFile> {
  const byName = yield* namesOf(file)
  const find = (name: string | null, path: string, types: readonly UnitType[]): Id | null => {
    if (name === null) return null
    const named = types.flatMap((type) => byName.get(`${type} ${name}`) ?? [])
    if (named.length > 1)
      throw new BadHostFile(path, `'${name}' is the name of ${named.map((each) => each.path).join(' and ')}; write a unit`)
    const found = byName.get(name.toLowerCase()) ?? named[0] ?? (file.owner === null ? undefined : elsewhere(name))
    if (found === undefined) throw new BadHostFile(path, `'${name}' is neither the unit, the id nor the name of an object in this document`)
    if (!types.includes(found.type)) throw new BadHostFile(path, `'${name}' is a ${found.type}; what goes here is a ${types.join(' or ')}`)
    return found.id
  }
  /** Settings that are about other objects. */
  const renamed = <S extends { readonly type: UnitType; readonly path: string }>(spec: S): S => {
    const values = spec as Readonly<Record<string, unknown>>
    const found = settingsOf(spec.type).flatMap(([name, { kind, key }]) => {
      const at = `${spec.path}.${keyOf(name, { key })}`
      return kind.rename === undefined ? [] : [[name, kind.rename(values[name], (other) => find(other, at, referable)!)]]
    })
    return { ...spec, ...Object.fromEntries(found) }
  }
  const port = (spec: Loose<PortSpec>): PortSpec => ({
    ...renamed(spec),
    interface: find(spec.interface, `${spec.path}.interface`, ['vmnic', 'hostif', 'ethlink']),
  })
  const switches: SwitchSpec[] = []
  for (const spec of file.switches) switches.push({ ...spec, ports: yield* mapped(spec.ports, port) })
  const resolved: HostFile = yield* ofOwner({
    ...file,
    muxes: file.muxes.map((spec) => ({ ...spec, underlay: find(spec.underlay, `${spec.path}.underlay`, ['ethlink']) })),
    switches,
    ports: yield* mapped(file.ports, port),
    sets: yield* mapped(file.sets, renamed),
    groups: yield* mapped(file.groups, renamed),
    nats: yield* mapped(file.nats, renamed),
    subnets: yield* mapped(file.subnets, (spec) => ({
      ...spec,
      switch: find(spec.switch, `${spec.path}.switch`, ['vpcsw']),
      router: find(spec.router, `${spec.path}.router`, ['vpcrtr']),
    })),
  })
  yield* checkOnce(resolved)
  checkRemoved(resolved)
  return resolved
}

/** An object that may be on the host without being in the document: by its id. */
function elsewhere(name: string): Pick<ObjectSpec, 'type' | 'id'> | undefined {
  const read = parseId(name)
  const type = read.ok ? typeNameOf(idTypeCode(read.id)) : undefined
  return read.ok && type !== undefined && isUnitType(type) ? { type, id: read.id } : undefined
}

/** All objects of a document of an owner are the owner's. */
function* ofOwner(file: HostFile): Steps<HostFile> {
  const { owner } = file
  if (owner === null && file.partial) throw new BadHostFile('partial', `a partial document needs 'owner': it changes what this owner has`)
  if (owner === null) return file
  const owned = <S extends ObjectSpec>(spec: S): S => {
    if (spec.owner === null || spec.owner === owner) return { ...spec, owner, ...leftAlone(spec) }
    throw new BadHostFile(`${spec.path}.owner`, `it is ${spec.owner}'s, and the document is ${owner}'s`)
  }
  const switches: SwitchSpec[] = []
  for (const spec of file.switches) switches.push({ ...owned(spec), ports: yield* mapped(spec.ports, owned) })
  return {
    ...file,
    owner,
    ethlinks: file.ethlinks.map(owned),
    muxes: file.muxes.map(owned),
    vmnics: yield* mapped(file.vmnics, owned),
    hostifs: yield* mapped(file.hostifs, owned),
    switches,
    ports: yield* mapped(file.ports, owned),
    sets: yield* mapped(file.sets, owned),
    groups: yield* mapped(file.groups, owned),
    nats: yield* mapped(file.nats, owned),
    routers: yield* mapped(file.routers, owned),
    subnets: yield* mapped(file.subnets, owned),
  }
}

/** An operator may name what belongs to an owner, whose documents say nothing about it. */
const leftAlone = ({ type, name }: ObjectSpec): { name?: never } => (name === null && !isTitled(type) ? { name: undefined as never } : {})

/** What goes does not stay, and only a partial document says what goes. */
function checkRemoved({ partial, remove, ...file }: HostFile): void {
  if (!partial) {
    for (const { path, removeEntries } of file.muxes) refuseRemoval(`${path}.remove-entries`, removeEntries)
    for (const { path, removeNeighbours } of file.switches) refuseRemoval(`${path}.remove-neighbours`, removeNeighbours)
    return
  }
  if (remove.length === 0) return
  const stays = new Map([...specsOf({ partial, remove, ...file })].map(({ id, path }) => [id, path]))
  for (const [i, id] of remove.entries()) {
    const path = stays.get(id)
    if (path !== undefined) throw new BadHostFile(`remove[${i}]`, `${id} stands at ${path}, too`)
  }
}

function refuseRemoval(path: string, list: readonly unknown[]): void {
  if (list.length > 0) throw new BadHostFile(path, `this needs 'partial: true': a whole document leaves out what shall go`)
}

/** What only one object can have. */
function* checkOnce({ switches, ports, muxes }: HostFile): Steps<void> {
  const once = (what: string): ((key: Id | null, path: string) => void) => {
    const taken = new Map<Id, string>()
    return (key, path) => {
      if (key === null) return
      const before = taken.get(key)
      if (before !== undefined) throw new BadHostFile(path, `${what} ${before} already`)
      taken.set(key, path)
    }
  }
  const plugged = once('it is plugged in at')
  const uplinked = once('the uplink of the switch is at')
  const carried = once('it is the underlay at')
  for (const { ports: own } of [...switches, { ports }]) {
    for (const port of own) {
      yield
      plugged(port.interface, `${port.path}.interface`)
      if (port.uplink) uplinked(port.switch, `${port.path}.uplink`)
    }
  }
  for (const { underlay, path } of muxes) carried(underlay, `${path}.underlay`)
  for (const { entries, path } of muxes)
    yield* checkTwins(`${path}.entries`, entries, ({ vni, mac, vtep }) => (/[1-9a-f]/.test(mac) ? `${vni} ${mac}` : `${vni} ${vtep}`))
  for (const { neighbours, path } of switches)
    yield* checkTwins(`${path}.neighbours`, neighbours, ({ vni, address }) => `${vni} ${address}`)
}

function* checkTwins<T>(path: string, items: readonly T[], keyOf: (item: T) => string): Steps<void> {
  const seen = new Map<string, number>()
  for (const [i, item] of items.entries()) {
    yield
    const key = keyOf(item)
    const before = seen.get(key)
    if (before !== undefined) throw new BadHostFile(`${path}[${i}]`, `${key} stands at ${path}[${before}] already`)
    seen.set(key, i)
  }
}
