/**
 * Making a host as a document says, in one transaction. What must go or move lets go first, so that VNIs, MACs and interfaces are free
 * for who gets them; then what must go goes; then everything is made and set, the underlay before the units that follow its MTU.
 */
import { encodeArray, encodeSockaddr, fte, neighbourEntry, noOwner, vmnicOwner } from '#abi/layouts.ts'
import {
  atPath,
  type EntrySpec,
  type EthlinkSpec,
  type HostChange,
  type HostFile,
  type HostifSpec,
  type MuxSpec,
  type NeighbourSpec,
  type ObjectSpec,
  type PortSpec,
  type SwitchSpec,
  type VmnicSpec,
} from '#abi/host-file.ts'
import { idBytes, type Id } from '#abi/id.ts'
import { parseEndpoint } from '#wire/endpoint.ts'
import { parseIp, toMapped } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import { must } from '#wire/result.ts'
import type { Context } from '../context.ts'
import { create, destroy } from '../type/life.ts'
import { unitName, type Mux, type ObjectOf, type Port, type Switch, type VpcObject } from '../store/model.ts'
import { disconnectMux } from '../type/mux.ts'
import { textOut, u16Out, u64Out, vniOut } from '../output.ts'
import { disconnectPort, leaveSwitch } from '../type/port.ts'
import { persists } from '../store/record.ts'
import { compareHost, differences, type Comparison } from './compare.ts'
import { persistent } from './spec.ts'
import type { Steps } from './steps.ts'
import { VpcError } from '../vpc-error.ts'

/** Do it. Gives what was done; nothing when the host was so already. */
export function applyHost(steps: Steps, file: HostFile): readonly HostChange[] {
  const comparison = compareHost(steps.context.model, file)
  checkUnits(steps.context, comparison)
  if (comparison.changes.length === 0) return []
  const performer = new Performer(steps, comparison)
  performer.release()
  performer.remove()
  performer.make(file)
  return comparison.changes.map((change) => ({ ...change, unit: change.unit ?? unitOf(steps, change.id) }))
}

const unitOf = ({ context: { model } }: Steps, id: Id): string | null => {
  const object = model.objects.get(id)
  return object === undefined ? null : unitName(object)
}

/** A unit number stays with its object, and a new object can have one that is free or becomes so. */
export function checkUnits({ model }: Context, { wanted }: Comparison): void {
  for (const spec of wanted.values()) {
    if (spec.unit === null) continue
    const found = model.objects.get(spec.id)
    if (found?.unit === spec.unit) continue
    const asked = `${spec.type}${spec.unit}`
    if (found !== undefined)
      refuseAt(
        spec,
        `${spec.id} is ${unitName(found)} on this host, and a unit name is for life`,
        `write ${unitName(found)}, or leave it out`,
      )
    const holder: VpcObject | undefined = model.byType[spec.type].get(spec.unit)
    if (holder === undefined || (persists(holder) && !wanted.has(holder.id))) continue
    refuseAt(spec, `${asked} is ${holder.id} on this host`, 'choose another, or leave it out')
  }
}

function refuseAt({ path, type, unit }: ObjectSpec, why: string, remedy: string): never {
  throw new VpcError('EBUSY', atPath(`${path}.unit`, `cannot make it ${type}${unit}: ${why}; ${remedy}`))
}

class Performer {
  readonly #steps: Steps
  readonly #comparison: Comparison

  constructor(steps: Steps, comparison: Comparison) {
    this.#steps = steps
    this.#comparison = comparison
  }

