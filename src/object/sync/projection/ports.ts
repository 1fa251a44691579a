/** Table `ports`: the port of each device on which a unit's frames arrive. */
import { u32 } from '#abi/c-struct.ts'
import { port as portLayout, portFlag, vpcOfSwitch, type Port } from '#datapath/layout.ts'
import { macNumber, segmentOf } from '../../store/keys.ts'
import type { Model } from '../../store/model.ts'
import { isWatched } from '../../type/mirror.ts'
import { carries, isOwn } from './destination.ts'
import { isLimitedOut } from './port-limits.ts'
import type { Projection } from './projection.ts'

export const ports: Projection<number, Port> = {
  keys: (model) => model.devices.keys(),
  keyField: u32,
  valueField: portLayout,
  values: (model) => (ifindex) => {
    const of = model.devices.get(ifindex)
    if (of === undefined || of.type === 'vpcmux' || of.port === null || !carries(of.port)) return undefined
    const { port, mac } = of
    const sw = port.switch!
    const up = (port.held ? portFlag.held : sw.up ? portFlag.up : 0) | (isWatched(sw) ? portFlag.watched : 0)
    const shared = { segment: segmentOf(sw, port.vni), stats: port.source, mac, vpc: vpcOfSwitch(sw.unit) }
    if (of.type === 'ethlink') return { ...shared, flags: up | portFlag.uplink, vlan: of.vtag, broadcastRate: 0 }
    const checks = (port.antispoof ? portFlag.antispoof : 0) | (port.addresses.length > 0 ? portFlag.addresses : 0)
    const speaks = (port.anyEthertype ? portFlag.ethertypes : 0) | (port.vrrp ? portFlag.vrrp : 0)
    const limited = isLimitedOut(port) ? portFlag.limited : 0
    const macs = port.macs.length > 0 ? portFlag.macs : 0
    const policy = port.groups.length > 0 ? portFlag.policy : 0
    const moved = isElsewhere(model, shared.segment, macNumber(mac)) ? portFlag.moved : 0
    const queues = of.type === 'vmnic' && of.queues > 1 ? portFlag.queues : 0
    return {
      ...shared,
      flags: up | checks | speaks | limited | macs | policy | moved | queues,
      vlan: port.vlan,
      broadcastRate: port.broadcastRate,
    }
  },
}

/** Whether an entry has a MAC behind another host. */
function isElsewhere(model: Model, segment: number, mac: number): boolean {
  for (const mux of model.ofType('vpcmux')) {
    const vtep = mux.entries.vnis.get(segment)?.macs.get(mac)
    if (vtep !== undefined && !isOwn(mux, vtep)) return true
  }
  return false
}
