/** The objects of a host as a document says them: what persists, with every setting that an operator chose. */
import type {
  EntrySpec,
  EthlinkSpec,
  HostifSpec,
  MuxSpec,
  NeighbourSpec,
  ObjectSpec,
  PortSpec,
  SwitchSpec,
  VmnicSpec,
} from '#abi/host-file.ts'
import type { Id } from '#abi/id.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import type { EntryStore } from '../store/entry-store.ts'
import { addressOfKey, macOfNumber } from '../store/keys.ts'
import type { Ethlink, Hostif, Model, Mux, Port, Switch, Vmnic, VpcObject } from '../store/model.ts'
import type { NeighbourStore } from '../store/neighbour-store.ts'
import { persists } from '../store/record.ts'

/** Those that outlive vpcd: what their holders have not committed is no part of the host's settings. */
export function* persistent(model: Model): Generator<VpcObject> {
  for (const object of model.objects.values()) if (persists(object)) yield object
}

const reference = (object: VpcObject | null): Id | null => (object !== null && persists(object) ? object.id : null)

const common = <T extends VpcObject>({ type, id, unit, mac }: T): { type: T['type']; path: string; id: Id; unit: number; mac: string } => ({
  type,
  path: '',
  id,
  unit,
  mac: formatMac(mac),
})

/** An object as a document has it. Entries, neighbours and the ports of a switch are left out: they are compared and written one by one. */
export function specOf(object: VpcObject): ObjectSpec {
  switch (object.type) {
    case 'vpcsw':
      return switchSpec(object)
    case 'vpcp':
      return portSpec(object)
    case 'vpcmux':
      return muxSpec(object)
    case 'ethlink':
      return ethlinkSpec(object)
    case 'vmnic':
      return vmnicSpec(object)
    case 'hostif':
      return hostifSpec(object)
  }
}

export const switchSpec = (sw: Switch): SwitchSpec => ({
  ...common(sw),
  vni: sw.vni,
  up: sw.up,
  floodUnknown: sw.floodUnknown,
  ports: [],
  neighbours: [],
})

export function portSpec(port: Port): PortSpec {
  const { vni, vlan, antispoof, addresses, switch: sw } = port
  const places = { switch: reference(sw), uplink: sw?.uplink === port, interface: reference(port.peer) }
  return { ...common(port), vni, vlan, antispoof, addresses: addresses.map((address) => formatIp(fromMapped(address))), ...places }
}

export const muxSpec = (mux: Mux): MuxSpec => ({
  ...common(mux),
  mtu: mux.mtuBytes,
  underlay: reference(mux.underlay),
  listen: mux.listen && formatEndpoint(mux.listen),
  entries: [],
})

export const ethlinkSpec = (ethlink: Ethlink): EthlinkSpec => ({
  ...common(ethlink),
  l2Name: ethlink.l2Name,
  vtag: ethlink.vtag,
  mtu: ethlink.mtuBytes,
})

export function vmnicSpec(vmnic: Vmnic): VmnicSpec {
  const { mtuBytes, queues, frozen, ownerUser, ownerGroup } = vmnic
  return { ...common(vmnic), mtu: mtuBytes, queues, frozen, ownerUser, ownerGroup }
}

export const hostifSpec = (hostif: Hostif): HostifSpec => ({ ...common(hostif), mtu: hostif.mtuBytes })

/** The forwarding entries of a mux, in no order. */
export function* entrySpecs(store: EntryStore): Generator<EntrySpec> {
  const texts = new Map<object, string>()
  for (const { vni, mac, vtep } of store) {
    let text = texts.get(vtep)
    if (text === undefined) texts.set(vtep, (text = vtep.port === 0 ? formatIp(vtep.address) : formatEndpoint(vtep)))
    yield { vni, mac: formatMac(macOfNumber(mac)), vtep: text }
  }
}

/** The neighbours of a switch, in no order. */
export function* neighbourSpecs(store: NeighbourStore): Generator<NeighbourSpec> {
  for (const [vni, known] of store.vnis) {
    for (const [key, mac] of known) yield { vni, address: formatIp(fromMapped(addressOfKey(key))), mac: formatMac(macOfNumber(mac)) }
  }
}
