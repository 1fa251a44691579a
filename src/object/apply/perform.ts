/**
 * Makes a host as a document says, in one transaction. First it disconnects what must move or go, so that VNIs, MACs
 * and interfaces are free for their new users. Then it removes objects. Then it makes and sets everything, the underlay
 * before the units that follow its MTU.
 */
import { encodeArray, fte, fteFlag, neighbourEntry } from '#abi/layouts.ts'
import {
  type EntrySpec,
  type HostChange,
  type HostFile,
  type MuxSpec,
  type NatSpec,
  type NeighbourSpec,
  type ObjectSpec,
  type PortSpec,
  type RouterSpec,
  type SubnetSpec,
  type SwitchSpec,
  type VmnicSpec,
} from '#abi/host-file.ts'
import { idTypeCode, type Id } from '#abi/id.ts'
import { isTitled } from '#abi/object-name.ts'
import { typeNameOf, type UnitType } from '#abi/object-type.ts'
import { settingsOf } from '#abi/settings.ts'
import { routePlace } from '#abi/route.ts'
import { mapped } from '#abi/steps.ts'
import { parseEndpoint } from '#wire/endpoint.ts'
import { parseIp, toMapped } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import { must } from '#wire/result.ts'
import { macNumber } from '../store/keys.ts'
import { create, destroy } from '../type/life.ts'
import { unitName, type Mux, type ObjectOf, type Port, type Router, type Subnet, type Switch, type VpcObject } from '../store/model.ts'
import { disconnectMux, muxType } from '../type/mux.ts'
import { disconnectPort, leaveSwitch } from '../type/port.ts'
import { routesByPlace } from '../store/routing.ts'
import { setRoutes } from '../type/routes.ts'
import { leaveSwitchOf } from '../type/subnet.ts'
import { persists } from '../store/model.ts'
import { checkOwners, checkPruned, checkUnits } from './check.ts'
import { compareHost, differences, type Comparison } from './compare.ts'
import { counting, counts, placesIn, placesOf } from './spec.ts'
import { setMac } from '../meta-operations.ts'
import { setObjectName } from '../type/name.ts'
import { releaseNat } from './release-nat.ts'
import type { Steps } from './steps.ts'

/** Do it, object by object. Yields the changes; none when nothing differed. */
export function* applyHost(steps: Steps, file: HostFile): Generator<void, readonly HostChange[]> {
  const comparison = yield* compareHost(steps.context.model, file)
  yield* checkUnits(steps.context, comparison)
  yield* checkOwners(steps.context, file, comparison)
  checkPruned(file, comparison)
  if (comparison.changes.length === 0) return []
  yield* claimChanges(steps, comparison)
  const performer = new Performer(steps, comparison)
  yield* performer.release()
  yield* performer.remove()
  yield* performer.make(file)
  return yield* mapped(comparison.changes, (change) => ({ ...change, unit: change.unit ?? unitOf(steps, change.id) }))
}

const unitOf = ({ context: { model } }: Steps, id: Id): string | null => {
  const object = model.objects.get(id)
  return object === undefined ? null : unitName(object)
}

/**
 * Applying a document needs the right to each object that changes, and to the objects that it is or was connected to.
 */
function* claimChanges({ context: { model }, tx, claim }: Steps, { wanted, changes }: Comparison): Generator<void, void> {
  tx.asked = 'apply the document'
  for (const { action, type, id, settings } of changes) {
    yield
    claim(tx, type, id, action === 'create' ? 'create' : 'write')
    if (type === 'hostif' && settings.some(({ key }) => key === 'guest')) claim(tx, type, id, 'handover')
    const [object, spec] = [model.objects.get(id), wanted.get(id)]
    const before = Object.values(object === undefined ? {} : placesOf(object, wanted))
    const after = Object.values(spec === undefined ? {} : placesIn(spec))
    const moved = [...before.filter((place) => !after.includes(place)), ...after.filter((place) => !before.includes(place))]
    const known = object === undefined ? [] : namedIn(type, object)
    const named = spec === undefined ? [] : namedIn(type, spec).filter((other) => !known.includes(other))
    for (const other of [...moved, ...named]) if (typeof other === 'string') claim(tx, typeNameOf(idTypeCode(other))!, other)
  }
}

/** The objects that settings name, as peers of routes. */
const namedIn = (type: UnitType, values: object): readonly Id[] =>
  settingsOf(type).flatMap(([name, { kind }]) => kind.codec?.names?.((values as Readonly<Record<string, unknown>>)[name]) ?? [])

/** One with each step. */
function* each<T>(items: Iterable<T>, act: (item: T) => void): Generator<void, void> {
  for (const item of items) {
    act(item)
    yield
  }
}

