/** A host with one of everything, connected and committed. */
import { generateId, idBytes } from '#abi/id.ts'
import { addresses, broadcast, entry, floats, jsonText, neighbour, routes, sockaddr, text, u16, u32, vni } from './inputs.ts'
import type { Opened, ScratchHost } from './scratch-host.ts'

/**
 * `port` has `hostif` in it and is in `group`, whose rule is about `set`; `other` has `vmnic`, `uplink` has `wire`; the
 * underlay of `mux` is `underlay`; `router` joins `subnet`; `nat` serves `router` by `underlay`.
 */
export type World = Record<
  'sw' | 'port' | 'other' | 'uplink' | 'hostif' | 'vmnic' | 'wire' | 'underlay' | 'mux' | 'subnet' | 'router' | 'set' | 'group' | 'nat',
  Opened
>

export function world(host: ScratchHost): World {
  host.addInterface('wire0')
  host.addInterface('under0', 1600, '192.0.2.1', '2001:db8::1')
  const all = objects(host)
  const { sw, port, other, uplink, hostif, vmnic, wire, underlay, mux, subnet, router, set, group, nat } = all
  sw.do('metaNameSet', text('red'))
  hostif.do('metaNameSet', text('web'))
  port.do('vpcpConnect', idBytes(hostif.id))
  port.do('vpcpAddressesSet', addresses('10.0.0.1', 'fd00::1'))
  other.do('vpcpConnect', idBytes(vmnic.id))
  other.do('vpcpQuestionRateSet', u32(50))
  wire.do('ethlinkConnect', text('wire0'))
  uplink.do('vpcpConnect', idBytes(wire.id))
  sw.do('vpcswUplinkSet', idBytes(uplink.id))
  sw.do('vpcswNeighbourSet', neighbour(5001, '10.0.0.9'))
  underlay.do('ethlinkConnect', text('under0'))
  mux.do('vpcmuxConnect', idBytes(underlay.id))
  mux.do('vpcmuxListen', sockaddr('192.0.2.1'))
  mux.do('vpcmuxFteSet', entry(5001, '02:00:00:00:00:01', '192.0.2.2'))
  mux.do('vpcmuxFteSet', entry(5001, broadcast, '192.0.2.2'))
  subnet.do('subnetPrefix4Set', text('10.0.0.0/24'))
  subnet.do('subnetPrefix6Set', text('fd00::/64'))
  subnet.do('subnetGateway4Set', text('10.0.0.254'))
  subnet.do('subnetGateway6Set', text('fd00::ff'))
  subnet.do('subnetSwitchSet', idBytes(sw.id))
  subnet.do('subnetRouterSet', idBytes(router.id))
  subnet.do('subnetDhcpSet', u16(1))
  subnet.do('subnetRaSet', u16(1))
  router.do('vpcrtrRouteSet', routes('10.9.0.0/16 via 10.0.0.9', '10.8.0.0/16 blackhole table 2'))
  for (const each of [set, group]) each.do(`${each.handle.type as 'set' | 'group'}SwitchSet`, idBytes(sw.id))
  set.do('setNetworksSet', jsonText(['192.0.2.0/24']))
  group.do('groupMembersSet', jsonText(['10.0.0.7']))
  group.do('groupRulesSet', jsonText([{ id: '10', direction: 'in', protocol: 'tcp', ports: ['22'], peers: [set.id] }]))
  port.do('vpcpGroupsSet', jsonText([group.id]))
  nat.do('vpcnatRouterSet', idBytes(router.id))
  nat.do('vpcnatEthlinkSet', idBytes(underlay.id))
  nat.do('vpcnatPoolSet', jsonText(['203.0.113.16/28', '2001:db8:7::/64']))
  nat.do('vpcnatGateway4Set', text('203.0.113.1'))
  nat.do('vpcnatFloatAdd', floats('203.0.113.20 to 10.0.0.1', '2001:db8:7::20 to fd00::1'))
  for (const opened of Object.values(all)) opened.do('metaCommit')
  return all
}

function objects(host: ScratchHost): World {
  const sw = host.create('vpcsw')
  sw.do('vpcswVniSet', vni(5001))
  const addPort = (): Opened => {
    const id = generateId('vpcp')
    sw.do('vpcswPortAdd', idBytes(id))
    return host.open('vpcp', id)
  }
  const ports = { port: addPort(), other: addPort(), uplink: addPort() }
  const interfaces = {
    hostif: host.create('hostif'),
    vmnic: host.create('vmnic'),
    wire: host.create('ethlink'),
    underlay: host.create('ethlink'),
  }
  const ours = {
    subnet: host.create('subnet'),
    router: host.create('vpcrtr'),
    set: host.create('set'),
    group: host.create('group'),
    nat: host.create('vpcnat'),
  }
  return { sw, ...ports, ...interfaces, mux: host.create('vpcmux'), ...ours }
}

/** Open all of it again, after a start. */
export const reopen = (host: ScratchHost, all: World): World =>
  Object.fromEntries(Object.entries(all).map(([name, { handle }]) => [name, host.open(handle.type, handle.id)])) as World
