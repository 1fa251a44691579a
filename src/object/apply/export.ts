/** The document of a host: all that persists, in a stable order, without what has its default. */
import { hostFileVersion, type EntrySpec, type HostDocument, type NeighbourSpec } from '#abi/host-file.ts'
import { idMac, type Id } from '#abi/id.ts'
import type { UnitType } from '#abi/object-type.ts'
import { initialSettings, keyOf, settingsOf } from '#abi/settings.ts'
import { mapped, type Steps } from '#abi/steps.ts'
import { asMac, formatMac } from '#wire/mac.ts'
import { persists, unitName, type Model, type Mux, type ObjectOf, type Port, type Switch, type VpcObject } from '../store/model.ts'
import { entrySpecs, neighbourSpecs, placesOf } from './spec.ts'

type Plain = HostDocument

/** What `vpc export` writes, as JSON: of all objects, or of those of an owner; an object or an entry with each step. */
export function* exportHost(all: Model, owner?: string): Steps<Plain> {
  const model = new View(all, owner)
  const muxes: Plain[] = []
  for (const mux of ordered(model, 'vpcmux')) muxes.push(yield* exportMux(model, mux))
  const switches: Plain[] = []
  for (const sw of ordered(model, 'vpcsw')) switches.push(yield* exportSwitch(model, sw))
  const single = ordered(model, 'vpcp').filter(({ switch: sw }) => sw === null || !persists(sw))
  return leaveOut({
    version: hostFileVersion,
    owner,
    ethlinks: yield* mapped(ordered(model, 'ethlink'), (object) => exportObject(model, object)),
    muxes,
    vmnics: yield* mapped(ordered(model, 'vmnic'), (object) => exportObject(model, object)),
    hostifs: yield* mapped(ordered(model, 'hostif'), (object) => exportObject(model, object)),
    switches,
    ports: yield* mapped(single, (port) => exportPort(model, port, 0)),
    routers: yield* mapped(ordered(model, 'vpcrtr'), (object) => exportObject(model, object)),
    subnets: yield* mapped(ordered(model, 'subnet'), (subnet) =>
      leaveOut({ ...exportObject(model, subnet), ...exportPlaces(model, subnet) }),
    ),
    sets: yield* mapped(ordered(model, 'set'), (object) => exportObject(model, object)),
    groups: yield* mapped(ordered(model, 'group'), (object) => exportObject(model, object)),
    nats: yield* mapped(ordered(model, 'vpcnat'), (object) => exportObject(model, object)),
  })
}

/** What a document is about. */
class View {
  readonly #model: Model
  readonly #owner: string | undefined

  constructor(model: Model, owner: string | undefined) {
    this.#model = model
    this.#owner = owner
  }

  has(object: VpcObject): boolean {
    return persists(object) && (this.#owner === undefined || object.owner === this.#owner)
  }

  ofType<T extends UnitType>(type: T): ObjectOf<T>[] {
    return [...this.#model.ofType(type)].filter((object) => this.has(object))
  }

  /** How the document names an object: by its id if the object is not in the document. */
  nameOf(id: Id): string {
    const object = this.#model.objects.get(id)
    return object !== undefined && this.has(object) ? unitName(object) : id
  }
}

/** By unit number. */
const ordered = <T extends UnitType>(model: View, type: T): ObjectOf<T>[] => model.ofType(type).sort((a, b) => a.unit - b.unit)

/** Name and settings, without those that are as `usual`, or as in a new object. */
function exportObject(model: View, object: VpcObject, usual: Readonly<Record<string, unknown>> = {}): Plain {
  const { type, id, mac } = object
  const values = object as unknown as Readonly<Record<string, unknown>>
  const initial: Readonly<Record<string, unknown>> = { ...initialSettings(type), ...usual }
  const settings = settingsOf(type).map(([name, { kind, key }]): [string, unknown] => {
    const named = kind.rename?.(values[name], (other) => model.nameOf(other as Id))
    const value = kind.toJson(named ?? values[name])
    return [keyOf(name, { key }), JSON.stringify(value) === JSON.stringify(kind.toJson(initial[name])) ? null : value]
  })
  const ownMac = formatMac(mac)
  return leaveOut({
    unit: unitName(object),
    id,
    mac: ownMac === formatMac(asMac(idMac(id))) ? null : ownMac,
    ...Object.fromEntries(settings),
  })
}

/** Without what is null or an empty list. */
function leaveOut(values: Plain): Plain {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0)),
  )
}

/** Places by names. */
const exportPlaces = (model: View, object: VpcObject): Plain =>
  Object.fromEntries(
    Object.entries(placesOf(object, new Map())).map(([key, place]) => [
      key,
      typeof place === 'string' ? model.nameOf(place as Id) : place || null,
    ]),
  )

function* exportMux(model: View, mux: Mux): Steps<Plain> {
  const entries = yield* mapped(entrySpecs(mux.entries), (entry) => entry)
  return leaveOut({
    ...exportObject(model, mux),
    ...exportPlaces(model, mux),
    entries: yield* mapped(entries.sort(byEntry), exportEntry),
  })
}

const exportEntry = ({ forward, ...entry }: EntrySpec): Plain => (forward ? { ...entry, forward } : entry)

function* exportSwitch(model: View, sw: Switch): Steps<Plain> {
  const ports = [...sw.ports].filter((port) => model.has(port)).sort((a, b) => a.unit - b.unit)
  return leaveOut({
    ...exportObject(model, sw),
    ports: yield* mapped(ports, (port) => exportPort(model, port, sw.vni)),
    neighbours: [...neighbourSpecs(sw.neighbours)].sort(byNeighbour),
  })
}

/** The document has it below its switch, whose VNI is the usual one. */
function exportPort(model: View, port: Port, vni: number): Plain {
  return leaveOut({ ...exportObject(model, port, { vni }), ...exportPlaces(model, port), switch: null })
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byEntry = (a: EntrySpec, b: EntrySpec): number => a.vni - b.vni || compareText(a.mac, b.mac) || compareText(a.vtep, b.vtep)
const byNeighbour = (a: NeighbourSpec, b: NeighbourSpec): number => a.vni - b.vni || compareText(a.address, b.address)
