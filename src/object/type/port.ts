/** A switch port: plugs one interface into one switch. */
import { idTypeCode, type Id } from '#abi/id.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { isMapped, type Ipv6 } from '#wire/ipv6-address.ts'
import type { Mac } from '#wire/mac.ts'
import type { Context } from '../context.ts'
import { tracePort } from '../trace/trace-port.ts'
import type { Call } from '../operation.ts'
import { checkVniFree, claimSegments } from '../store/claims.ts'
import { addressKey, macNumber } from '../store/keys.ts'
import { movePort, refuseGatewayOf, touchAddresses, touchPort } from '../store/members.ts'
import { fullName, isInterfaceType, persists, persistentId, unitName, type Interface, type Port, type Switch } from '../store/model.ts'
import { clearCounters, freeSource, newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { exportFlows, importFlows } from '../flow-move.ts'
import { changePolicy, checkGroups, notePolicy } from './group-use.ts'
import { withinQuota } from './quota.ts'
import { serveEthlink } from './ethlink-service.ts'
import { type ObjectType, type Row, settersOf, type State } from './type.ts'

const state = (): State<'vpcp'> => ({ switch: null, peer: null, source: 0 })

/** Make a port that nothing holds yet. */
export function createPort(context: Context, tx: Transaction, id: Id): Port {
  const source = freeSource(context, tx)
  return register<Port>(context, tx, { ...newBase(context.model, 'vpcp', id), ...initialSettings('vpcp'), ...state(), source })
}

/** Disconnect it, take it out of its switch, and forget it. */
function dismantlePort(context: Context, tx: Transaction, port: Port): void {
  disconnectPort(context, tx, port)
  leaveSwitch(context, tx, port)
  touchAddresses(tx, port)
  tx.dirty.portLimits.add(port.source)
  unregister(context, tx, port)
}

const setters = settersOf<'vpcp'>({
  vni({ model }, tx, port, vni) {
    tx.asked = `put port ${unitName(port)} on VNI ${vni}`
    const { switch: sw, vni: before } = port
    if (sw !== null) checkVniFree(tx, model, sw, vni, 'choose another with --vni')
    movePort(tx, model, port, () => tx.set(port, 'vni', vni))
    if (sw !== null) claimSegments(tx, model, sw, [before, vni])
    noteRecords(tx, port)
  },
  vlan: (_, tx, port, vlan) => change(tx, port, () => tx.set(port, 'vlan', vlan)),
  antispoof: (_, tx, port, antispoof) => change(tx, port, () => tx.set(port, 'antispoof', antispoof)),
  anyEthertype: (_, tx, port, anyEthertype) => change(tx, port, () => tx.set(port, 'anyEthertype', anyEthertype)),
  vrrp: (_, tx, port, vrrp) => change(tx, port, () => tx.set(port, 'vrrp', vrrp)),
  broadcastRate: (_, tx, port, rate) => change(tx, port, () => tx.set(port, 'broadcastRate', rate)),
  rateOut: (_, tx, port, rate) => limit(tx, port, 'rateOut', rate),
  rateIn: (_, tx, port, rate) => limit(tx, port, 'rateIn', rate),
  packetRateOut: (_, tx, port, rate) => limit(tx, port, 'packetRateOut', rate),
  packetRateIn: (_, tx, port, rate) => limit(tx, port, 'packetRateIn', rate),
  questionRate: (_, tx, port, rate) => limit(tx, port, 'questionRate', rate),
  dhcpRate: (_, tx, port, rate) => limit(tx, port, 'dhcpRate', rate),
  hostname: (_, tx, port, hostname) => change(tx, port, () => tx.set(port, 'hostname', hostname)),
  sshKeys: (_, tx, port, keys) => change(tx, port, () => tx.set(port, 'sshKeys', keys)),
  userData: (_, tx, port, data) => change(tx, port, () => tx.set(port, 'userData', data)),
  macs({ model }, tx, port, asked) {
    tx.asked = `set the further MACs of port ${unitName(port)}`
    const macs = checkMacs(tx, asked)
    movePort(tx, model, port, () => tx.set(port, 'macs', macs))
    noteRecords(tx, port)
  },
  held(context, tx, port, held) {
    tx.asked = `${held ? 'hold' : 'release'} port ${unitName(port)}`
    if (held && port.switch?.uplink === port) tx.refuse('EINVAL', 'it is the uplink of its switch', 'hold ports of vmnics and hostifs')
    change(tx, port, () => tx.set(port, 'held', held))
    if (!held) pickUp(context, tx, port)
  },
  leaving(_, tx, port, leaving) {
    tx.asked = `${leaving ? 'let' : 'no longer let'} the guest of port ${unitName(port)} leave`
    if (leaving && port.switch?.uplink === port) tx.refuse('EINVAL', 'it is the uplink of its switch', 'only guests leave')
    change(tx, port, () => tx.set(port, 'leaving', leaving))
  },
  maxFlows: ({ model }, tx, port, maxFlows) =>
    changePolicy(tx, model, port, () => change(tx, port, () => tx.set(port, 'maxFlows', maxFlows))),
  stateful(context, tx, port, stateful) {
    if (stateful && !port.stateful) pickUp(context, tx, port)
    changePolicy(tx, context.model, port, () => change(tx, port, () => tx.set(port, 'stateful', stateful)))
  },
  groups(context, tx, port, asked) {
    const { model } = context
    tx.asked = `set the security groups of port ${unitName(port)}`
    const groups = checkGroups(model, tx, port, asked, port.switch)
    if (port.groups.length === 0) pickUp(context, tx, port)
    changePolicy(tx, model, port, () => change(tx, port, () => tx.set(port, 'groups', groups)))
  },
  addresses(context, tx, port, asked) {
    tx.asked = `set the addresses of port ${unitName(port)}`
    const addresses = checkAddresses(tx, asked)
    touchAddresses(tx, port)
    notePolicy(tx, port)
    const switches = port.switch === null ? [] : [port.switch]
    withinQuota(context, tx, 'maxAddresses', switches, () => change(tx, port, () => tx.set(port, 'addresses', addresses)))
    refuseGatewayOf(tx, port)
    touchAddresses(tx, port)
    notePolicy(tx, port)
  },
})

/** The port is attached, or in groups for the first time: connections of its unit may be under way. */
function pickUp({ datapath }: Context, tx: Transaction, port: Port): void {
  tx.later(`have ${unitName(port)} take connections that are under way`, () => datapath.tables.policy.pickups.open(port.source))
}

/** Change what the tables say of the port. */
function change(tx: Transaction, port: Port, act: () => void): void {
  touchPort(tx, port)
  act()
  touchPort(tx, port)
  noteRecords(tx, port)
}

type LimitName = 'rateOut' | 'rateIn' | 'packetRateOut' | 'packetRateIn' | 'questionRate' | 'dhcpRate'

function limit(tx: Transaction, port: Port, name: LimitName, rate: number): void {
  tx.dirty.portLimits.add(port.source)
  change(tx, port, () => tx.set(port, name, rate))
}

/**
 * Number of MACs besides its own that can be behind a unit: the tables of this and of other hosts have an entry for
 * each.
 */
export const maxFurtherMacs = 16

/** Each once. */
function checkMacs(tx: Transaction, asked: readonly Mac[]): Mac[] {
  const macs = [...new Map(asked.map((mac) => [macNumber(mac), mac])).values()]
  if (macs.length > maxFurtherMacs)
    tx.refuse('E2BIG', `a port takes ${maxFurtherMacs} further MACs, not ${macs.length}`, 'give stations interfaces of their own')
  return macs
}

/** The addresses without duplicates. Refuses those that a unit cannot have. */
function checkAddresses(tx: Transaction, asked: readonly Ipv6[]): Ipv6[] {
  const odd = asked.find((address) => !isUsableAddress(address))
  if (odd !== undefined)
    tx.refuse('EINVAL', `${formatIp(isMapped(odd) ? fromMapped(odd) : odd)} is not an address that a unit can send from`)
  return [...new Map(asked.map((address) => [addressKey(address), address])).values()]
}

/** Forget it unless a descriptor, a commit or a switch holds it. */
export function letGoOfPort(context: Context, tx: Transaction, port: Port): void {
  if (port.descriptors === 0 && !port.committed && port.switch === null) dismantlePort(context, tx, port)
}

/** Put a port into a switch. A port without a VNI gets the switch's. */
export function joinSwitch(context: Context, tx: Transaction, sw: Switch, port: Port): void {
  const { model } = context
  if (port.switch === sw) tx.refuse('EEXIST', `it is in this switch already`)
  if (port.switch !== null) tx.refuse('EBUSY', `it is in switch ${fullName(port.switch)}`, 'delete it there first')
  const vni = port.vni === 0 ? sw.vni : port.vni
  checkVniFree(tx, model, sw, vni, 'choose another with --vni')
  checkGroups(model, tx, port, port.groups, sw)
  withinQuota(context, tx, 'maxAddresses', [sw], () =>
    movePort(tx, model, port, () => {
      tx.set(port, 'switch', sw)
      tx.set(port, 'vni', vni)
      tx.add(sw.ports, port)
    }),
  )
  claimSegments(tx, model, sw, [vni])
  notePolicy(tx, port)
  noteRecords(tx, port)
}

/** Take a port out of its switch, if it is in one. Its VNI stays with the switch. */
export function leaveSwitch(context: Context, tx: Transaction, port: Port): void {
  const { switch: sw, vni } = port
  if (sw === null) return
  noteRecords(tx, port)
  notePolicy(tx, port)
  touchPort(tx, port)
  if (sw.uplink === port) tx.set(sw, 'uplink', null)
  movePort(tx, context.model, port, () => {
    tx.set(port, 'switch', null)
    tx.set(port, 'vni', 0)
    tx.drop(sw.ports, port)
  })
  if (port.peer?.type === 'ethlink') serveEthlink(context, tx, port.peer)
  claimSegments(tx, context.model, sw, [vni])
}

/** Plug an interface in. Its counters start anew. */
export function connectPort(context: Context, tx: Transaction, port: Port, peer: Interface): void {
  if (port.peer === peer) tx.refuse('EISCONN', `they are connected already`)
  if (port.peer !== null) tx.refuse('EBUSY', `the port has ${fullName(port.peer)} in it`, 'disconnect that first')
  if (peer.port !== null) tx.refuse('EBUSY', `it is connected to port ${fullName(peer.port)}`, 'disconnect it there first')
  if (port.switch?.uplink === port && peer.type !== 'ethlink') {
    tx.refuse('EINVAL', 'the port is the uplink of its switch, which takes an ethlink', 'connect it to another port')
  }
  if (peer.type !== 'ethlink' && peer.ifindex === 0) {
    tx.refuse(
      'ENODEV',
      `the device of ${fullName(peer)} is gone: somebody deleted it, or its network namespace ended`,
      'make it again with vpc audit --repair',
    )
  }
  movePort(tx, context.model, port, () => {
    tx.set(port, 'peer', peer)
    tx.set(peer, 'port', port)
  })
  if (peer.type === 'ethlink') serveEthlink(context, tx, peer)
  noteRecords(tx, port)
  tx.later(`clear the counters of ${unitName(port)}`, () => clearCounters(context.datapath, port.source))
  pickUp(context, tx, port)
}

/** Unplug the interface, if there is one. */
export function disconnectPort(context: Context, tx: Transaction, port: Port): void {
  const { peer } = port
  if (peer === null) return
  noteRecords(tx, port)
  movePort(tx, context.model, port, () => {
    tx.set(port, 'peer', null)
    tx.set(peer, 'port', null)
  })
  if (peer.type === 'ethlink') serveEthlink(context, tx, peer)
}

/** The rows of a port and of its interface depend on both: mark both. */
export function noteRecords(tx: Transaction, port: Port): void {
  tx.dirty.records.add(port)
  if (port.peer !== null) tx.dirty.records.add(port.peer)
}

/** The interface that the input names, of a type that can be in a port. */
function findInterface({ context, tx, object: port, input: id }: Call<Port, Id>, verb: 'connect' | 'disconnect'): Interface {
  tx.asked = verb === 'connect' ? `connect ${id} to port ${unitName(port)}` : `disconnect ${id} from port ${unitName(port)}`
  const type = typeNameOf(idTypeCode(id))
  if (type === 'vpcmux')
    tx.refuse('EOPNOTSUPP', 'a mux needs no port: it serves all switches of the host', 'connect it to an ethlink instead')
  if (type === undefined || !isInterfaceType(type)) {
    const what = type === undefined ? `byte 9 of it is ${idTypeCode(id)}, which is not a type` : `it is the id of ${typeNoun[type]}`
    return tx.refuse('EINVAL', what, 'a port takes a vmnic, a hostif or an ethlink')
  }
  const peer =
    context.model.find(type, id) ?? tx.refuse('ENOENT', `there is no ${type} ${id} on this host`, `create it with vpc ${type} create`)
  tx.asked = tx.asked.replace(id, unitName(peer))
  return peer
}

/** Connect a port as the journal has it. */
function join(tx: Transaction, model: Context['model'], port: Port, { switch: member, uplink, peer }: Row): void {
  const sw = typeof member === 'string' ? model.find('vpcsw', member as Id) : undefined
  const plugged = typeof peer === 'string' ? model.objects.get(peer as Id) : undefined
  movePort(tx, model, port, () => {
    if (sw !== undefined) {
      port.switch = sw
      sw.ports.add(port)
      if (uplink === true) sw.uplink = port
    }
    if (plugged !== undefined && isInterfaceType(plugged.type)) {
      port.peer = plugged as Interface
      port.peer.port = port
    }
  })
}

export const portType: ObjectType<'vpcp'> = {
  type: 'vpcp',
  create: createPort,
  dismantle: dismantlePort,
  state,
  setters,
  kept: ['source'],
  references(port) {
    const member = persistentId(port.switch)
    const uplink = member !== null && port.switch?.uplink === port
    // Not committed when only its switch holds it.
    return { committed: port.committed, switch: member, uplink, peer: persistentId(port.peer) }
  },
  join,
  operations: {
    vpcpConnect(call) {
      const { context, tx, object: port } = call
      connectPort(context, tx, port, findInterface(call, 'connect'))
    },
    vpcpDisconnect(call) {
      const { context, tx, object: port, input: id } = call
      if (id !== undefined) {
        const peer = findInterface({ ...call, input: id }, 'disconnect')
        if (port.peer !== null && port.peer !== peer) tx.refuse('ENOTCONN', `the port has ${unitName(port.peer)} in it`)
      }
      disconnectPort(context, tx, port)
    },
    vpcpTrace: tracePort,
    vpcpFlowsExport: exportFlows,
    vpcpFlowsImport: importFlows,
    vpcpPeerGet: ({ tx, object: { peer } }) => (peer === null ? tx.refuse('ENOTCONN', 'nothing is connected to the port') : peer.id),
  },
  describe: (_, port) => ({
    ...settingsToJson('vpcp', port),
    committed: persists(port),
    switch: port.switch?.id ?? null,
    peer: port.peer?.id ?? null,
    peerUnit: port.peer && unitName(port.peer),
    uplink: port.switch?.uplink === port,
  }),
}
