/** Reads a host document: checks its shape, the kinds of values, unique ids and units, and references. */
import type {
  AddressSetSpec,
  EntrySpec,
  EthlinkSpec,
  GroupSpec,
  HostFile,
  HostFileProblem,
  HostifSpec,
  NatSpec,
  NeighbourSpec,
  ObjectSpec,
  PortSpec,
  RouterSpec,
  VmnicSpec,
} from './host-file.ts'
import { hostFileVersion } from './host-file.ts'
import { BadHostFile, FileMap } from './host-file-value.ts'
import { resolve, type Loose, type LooseFile, type LooseMux, type LooseSubnet, type LooseSwitch } from './host-file-resolve.ts'
import { describeIdProblem, parseId, type Id } from './id.ts'
import { optional, ownerName } from './kind.ts'
import type { UnitType } from './object-type.ts'
import { keyOf, settingsOf, type Settings } from './settings.ts'
import { drain, type Steps } from './steps.ts'

type Read = { ok: true; value: HostFile } | { ok: false; problem: HostFileProblem }

/** Read a document from any source: garbage gives a problem and never throws. */
export const readHostFile = (value: unknown): Read => drain(readHostFileInSteps(value))

/** The same, an object or an entry with each step. */
export function* readHostFileInSteps(value: unknown): Steps<Read> {
  try {
    return { ok: true, value: yield* resolve(yield* readRoot(value)) }
  } catch (error) {
    if (error instanceof BadHostFile) return { ok: false, problem: { path: error.path, problem: error.problem } }
    throw error
  }
}

function* readRoot(value: unknown): Steps<LooseFile> {
  const map = new FileMap(value, '')
  const version = map.integer('version', [1, 1_000_000], null)
  if (version === null) map.refuse('version', `'version' must be given; this is version ${hostFileVersion}`)
  if (version !== hostFileVersion)
    map.refuse('version', `this is written for version ${version}; this vpcd reads version ${hostFileVersion}`)
  const owner = map.setting('owner', optional(ownerName), null)
  const file = {
    owner,
    prune: map.boolean('prune', true),
    ...(yield* readPartial(map)),
    ethlinks: yield* map.list('ethlinks', readEthlink),
    muxes: yield* map.deepList('muxes', readMux),
    vmnics: yield* map.list('vmnics', readVmnic),
    hostifs: yield* map.list('hostifs', (item, path) => readHostif(item, path, owner)),
    switches: yield* map.deepList('switches', readSwitch),
    ports: yield* map.list('ports', (item, path) => readPort(item, path, null, 0)),
    routers: yield* map.list('routers', readRouter),
    subnets: yield* map.list('subnets', readSubnet),
    sets: yield* map.list('sets', readAddressSet),
    groups: yield* map.list('groups', readGroup),
    nats: yield* map.list('nats', readNat),
  }
  map.end()
  return file
}

/** What only a partial document has. */
function* readPartial(map: FileMap): Steps<Pick<LooseFile, 'partial' | 'remove'>> {
  const partial = map.boolean('partial', false)
  const remove = yield* map.list('remove', (item, path) => idAt(item, path))
  if (!partial && remove.length > 0) map.refuse('remove', `this needs 'partial: true': a whole document leaves out what shall go`)
  return { partial, remove }
}

function idAt(value: unknown, path: string): Id {
  const parsed = parseId(typeof value === 'string' ? value : '')
  if (parsed.ok) return parsed.id
  throw new BadHostFile(path, describeIdProblem(parsed.problem))
}

function common<T extends UnitType>(map: FileMap, type: T): Pick<ObjectSpec & { type: T }, 'path' | 'id' | 'unit' | 'mac'> & { type: T } {
  const id = map.id('id', type)
  const name = map.text('unit')
  const [, digits] = new RegExp(`^${type}(0|[1-9][0-9]{0,6})$`).exec(name ?? `${type}0`) ?? []
  if (digits === undefined) map.refuse('unit', `'${name}' is not a unit name of this type; they look like ${type}0`)
  return { type, path: map.path, id, unit: name === null ? null : Number(digits), mac: map.mac('mac', id) }
}