/**
 * What another subnet may have, so that a subnet that changes it first leaves its switch. It leaves its router too, and
 * the router's routes by its stations go: nothing else may make it leave.
 */
const exclusive: ReadonlySet<string> = new Set(['vni', 'prefix4', 'prefix6', 'gateway4', 'gateway6', 'switch', 'router'])

const numberedFirst = (a: ObjectSpec, b: ObjectSpec): number => Number(a.unit === null) - Number(b.unit === null)

class Performer {
  readonly #steps: Steps
  readonly #comparison: Comparison

  constructor(steps: Steps, comparison: Comparison) {
    this.#steps = steps
    this.#comparison = comparison
  }

  /** Disconnect objects that go to another user, or away. */
  *release(): Generator<void, void> {
    const { context, tx } = this.#steps
    const { wanted, gone } = this.#comparison
    for (const object of counting(context.model, wanted)) {
      yield
      const spec = wanted.get(object.id)
      // What goes lets go of what stays.
      if (gone.has(object) && object.type === 'vpcp') disconnectPort(context, tx, object)
      if (spec === undefined) continue
      // Names may change places.
      if (spec.name !== undefined && spec.name !== object.name && !isTitled(object.type)) setObjectName(context, tx, object, null)
      if (object.type === 'vpcp') this.#releasePort(object, spec as PortSpec)
      if (object.type === 'vpcsw') this.#releaseSwitch(object, spec as SwitchSpec)
      if (object.type === 'vpcmux') this.#releaseMux(object, spec as MuxSpec)
      if (object.type === 'subnet') this.#releaseSubnet(object, spec as SubnetSpec)
      if (object.type === 'vpcrtr') this.#releaseRouter(object, spec as RouterSpec)
      if (object.type === 'vpcnat') releaseNat(context, tx, object, spec as NatSpec)
      if (object.type === 'vmnic' && object.frozen && !(spec as VmnicSpec).frozen) this.#steps.do('vmnicUnfreeze', object, undefined)
    }
    for (const spec of wanted.values()) {
      yield
      if (spec.type === 'vpcp') this.#freePlug(spec)
      if (spec.type === 'vpcmux') this.#freeUnderlay(spec)
    }
    for (const ethlink of context.model.ofType('ethlink')) {
      const spec = wanted.get(ethlink.id)
      if (ethlink.l2Name === null || spec?.type !== 'ethlink' || ethlink.l2Name === spec.l2Name) continue
      this.#steps.do('ethlinkDisconnect', ethlink, undefined)
    }
  }

  /** Whether an object shall be connected to another one than now. None means: none that counts. */
  #moves(is: VpcObject | null, asked: Id | null): boolean {
    return is !== null && is.id !== asked && (asked !== null || counts(is, this.#comparison.wanted))
  }

  /** A document of an owner takes nothing from objects out of its scope: connecting is refused then. */
  #mayTakeFrom(object: VpcObject): boolean {
    const { owner, wanted, gone } = this.#comparison
    return owner === null || wanted.has(object.id) || gone.has(object)
  }

  /** An interface for a port may be in a port that nobody has committed. */
  #freePlug({ id, interface: plug }: PortSpec): void {
    const { context, tx } = this.#steps
    const plugged = plug === null ? undefined : context.model.objects.get(plug)
    const holder = plugged !== undefined && 'port' in plugged ? plugged.port : null
    if (holder !== null && holder.id !== id && this.#mayTakeFrom(holder)) disconnectPort(context, tx, holder)
  }

  /** The underlay of a mux may be in use by a mux that nobody has committed. */
  #freeUnderlay({ id, underlay }: MuxSpec): void {
    const { context, tx } = this.#steps
    const carrier = underlay === null ? undefined : context.model.find('ethlink', underlay)?.mux
    if (carrier && carrier.id !== id && this.#mayTakeFrom(carrier)) disconnectMux(context, tx, carrier)
  }

