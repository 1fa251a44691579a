/** The document of a host: all that persists, in a stable order, without what has its default. */
import { hostFileVersion, type HostDocument, type EntrySpec, type NeighbourSpec, type ObjectSpec } from '#abi/host-file.ts'
import { idMac, type Id } from '#abi/id.ts'
import { asMac, formatMac } from '#wire/mac.ts'
import type { Model, Mux, ObjectOf, Port, Switch } from '../store/model.ts'
import { unitName } from '../store/model.ts'
import { persists } from '../store/record.ts'
import { entrySpecs, ethlinkSpec, hostifSpec, muxSpec, neighbourSpecs, portSpec, switchSpec, vmnicSpec } from './spec.ts'

type Plain = HostDocument

/** What `vpc export` writes, as JSON. */
export function exportHost(model: Model): Plain {
  const units = (id: Id | null): string | undefined => (id === null ? undefined : unitName(model.objects.get(id)!))
  return leaveOut({
    version: hostFileVersion,
    ethlinks: ordered(model, 'ethlink').map((object) => {
      const { l2Name, vtag, mtu, ...spec } = ethlinkSpec(object)
      return leaveOut({ ...head(spec), 'l2-name': l2Name, vtag: vtag || null, mtu })
    }),
    muxes: ordered(model, 'vpcmux').map((mux) => exportMux(mux, units)),
    vmnics: ordered(model, 'vmnic').map((object) => {
      const { mtu, queues, frozen, ownerUser, ownerGroup, ...spec } = vmnicSpec(object)
      const owner = { 'owner-user': ownerUser, 'owner-group': ownerGroup || null }
      return leaveOut({ ...head(spec), mtu, queues: queues === 1 ? null : queues, frozen: frozen || null, ...owner })
    }),
    hostifs: ordered(model, 'hostif').map((object) => {
      const spec = hostifSpec(object)
      return leaveOut({ ...head(spec), mtu: spec.mtu })
    }),
    switches: ordered(model, 'vpcsw').map((sw) => exportSwitch(sw, units)),
    ports: ordered(model, 'vpcp')
      .filter(({ switch: sw }) => sw === null || !persists(sw))
      .map((port) => exportPort(port, 0, units)),
  })
}

type Units = (id: Id | null) => string | undefined

/** By unit number. */
const ordered = <T extends ObjectSpec['type']>(model: Model, type: T): ObjectOf<T>[] =>
  [...model.ofType(type)].filter(persists).sort((a, b) => a.unit - b.unit)

const head = ({ id, type, unit, mac }: Pick<ObjectSpec, 'id' | 'type' | 'unit' | 'mac'>): Plain => ({
  unit: `${type}${unit}`,
  id,
  mac: mac === formatMac(asMac(idMac(id))) ? null : mac,
})

/** Without what is null or an empty list. */
function leaveOut(values: Plain): Plain {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0)),
  )
}

function exportMux(mux: Mux, units: Units): Plain {
  const { mtu, underlay, listen, ...spec } = muxSpec(mux)
  return leaveOut({ ...head(spec), mtu, underlay: units(underlay), listen, entries: [...entrySpecs(mux.entries)].sort(byEntry) })
}

function exportSwitch(sw: Switch, units: Units): Plain {
  const { vni, up, floodUnknown, ...spec } = switchSpec(sw)
  const ports = [...sw.ports].filter(persists).sort((a, b) => a.unit - b.unit)
  return leaveOut({
    ...head(spec),
    vni: vni || null,
    up: up ? null : false,
    'flood-unknown': floodUnknown || null,
    ports: ports.map((port) => exportPort(port, vni, units)),
    neighbours: [...neighbourSpecs(sw.neighbours)].sort(byNeighbour),
  })
}

function exportPort(port: Port, usual: number, units: Units): Plain {
  const { vni, vlan, antispoof, addresses, uplink, interface: plugged, ...spec } = portSpec(port)
  const settings = { vni: vni === usual ? null : vni, vlan: vlan || null, antispoof: antispoof ? null : false, addresses }
  return leaveOut({ ...head(spec), ...settings, uplink: uplink || null, interface: units(plugged) })
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
const byEntry = (a: EntrySpec, b: EntrySpec): number => a.vni - b.vni || compareText(a.mac, b.mac) || compareText(a.vtep, b.vtep)
const byNeighbour = (a: NeighbourSpec, b: NeighbourSpec): number => a.vni - b.vni || compareText(a.address, b.address)