  /** Let go of what goes to somebody else, or away. */
  release(): void {
    const { context, tx } = this.#steps
    const { wanted } = this.#comparison
    for (const object of persistent(context.model)) {
      const spec = wanted.get(object.id)
      if (spec === undefined) continue
      if (object.type === 'vpcp') this.#releasePort(object, spec as PortSpec)
      if (object.type === 'vpcsw') this.#releaseSwitch(object, spec as SwitchSpec)
      if (object.type === 'vpcmux') this.#releaseMux(object, spec as MuxSpec)
      if (object.type === 'vmnic' && object.frozen && !(spec as VmnicSpec).frozen) this.#steps.do('vmnicUnfreeze', object)
    }
    for (const object of persistent(context.model)) {
      const spec = wanted.get(object.id)
      if (object.type !== 'ethlink' || spec === undefined) continue
      if (object.l2Name !== null && object.l2Name !== (spec as EthlinkSpec).l2Name) this.#steps.do('ethlinkDisconnect', object)
    }
    // What goes lets go of what stays.
    for (const object of persistent(context.model))
      if (object.type === 'vpcp' && !wanted.has(object.id)) disconnectPort(context, tx, object)
  }

  #releasePort(port: Port, spec: PortSpec): void {
    const { context, tx } = this.#steps
    if (port.peer !== null && port.peer.id !== spec.interface && persists(port.peer)) disconnectPort(context, tx, port)
    if (port.switch === null) return
    if (port.switch.uplink === port && !spec.uplink) this.#steps.clearUplink(port.switch)
    if (port.switch.id !== spec.switch) leaveSwitch(context, tx, port)
    else if (port.vni !== spec.vni && port.vni !== 0) this.#steps.do('vpcpVniSet', port, vniOut(0))
  }

  #releaseSwitch(sw: Switch, spec: SwitchSpec): void {
    const { remove } = this.#comparison.neighbours.get(sw.id)!
    if (remove.length > 0) this.#steps.do('vpcswNeighbourDelete', sw, encodeNeighbours(remove))
    if (sw.vni !== spec.vni && sw.vni !== 0) this.#steps.do('vpcswVniSet', sw, vniOut(0))
  }

  #releaseMux(mux: Mux, spec: MuxSpec): void {
    const { context, tx } = this.#steps
    const { remove } = this.#comparison.entries.get(mux.id)!
    if (remove.length > 0) this.#steps.do('vpcmuxFteDelete', mux, encodeEntries(remove))
    if (mux.underlay !== null && mux.underlay.id !== spec.underlay && persists(mux.underlay)) disconnectMux(context, tx, mux)
    if (mux.listen !== null && spec.listen === null) this.#steps.stopListening(mux)
  }

  /** Destroy what the document does not have: ports first, so that nothing takes another along. */
  remove(): void {
    const { context, tx } = this.#steps
    const gone = [...persistent(context.model)].filter(({ id }) => !this.#comparison.wanted.has(id))
    const rank = ({ type }: VpcObject): number => ['vpcp', 'vpcsw', 'vpcmux'].indexOf(type) >>> 0
    for (const object of gone.sort((a, b) => rank(a) - rank(b))) if (!object.dead) destroy(context, tx, object)
  }

  /** Make what is missing and set what differs. */
  make(file: HostFile): void {
    const { model } = this.#steps.context
    // Those that must have a number take it before the others take what is free.
    const specs = [...this.#comparison.wanted.values()].filter(({ id }) => !model.objects.has(id))
    const early = specs.filter(({ type }) => type === 'ethlink' || type === 'vpcmux' || type === 'vpcsw' || type === 'vpcp')
    for (const spec of early.sort((a, b) => Number(a.unit === null) - Number(b.unit === null))) this.#create(spec)
    for (const spec of file.ethlinks) this.#set(spec, (object) => this.#setEthlink(object, spec))
    for (const spec of file.muxes) this.#set(spec, (object) => this.#setMux(object, spec))
    const units = specs.filter(({ type }) => type === 'vmnic' || type === 'hostif')
    for (const spec of units.sort((a, b) => Number(a.unit === null) - Number(b.unit === null))) this.#create(spec)
    for (const spec of [...file.vmnics, ...file.hostifs]) this.#set(spec, (object) => this.#setUnit(object, spec))
    for (const spec of file.switches) this.#set(spec, (object) => this.#setSwitch(object, spec))
    for (const spec of [...file.switches.flatMap(({ ports }) => ports), ...file.ports])
      this.#set(spec, (object) => this.#setPort(object, spec))
    for (const { ports } of file.switches) for (const spec of ports) if (spec.uplink) this.#setUplink(spec)
    for (const spec of file.switches) this.#setNeighbours(spec)
    for (const spec of file.muxes) this.#setEntries(spec)
    this.#commit()
  }

  #create({ type, id, unit, path }: ObjectSpec): void {
    const { context, tx } = this.#steps
    this.#steps.at(path, () => {
      tx.asked = `create ${type} ${id}`
      create(context, tx, type, id, unit ?? undefined)
    })
  }

  #set<S extends ObjectSpec>(spec: S, set: (object: ObjectOf<S['type']>) => void): void {
    const object = this.#steps.context.model.find(spec.type, spec.id)! as ObjectOf<S['type']>
    if (differences(object, spec).length === 0) return
    this.#steps.at(spec.path, () => set(object))
  }

  #setMac(object: VpcObject, { mac, path }: ObjectSpec): void {
    this.#steps.at(`${path}.mac`, () => this.#steps.do('metaMacSet', object, must(parseMac(mac))))
  }

  #setEthlink(ethlink: ObjectOf<'ethlink'>, spec: EthlinkSpec): void {
    const { l2Name, vtag, mtu, path } = spec
    this.#setMac(ethlink, spec)
    if (ethlink.vtag !== vtag) this.#steps.do('ethlinkVtagSet', ethlink, u16Out(vtag))
    if (l2Name !== null && ethlink.l2Name !== l2Name)
      this.#steps.at(`${path}.l2-name`, () => this.#steps.do('ethlinkConnect', ethlink, textOut(l2Name)))
    if (ethlink.mtuBytes !== mtu) this.#steps.at(`${path}.mtu`, () => this.#steps.setMtu(ethlink, mtu))
  }

  #setMux(mux: Mux, spec: MuxSpec): void {
    const { mtu, underlay, listen, path } = spec
    this.#setMac(mux, spec)
    if (mux.mtuBytes !== mtu) this.#steps.at(`${path}.mtu`, () => this.#steps.setMtu(mux, mtu))
    if (listen !== null)
      this.#steps.at(`${path}.listen`, () => this.#steps.do('vpcmuxListen', mux, encodeSockaddr(must(parseEndpoint(listen)))))
    if (underlay !== null && mux.underlay?.id !== underlay)
      this.#steps.at(`${path}.underlay`, () => this.#steps.do('vpcmuxConnect', mux, idBytes(underlay)))
  }

  #setUnit(unit: ObjectOf<'vmnic' | 'hostif'>, spec: VmnicSpec | HostifSpec): void {
    const { mtu, path } = spec
    this.#setMac(unit, spec)
    if (unit.mtuBytes !== mtu) this.#steps.at(`${path}.mtu`, () => this.#steps.setMtu(unit, mtu))
    if (unit.type !== 'vmnic' || spec.type !== 'vmnic') return
    if (unit.queues !== spec.queues) this.#steps.at(`${path}.queues`, () => this.#steps.do('vmnicQueuesSet', unit, u16Out(spec.queues)))
    if (unit.ownerUser !== spec.ownerUser || unit.ownerGroup !== spec.ownerGroup) {
      const owner = vmnicOwner.encode({ user: spec.ownerUser ?? noOwner, group: spec.ownerGroup })
      this.#steps.at(`${path}.owner-user`, () => this.#steps.do('vmnicOwnerSet', unit, owner))
    }
    if (spec.frozen && !unit.frozen) this.#steps.do('vmnicFreeze', unit)
  }

  #setSwitch(sw: Switch, spec: SwitchSpec): void {
    this.#setMac(sw, spec)
    if (sw.vni !== spec.vni) this.#steps.at(`${spec.path}.vni`, () => this.#steps.do('vpcswVniSet', sw, vniOut(spec.vni)))
    if (sw.up !== spec.up) this.#steps.do('vpcswStateSet', sw, u64Out(spec.up ? 1n : 0n))
    if (sw.floodUnknown !== spec.floodUnknown) this.#steps.do('vpcswFloodSet', sw, u16Out(spec.floodUnknown ? 1 : 0))
  }

  #setPort(port: Port, spec: PortSpec): void {
    const { model } = this.#steps.context
    const { vni, vlan, antispoof, addresses, path, interface: plugged } = spec
    this.#setMac(port, spec)
    this.#steps.at(`${path}.vni`, () => {
      if (port.switch === null && port.vni !== vni) this.#steps.do('vpcpVniSet', port, vniOut(vni))
      if (spec.switch !== null && port.switch === null) this.#steps.do('vpcswPortAdd', model.find('vpcsw', spec.switch)!, idBytes(port.id))
      if (port.vni !== vni) this.#steps.do('vpcpVniSet', port, vniOut(vni))
    })
    if (port.vlan !== vlan) this.#steps.do('vpcpVlanSet', port, u16Out(vlan))
    if (port.antispoof !== antispoof) this.#steps.do('vpcpAntispoofSet', port, u16Out(antispoof ? 1 : 0))
    if (addresses.length + port.addresses.length > 0)
      this.#steps.at(`${path}.addresses`, () => this.#steps.do('vpcpAddressesSet', port, encodeAddresses(addresses)))
    if (plugged !== null && port.peer?.id !== plugged)
      this.#steps.at(`${path}.interface`, () => this.#steps.do('vpcpConnect', port, idBytes(plugged)))
  }

  #setUplink(spec: PortSpec): void {
    const sw = this.#steps.context.model.find('vpcsw', spec.switch!)!
    if (sw.uplink?.id !== spec.id) this.#steps.at(`${spec.path}.uplink`, () => this.#steps.do('vpcswUplinkSet', sw, idBytes(spec.id)))
  }

  #setNeighbours({ id, path }: SwitchSpec): void {
    const { set } = this.#comparison.neighbours.get(id)!
    const sw = this.#steps.context.model.find('vpcsw', id)!
    if (set.length > 0) this.#steps.at(`${path}.neighbours`, () => this.#steps.do('vpcswNeighbourSet', sw, encodeNeighbours(set)))
  }

  #setEntries({ id, path }: MuxSpec): void {
    const { set } = this.#comparison.entries.get(id)!
    const mux = this.#steps.context.model.find('vpcmux', id)!
    if (set.length > 0) this.#steps.at(`${path}.entries`, () => this.#steps.do('vpcmuxFteSet', mux, encodeEntries(set)))
  }

  /** All that the document has outlives us; a port by its switch. */
  #commit(): void {
    const { model } = this.#steps.context
    for (const { id } of this.#comparison.wanted.values()) {
      const object = model.objects.get(id)!
      if (!persists(object)) this.#steps.do('metaCommit', object)
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
  const pad = new Uint8Array(3)
  return encodeArray(
    fte,
    specs.map(({ vni, mac, vtep }) => ({ vni, mac: must(parseMac(mac)), pad, ...vtepOf(vtep) })),
  )
}

const encodeNeighbours = (specs: readonly NeighbourSpec[]): Uint8Array =>
  encodeArray(
    neighbourEntry,
    specs.map(({ vni, address, mac }) => ({ vni, mac: must(parseMac(mac)), pad: 0, address: toMapped(must(parseIp(address))) })),
  )

const encodeAddresses = (addresses: readonly string[]): Uint8Array =>
  Buffer.concat(addresses.map((address) => toMapped(must(parseIp(address)))))