/** Read an object with `read`, and refuse the remaining keys. */
function whole<T>(value: unknown, path: string, read: (map: FileMap) => T): T {
  const map = new FileMap(value, path)
  const result = read(map)
  map.end()
  return result
}

/** The same in steps. */
function* wholeInSteps<T>(value: unknown, path: string, read: (map: FileMap) => Steps<T>): Steps<T> {
  const map = new FileMap(value, path)
  const result = yield* read(map)
  map.end()
  return result
}

/** The settings of a type; missing ones are as in `usual`, or as in a new object. */
const readSettings = <T extends UnitType>(map: FileMap, type: T, usual: Partial<Settings<T>> = {}): Settings<T> =>
  Object.fromEntries(
    settingsOf(type).map(([name, { kind, initial, key }]) => {
      const fallback = (usual as Record<string, unknown>)[name] ?? initial
      return [name, map.setting(keyOf(name, { key }), kind, fallback)]
    }),
  ) as Settings<T>

const readEthlink = (value: unknown, path: string): EthlinkSpec =>
  whole(value, path, (map) => ({ ...common(map, 'ethlink'), ...readSettings(map, 'ethlink') }))

const readMux = (value: unknown, path: string): Steps<LooseMux> =>
  wholeInSteps(value, path, function* (map) {
    const mux = { ...common(map, 'vpcmux'), ...readSettings(map, 'vpcmux'), underlay: map.text('underlay') }
    const entries = yield* map.list('entries', readEntry)
    return { ...mux, entries, removeEntries: yield* map.list('remove-entries', readEntry) }
  })

const readEntry = (value: unknown, path: string): EntrySpec =>
  whole(value, path, (map) => ({ vni: vniOf(map), mac: map.mac('mac'), vtep: map.vtep('vtep'), forward: map.boolean('forward', false) }))

const readVmnic = (value: unknown, path: string): VmnicSpec =>
  whole(value, path, (map) => ({ ...common(map, 'vmnic'), ...readSettings(map, 'vmnic') }))

/** Owners keep a hostif for a guest that somebody else may choose: a document of theirs without one leaves it alone. */
const readHostif = (value: unknown, path: string, owner: string | null): HostifSpec =>
  whole(value, path, (map) => ({
    ...common(map, 'hostif'),
    ...readSettings(map, 'hostif'),
    ...(owner !== null && !map.has('guest') && { guest: undefined as never }),
  }))

const readAddressSet = (value: unknown, path: string): AddressSetSpec =>
  whole(value, path, (map) => ({ ...common(map, 'set'), ...readSettings(map, 'set') }))

const readGroup = (value: unknown, path: string): GroupSpec =>
  whole(value, path, (map) => ({ ...common(map, 'group'), ...readSettings(map, 'group') }))

const readSwitch = (value: unknown, path: string): Steps<LooseSwitch> =>
  wholeInSteps(value, path, function* (map) {
    const shared = { ...common(map, 'vpcsw'), ...readSettings(map, 'vpcsw') }
    return {
      ...shared,
      ports: yield* map.list('ports', (item, at) => readPort(item, at, shared.id, shared.vni)),
      neighbours: yield* map.list('neighbours', readNeighbour),
      removeNeighbours: yield* map.list('remove-neighbours', readNeighbour),
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

const readNat = (value: unknown, path: string): NatSpec =>
  whole(value, path, (map) => ({ ...common(map, 'vpcnat'), ...readSettings(map, 'vpcnat') }))

const readSubnet = (value: unknown, path: string): LooseSubnet =>
  whole(value, path, (map) => ({
    ...common(map, 'subnet'),
    ...readSettings(map, 'subnet'),
    switch: map.text('switch'),
    router: map.text('router'),
  }))

const vniOf = (map: FileMap): number => map.vni('vni', null) ?? map.refuse('vni', `'vni' must be given`)
