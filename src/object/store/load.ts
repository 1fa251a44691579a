/** Objects as the journal has them, made anew in memory: all objects first, then what connects them. */
import type { Id } from '#abi/id.ts'
import { parseEndpoint } from '#wire/endpoint.ts'
import { parseIp, toMapped } from '#wire/ip-address.ts'
import { parseMac } from '#wire/mac.ts'
import type { Result } from '#wire/result.ts'
import { claimSegments } from './claims.ts'
import type { Context } from '../context.ts'
import { EntryStore } from './entry-store.ts'
import { JournalUnusable, type JournalRow } from './journal.ts'
import { movePort } from './members.ts'
import type { Model, Mux, Port, VpcObject } from './model.ts'
import { isInterfaceType } from './model.ts'
import { loadEntries } from '../type/mux-entries.ts'
import { NeighbourStore } from './neighbour-store.ts'
import { loadNeighbours } from '../type/switch-neighbours.ts'
import type { EthlinkSettings, HostifSettings, MuxSettings, PortSettings, SwitchSettings, VmnicSettings } from './record.ts'
import { register } from './registry.ts'
import type { Transaction } from './transaction.ts'

/** Fill the model. Throws JournalUnusable, naming the object whose row cannot be read. */
export function loadModel(context: Context, tx: Transaction): void {
  const rows = context.journal.objects()
  for (const row of rows) {
    readable(row, () => register(context, tx, toObject(row)))
    context.written.set(row.id, row.settings)
  }
  for (const row of rows) readable(row, () => join(context, tx, row))
  for (const sw of context.model.ofType('vpcsw')) {
    for (const { action, body } of context.journal.entries(sw.id)) loadNeighbours(sw.neighbours, action, body)
    claimSegments(tx, context.model, sw)
  }
  for (const mux of context.model.ofType('vpcmux')) {
    for (const { action, body } of context.journal.entries(mux.id)) loadEntries(mux.entries, action, body)
  }
}

function readable(row: JournalRow, read: () => void): void {
  try {
    read()
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new JournalUnusable(`the journal's row of ${row.type}${row.unit} (${row.id}) cannot be read: ${why}`, { cause: error })
  }
}

function toObject({ id, type, unit, settings: text }: JournalRow): VpcObject {
  const settings: unknown = JSON.parse(text)
  const { mac } = settings as { mac: string }
  const base = { id, unit, mac: must(parseMac(mac)), committed: true, descriptors: 0, dead: false }
  switch (type) {
    case 'vpcsw': {
      const { vni, up, floodUnknown } = settings as SwitchSettings
      const members = { uplink: null, ports: new Set<Port>(), portVnis: new Map<number, number>() }
      return { ...base, type, vni, up, floodUnknown, ...members, neighbours: new NeighbourStore(), segments: new Set() }
    }
    case 'vpcp': {
      const { committed, vni, vlan, antispoof, addresses, stats } = settings as PortSettings
      const mapped = addresses.map((address) => toMapped(must(parseIp(address))))
      return { ...base, type, committed, switch: null, peer: null, vni, vlan, antispoof, addresses: mapped, stats }
    }
    case 'vmnic': {
      const { mtuBytes, queues, frozen, ownerUser = null, ownerGroup = 0 } = settings as VmnicSettings
      return { ...base, type, port: null, mtuBytes, ifindex: 0, queues, frozen, ownerUser, ownerGroup }
    }
    case 'hostif':
      return { ...base, type, port: null, mtuBytes: (settings as HostifSettings).mtuBytes, ifindex: 0, away: false }
    case 'ethlink': {
      const { mtuBytes, l2Name, vtag, promiscBefore, deviceMtuBytes = 0 } = settings as EthlinkSettings
      const serving = { uplink: false, underlay: false }
      return { ...base, type, port: null, mtuBytes, ifindex: 0, l2Name, vtag, serving, promiscBefore, mux: null, deviceMtuBytes }
    }
    case 'vpcmux': {
      const { mtuBytes, listen, stats } = settings as MuxSettings
      const endpoint = listen === null ? null : must(parseEndpoint(listen))
      return { ...base, type, underlay: null, listen: endpoint, entries: new EntryStore(), mtuBytes, ifindex: 0, devicePort: 0, stats }
    }
    default:
      throw new Error(`'${type}' is no type that this vpcd knows`)
  }
}

function join(context: Context, tx: Transaction, { id, type, settings }: JournalRow): void {
  const { model } = context
  if (type === 'vpcp') joinPort(tx, model, model.find('vpcp', id)!, JSON.parse(settings) as PortSettings)
  if (type === 'vpcmux') joinMux(model, model.find('vpcmux', id)!, JSON.parse(settings) as MuxSettings)
}

function joinPort(tx: Transaction, model: Model, port: Port, { switch: member, uplink, peer }: PortSettings): void {
  const sw = member === null ? undefined : model.find('vpcsw', member as Id)
  const plugged = peer === null ? undefined : model.objects.get(peer as Id)
  movePort(tx, model, port, () => {
    if (sw !== undefined) {
      port.switch = sw
      sw.ports.add(port)
      if (uplink) sw.uplink = port
    }
    if (plugged !== undefined && isInterfaceType(plugged.type)) {
      port.peer = plugged as NonNullable<Port['peer']>
      port.peer.port = port
    }
  })
}

function joinMux(model: Model, mux: Mux, { underlay }: MuxSettings): void {
  const ethlink = underlay === null ? undefined : model.find('ethlink', underlay as Id)
  if (ethlink === undefined) return
  mux.underlay = ethlink
  ethlink.mux = mux
}

function must<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(result.problem)
}