  #releasePort(port: Port, spec: PortSpec): void {
    const { context, tx } = this.#steps
    if (this.#moves(port.peer, spec.interface)) disconnectPort(context, tx, port)
    const staying = port.macs.filter((mac) => spec.macs.some((wanted) => macNumber(wanted) === macNumber(mac)))
    if (staying.length < port.macs.length) this.#steps.do('vpcpMacsSet', port, staying)
    if (port.switch === null) return
    if (port.switch.uplink === port && !spec.uplink && counts(port.switch, this.#comparison.wanted)) this.#steps.clearUplink(port.switch)
    if (this.#moves(port.switch, spec.switch)) leaveSwitch(context, tx, port)
    else if (port.vni !== spec.vni && port.vni !== 0) this.#steps.do('vpcpVniSet', port, 0)
  }

  #releaseSwitch(sw: Switch, spec: SwitchSpec): void {
    const { remove } = this.#comparison.neighbours.get(sw.id)!
    if (remove.length > 0) this.#steps.do('vpcswNeighbourDelete', sw, encodeNeighbours(remove))
    if (sw.vni !== spec.vni && sw.vni !== 0) this.#steps.do('vpcswVniSet', sw, 0)
  }

  #releaseMux(mux: Mux, spec: MuxSpec): void {
    const { context, tx } = this.#steps
    const { remove } = this.#comparison.entries.get(mux.id)!
    if (remove.length > 0) this.#steps.do('vpcmuxFteDelete', mux, encodeEntries(remove))
    if (this.#moves(mux.underlay, spec.underlay)) disconnectMux(context, tx, mux)
    if (mux.listen !== null && spec.listen === null) muxType.setters.listen(context, tx, mux, null, {})
  }

  /** A subnet that joins the router may have the prefix of a route that goes. */
  #releaseRouter(router: Router, { routes }: RouterSpec): void {
    const { context, tx } = this.#steps
    const wanted = routesByPlace(routes)
    const staying = router.routes.filter((route) => wanted.has(routePlace(route)))
    if (staying.length < router.routes.length) setRoutes(context, tx, router, staying)
  }

  /** Prefixes, gateways and VNIs may change places. */
  #releaseSubnet(subnet: Subnet, spec: SubnetSpec): void {
    const { context, tx } = this.#steps
    const moved = differences(subnet, spec, this.#comparison.wanted).some(({ key }) => exclusive.has(key))
    if (moved) leaveSwitchOf(context, tx, subnet)
  }

  /** Destroy objects that the document lacks: ports first, so that no removal takes another object along. */
  *remove(): Generator<void, void> {
    const { context, tx } = this.#steps
    const rank = ({ type }: VpcObject): number => ['vpcp', 'group', 'set', 'vpcsw', 'vpcmux'].indexOf(type) >>> 0
    for (const object of [...this.#comparison.gone].sort((a, b) => rank(a) - rank(b))) {
      if (!object.dead) destroy(context, tx, object)
      yield
    }
  }

  /** Make what is missing and set what differs. */
  *make(file: HostFile): Generator<void, void> {
    const { model } = this.#steps.context
    // Objects with a given number take it before the others take free ones.
    const specs = [...this.#comparison.wanted.values()].filter(({ id }) => !model.objects.has(id))
    const early = specs.filter(
      ({ type }) =>
        type === 'ethlink' ||
        type === 'vpcmux' ||
        type === 'vpcsw' ||
        type === 'set' ||
        type === 'group' ||
        type === 'vpcp' ||
        type === 'subnet' ||
        type === 'vpcrtr' ||
        type === 'vpcnat',
    )
    yield* each(early.sort(numberedFirst), (spec) => this.#create(spec))
    yield* each(file.ethlinks, (spec) => this.#set(spec))
    yield* each(file.muxes, (spec) => this.#set(spec, (mux) => this.#placeMux(mux, spec)))
    const units = specs.filter(({ type }) => type === 'vmnic' || type === 'hostif')
    yield* each(units.sort(numberedFirst), (spec) => this.#create(spec))
    yield* each([...file.vmnics, ...file.hostifs], (spec) => this.#set(spec))
    yield* each(file.switches, (spec) => this.#set(spec))
    yield* each([...file.sets, ...file.groups], (spec) => this.#set<ObjectSpec>(spec))
    const ports = file.switches.flatMap((sw) => sw.ports)
    yield* each([...ports, ...file.ports], (spec) => {
      this.#joinSwitch(spec)
      this.#set(spec, (port) => this.#plug(port, spec))
    })
    yield* each(ports, (spec) => void (spec.uplink && this.#setUplink(spec)))
    yield* each(file.subnets, (spec) => this.#set(spec, (subnet) => this.#placeSubnet(subnet, spec)))
    yield* each([...file.switches, ...file.subnets, ...file.routers], ({ id }) => this.#keep(id))
    yield* each(file.routers, (spec) => this.#set(spec))
    yield* each(file.nats, (spec) => {
      for (const id of [spec.router, spec.ethlink]) if (id !== null) this.#keep(id)
      this.#set(spec)
    })
    yield* each(file.switches, (spec) => this.#setNeighbours(spec))
    yield* each(file.muxes, (spec) => this.#setEntries(spec))
    yield* this.#commit()
  }

  #create({ type, id, unit, path }: ObjectSpec): void {
    const { context, tx } = this.#steps
    this.#steps.at(path, () => {
      tx.asked = `create ${type} ${id}`
      create(context, tx, { type, id, unit: unit ?? undefined })
    })
  }

  /** MAC and settings, then what `place` does. */
  #set<S extends ObjectSpec>(spec: S, place?: (object: ObjectOf<S['type']>) => void): void {
    const { context, tx } = this.#steps
    const object = context.model.find(spec.type, spec.id)! as ObjectOf<S['type']>
    if (differences(object, spec, this.#comparison.wanted).length === 0) return
    this.#steps.at(spec.path, () => {
      this.#steps.at(`${spec.path}.mac`, () => setMac(context, tx, object, must(parseMac(spec.mac))))
      this.#steps.set(object as never, spec as never)
      place?.(object)
    })
  }

  #placeMux(mux: Mux, { underlay, path }: MuxSpec): void {
    if (underlay === null || mux.underlay?.id === underlay) return
    this.#steps.at(`${path}.underlay`, () => this.#steps.do('vpcmuxConnect', mux, underlay))
  }

  #placeSubnet(subnet: Subnet, spec: SubnetSpec): void {
    if (spec.switch !== null) this.#steps.at(`${spec.path}.switch`, () => this.#steps.do('subnetSwitchSet', subnet, spec.switch!))
    if (spec.router !== null) this.#steps.at(`${spec.path}.router`, () => this.#steps.do('subnetRouterSet', subnet, spec.router!))
  }

  /** Into its switch, on its own VNI: the switch's may be another. */
  #joinSwitch({ id, path, switch: member, vni }: PortSpec): void {
    const { model } = this.#steps.context
    const port = model.find('vpcp', id)!
    if (member === null || port.switch !== null) return
    this.#steps.at(`${path}.vni`, () => {
      if (port.vni !== vni) this.#steps.do('vpcpVniSet', port, vni)
      this.#steps.do('vpcswPortAdd', model.find('vpcsw', member)!, port.id)
    })
  }

  #plug(port: Port, { interface: plugged, path }: PortSpec): void {
    if (plugged === null || port.peer?.id === plugged) return
    this.#steps.at(`${path}.interface`, () => this.#steps.do('vpcpConnect', port, plugged))
  }

  #setUplink(spec: PortSpec): void {
    const sw = this.#steps.context.model.find('vpcsw', spec.switch!)!
    if (sw.uplink?.id !== spec.id) this.#steps.at(`${spec.path}.uplink`, () => this.#steps.do('vpcswUplinkSet', sw, spec.id))
  }

  #setNeighbours({ id, path }: SwitchSpec): void {
    const { set } = this.#comparison.neighbours.get(id)!
    const sw = this.#steps.context.model.find('vpcsw', id)!
    if (set.length > 0) this.#steps.at(`${path}.neighbours`, () => this.#steps.do('vpcswNeighbourSet', sw, encodeNeighbours(set)))
  }

  #setEntries({ id, path }: MuxSpec): void {
    const { set } = this.#comparison.entries.get(id)!
    const mux = this.#steps.context.model.find('vpcmux', id)!
    if (set.length > 0) this.#steps.at(`${path}.entries`, () => this.#steps.do('vpcmuxFteFlagsSet', mux, encodeEntries(set)))
  }

  #keep(id: Id): void {
    const object = this.#steps.context.model.objects.get(id)
    if (object !== undefined && !persists(object)) this.#steps.do('metaCommit', object, undefined)
  }

  /** All objects of the document outlive vpcd; a port does so by its switch. */
  *#commit(): Generator<void, void> {
    for (const { id } of this.#comparison.wanted.values()) {
      this.#keep(id)
      yield
    }
  }
}

function encodeEntries(specs: readonly EntrySpec[]): Uint8Array {
  const vteps = new Map<string, { port: number; family: number; address: Uint8Array }>()
  const vtepOf = (text: string) => {
    const known = vteps.get(text)
    if (known !== undefined) return known
    const bare = parseIp(text)
    const { address, port } = bare.ok ? { address: bare.value, port: 0 } : must(parseEndpoint(text))
    const vtep = { port, family: address.length === 4 ? 4 : 6, address }
    vteps.set(text, vtep)
    return vtep
  }
  return encodeArray(
    fte,
    specs.map(({ vni, mac, vtep, forward }) => ({
      vni,
      mac: must(parseMac(mac)),
      pad: Uint8Array.of(forward ? fteFlag.forward : 0, 0, 0),
      ...vtepOf(vtep),
    })),
  )
}

const encodeNeighbours = (specs: readonly NeighbourSpec[]): Uint8Array =>
  encodeArray(
    neighbourEntry,
    specs.map(({ vni, address, mac }) => ({ vni, mac: must(parseMac(mac)), pad: 0, address: toMapped(must(parseIp(address))) })),
  )
