/** Reading a host document: shape, kinds of values, unique ids and units, and references that lead somewhere. */
import type {
  EntrySpec,
  EthlinkSpec,
  HostFile,
  HostFileProblem,
  HostifSpec,
  MuxSpec,
  NeighbourSpec,
  ObjectSpec,
  PortSpec,
  RouterSpec,
  SubnetSpec,
  SwitchSpec,
  VmnicSpec,
} from './host-file.ts'
import { hostFileVersion, specsOf } from './host-file.ts'
import { BadHostFile, FileMap } from './host-file-value.ts'
import { idTypeCode, parseId, type Id } from './id.ts'
import { optional, ownerName } from './kind.ts'
import { isUnitType, typeNameOf, type UnitType } from './object-type.ts'
import { keyOf, settingsOf, type Settings } from './settings.ts'

/** A reference that is not resolved yet: the text of the document. */
type Loose<T> = T extends { interface: unknown } ? Omit<T, 'interface'> & { interface: string | null } : T

/** Read a document, whoever wrote it: garbage gives a problem and never throws. */
export function readHostFile(value: unknown): { ok: true; value: HostFile } | { ok: false; problem: HostFileProblem } {
  try {
    return { ok: true, value: resolve(readRoot(value)) }
  } catch (error) {
    if (error instanceof BadHostFile) return { ok: false, problem: { path: error.path, problem: error.problem } }
    throw error
  }
}

type LooseSwitch = Omit<SwitchSpec, 'ports'> & { readonly ports: readonly Loose<PortSpec>[] }
type LooseMux = Omit<MuxSpec, 'underlay'> & { readonly underlay: string | null }
type LooseSubnet = Omit<SubnetSpec, 'switch' | 'router'> & { readonly switch: string | null; readonly router: string | null }
type LooseFile = Omit<HostFile, 'switches' | 'ports' | 'muxes' | 'subnets'> & {
  readonly subnets: readonly LooseSubnet[]
  readonly switches: readonly LooseSwitch[]
  readonly ports: readonly Loose<PortSpec>[]
  readonly muxes: readonly LooseMux[]
}

function readRoot(value: unknown): LooseFile {
  const map = new FileMap(value, '')
  const version = map.integer('version', [1, 1_000_000], null)
  if (version === null) map.refuse('version', `'version' must be given; this is version ${hostFileVersion}`)
  if (version !== hostFileVersion) map.refuse('version', `this is written for version ${version}; known here: ${hostFileVersion}`)
  const file = {
    owner: map.setting('owner', optional(ownerName), null),
    ethlinks: map.list('ethlinks', readEthlink),
    muxes: map.list('muxes', readMux),
    vmnics: map.list('vmnics', readVmnic),
    hostifs: map.list('hostifs', readHostif),
    switches: map.list('switches', readSwitch),
    ports: map.list('ports', (item, path) => readPort(item, path, null, 0)),
    routers: map.list('routers', readRouter),
    subnets: map.list('subnets', readSubnet),
  }
  map.end()
  return file
}

function common<T extends UnitType>(map: FileMap, type: T): Pick<ObjectSpec & { type: T }, 'path' | 'id' | 'unit' | 'mac'> & { type: T } {
  const id = map.id('id', type)
  const name = map.text('unit')
  const [, digits] = new RegExp(`^${type}(0|[1-9][0-9]{0,6})$`).exec(name ?? `${type}0`) ?? []
  if (digits === undefined) map.refuse('unit', `'${name}' is no unit name of this type; they look like ${type}0`)
  return { type, path: map.path, id, unit: name === null ? null : Number(digits), mac: map.mac('mac', id) }
}

/** Read an object with `read`, and refuse keys that are left. */
function whole<T>(value: unknown, path: string, read: (map: FileMap) => T): T {
  const map = new FileMap(value, path)
  const result = read(map)
  map.end()
  return result
}

/** The settings of a type; what is not said is as `usual` has it, or as in a new object. */
const readSettings = <T extends UnitType>(map: FileMap, type: T, usual: Partial<Settings<T>> = {}): Settings<T> =>
  Object.fromEntries(
    settingsOf(type).map(([name, { kind, initial, key }]) => {
      const fallback = (usual as Record<string, unknown>)[name] ?? initial
      return [name, map.setting(keyOf(name, { key }), kind, fallback)]
    }),
  ) as Settings<T>

const readEthlink = (value: unknown, path: string): EthlinkSpec =>
  whole(value, path, (map) => ({ ...common(map, 'ethlink'), ...readSettings(map, 'ethlink') }))

const readMux = (value: unknown, path: string): LooseMux =>
  whole(value, path, (map) => ({
    ...common(map, 'vpcmux'),
    ...readSettings(map, 'vpcmux'),
    underlay: map.text('underlay'),
    entries: map.list('entries', readEntry),
  }))

const readEntry = (value: unknown, path: string): EntrySpec =>
  whole(value, path, (map) => ({ vni: vniOf(map), mac: map.mac('mac'), vtep: map.vtep('vtep'), forward: map.boolean('forward', false) }))

const readVmnic = (value: unknown, path: string): VmnicSpec =>
  whole(value, path, (map) => ({ ...common(map, 'vmnic'), ...readSettings(map, 'vmnic') }))

const readHostif = (value: unknown, path: string): HostifSpec =>
  whole(value, path, (map) => ({ ...common(map, 'hostif'), ...readSettings(map, 'hostif') }))

const readSwitch = (value: unknown, path: string): LooseSwitch =>
  whole(value, path, (map) => {
    const shared = { ...common(map, 'vpcsw'), ...readSettings(map, 'vpcsw') }
    return {
      ...shared,
      ports: map.list('ports', (item, at) => readPort(item, at, shared.id, shared.vni)),
      neighbours: map.list('neighbours', readNeighbour),
    }
  })

const readNeighbour = (value: unknown, path: string): NeighbourSpec =>
  whole(value, path, (map) => ({ vni: vniOf(map), address: map.ip('address'), mac: map.mac('mac') }))

const readPort = (value: unknown, path: string, sw: Id | null, vni: number): Loose<PortSpec> =>
  whole(value, path, (map) => ({
    ...common(map, 'vpcp'),
    ...readSettings(map, 'vpcp', { vni }),
    switch: sw,
    uplink: sw !== null && map.boolean('uplink', false),
    interface: map.text('interface'),
  }))

const readRouter = (value: unknown, path: string): RouterSpec =>
  whole(value, path, (map) => ({ ...common(map, 'vpcrtr'), ...readSettings(map, 'vpcrtr') }))

const readSubnet = (value: unknown, path: string): LooseSubnet =>
  whole(value, path, (map) => ({
    ...common(map, 'subnet'),
    ...readSettings(map, 'subnet'),
    switch: map.text('switch'),
    router: map.text('router'),
  }))

const vniOf = (map: FileMap): number => map.vni('vni', null) ?? map.refuse('vni', `'vni' must be given`)

/** Names of objects to their ids: each object by its id and, where it has one, its unit name. */
function resolve(file: LooseFile): HostFile {
  const byName = new Map<string, ObjectSpec>()
  for (const spec of specsOf(file as unknown as HostFile)) {
    const twin = byName.get(spec.id)
    if (twin !== undefined) throw new BadHostFile(`${spec.path}.id`, `${spec.id} stands at ${twin.path} already`)
    byName.set(spec.id, spec)
    if (spec.unit === null) continue
    const unit = `${spec.type}${spec.unit}`
    const other = byName.get(unit)
    if (other !== undefined) throw new BadHostFile(`${spec.path}.unit`, `${unit} stands at ${other.path} already`)
    byName.set(unit, spec)
  }
  const find = (name: string | null, path: string, types: readonly UnitType[]): Id | null => {
    if (name === null) return null
    const found = byName.get(name.toLowerCase()) ?? (file.owner === null ? undefined : elsewhere(name))
    if (found === undefined) throw new BadHostFile(path, `'${name}' is neither the unit nor the id of an object in this document`)
    if (!types.includes(found.type)) throw new BadHostFile(path, `'${name}' is a ${found.type}; what goes here is a ${types.join(' or ')}`)
    return found.id
  }
  const port = (spec: Loose<PortSpec>): PortSpec => ({
    ...spec,
    interface: find(spec.interface, `${spec.path}.interface`, ['vmnic', 'hostif', 'ethlink']),
  })
  const resolved: HostFile = ofOwner({
    ...file,
    muxes: file.muxes.map((spec) => ({ ...spec, underlay: find(spec.underlay, `${spec.path}.underlay`, ['ethlink']) })),
    switches: file.switches.map((spec) => ({ ...spec, ports: spec.ports.map(port) })),
    ports: file.ports.map(port),
    subnets: file.subnets.map((spec) => ({
      ...spec,
      switch: find(spec.switch, `${spec.path}.switch`, ['vpcsw']),
      router: find(spec.router, `${spec.path}.router`, ['vpcrtr']),
    })),
  })
  checkOnce(resolved)
  return resolved
}

/** An object that may be on the host without being in the document: by its id. */
function elsewhere(name: string): Pick<ObjectSpec, 'type' | 'id'> | undefined {
  const read = parseId(name)
  const type = read.ok ? typeNameOf(idTypeCode(read.id)) : undefined
  return read.ok && type !== undefined && isUnitType(type) ? { type, id: read.id } : undefined
}

/** All objects of a document of an owner are the owner's. */
function ofOwner(file: HostFile): HostFile {
  const { owner } = file
  if (owner === null) return file
  const owned = <S extends ObjectSpec>(spec: S): S => {
    if (spec.owner === null || spec.owner === owner) return { ...spec, owner }
    throw new BadHostFile(`${spec.path}.owner`, `it is ${spec.owner}'s, and the document is ${owner}'s`)
  }
  return {
    owner,
    ethlinks: file.ethlinks.map(owned),
    muxes: file.muxes.map(owned),
    vmnics: file.vmnics.map(owned),
    hostifs: file.hostifs.map(owned),
    switches: file.switches.map((spec) => ({ ...owned(spec), ports: spec.ports.map(owned) })),
    ports: file.ports.map(owned),
    routers: file.routers.map(owned),
    subnets: file.subnets.map(owned),
  }
}

/** What only one object can have. */
function checkOnce({ switches, ports, muxes }: HostFile): void {
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
      plugged(port.interface, `${port.path}.interface`)
      if (port.uplink) uplinked(port.switch, `${port.path}.uplink`)
    }
  }
  for (const { underlay, path } of muxes) carried(underlay, `${path}.underlay`)
  for (const { entries, path } of muxes)
    checkTwins(
      `${path}.entries`,
      entries.map(({ vni, mac, vtep }) => (/[1-9a-f]/.test(mac) ? `${vni} ${mac}` : `${vni} ${vtep}`)),
    )
  for (const { neighbours, path } of switches)
    checkTwins(
      `${path}.neighbours`,
      neighbours.map(({ vni, address }) => `${vni} ${address}`),
    )
}

function checkTwins(path: string, keys: readonly string[]): void {
  const seen = new Map<string, number>()
  for (const [i, key] of keys.entries()) {
    const before = seen.get(key)
    if (before !== undefined) throw new BadHostFile(`${path}[${i}]`, `${key} stands at ${path}[${before}] already`)
    seen.set(key, i)
  }
}
