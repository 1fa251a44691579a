/** A switch: forwards the frames of one customer, over any number of VNIs. */
import type { Id } from '#abi/id.ts'
import { initialSettings, settingsToJson } from '#abi/settings.ts'
import type { Context } from '../context.ts'
import type { Call } from '../operation.ts'
import { checkVniFree, claimSegments } from '../store/claims.ts'
import { segmentOf } from '../store/keys.ts'
import { touchPort } from '../store/members.ts'
import { fullName, persists, unitName, type Port, type Subnet, type Switch } from '../store/model.ts'
import { NeighbourStore } from '../store/neighbour-store.ts'
import { touchHost } from '../store/routing.ts'
import { newBase, register, unregister } from '../store/registry.ts'
import type { Transaction } from '../store/transaction.ts'
import { dismantleGroupsOf } from './group.ts'
import { serveEthlink } from './ethlink-service.ts'
import { createPort, disconnectPort, joinSwitch, leaveSwitch, letGoOfPort, noteRecords } from './port.ts'
import { answerFromListener } from './switch-answer.ts'
import { deleteNeighbours, setNeighbours } from './switch-neighbours.ts'
import { clearUsedNeighbours, listFlaggedNeighbours } from './used-entries.ts'
import { sendFromSwitch } from './switch-send.ts'
import { dropMirror, makeFirstMirror, noMirror } from './mirror.ts'
import { leaveSwitchOf } from './subnet.ts'
import { type ObjectType, settersOf, type State } from './type.ts'

const state = (): State<'vpcsw'> => ({
  uplink: null,
  ports: new Set<Port>(),
  subnets: new Set<Subnet>(),
  portVnis: new Map<number, number>(),
  neighbours: new NeighbourStore(),
  segments: new Set<number>(),
  mirror: noMirror,
})

function createSwitch(context: Context, tx: Transaction, id: Id): Switch {
  const sw = register<Switch>(context, tx, { ...newBase(context.model, 'vpcsw', id), ...initialSettings('vpcsw'), ...state() })
  makeFirstMirror(context, tx, sw)
  return sw
}

/** Take all ports and subnets out, forget the switch, and destroy ports that nothing else holds. */
function dismantleSwitch(context: Context, tx: Transaction, sw: Switch): void {
  for (const port of sw.ports) {
    leaveSwitch(context, tx, port)
    letGoOfPort(context, tx, port)
  }
  for (const subnet of sw.subnets) leaveSwitchOf(context, tx, subnet)
  dismantleGroupsOf(context, tx, sw)
  forgetNeighbours(context, tx, sw)
  tx.set(sw, 'vni', 0)
  claimSegments(tx, context.model, sw)
  dropMirror(tx, sw)
  unregister(context, tx, sw)
}

const setters = settersOf<'vpcsw'>({
  vni({ model }, tx, sw, vni) {
    tx.asked = `give switch ${unitName(sw)} VNI ${vni}`
    checkVniFree(tx, model, sw, vni, 'choose another with --vni')
    const before = sw.vni
    tx.set(sw, 'vni', vni)
    claimSegments(tx, model, sw, [before, vni])
    tx.dirty.records.add(sw)
  },
  up: (_, tx, sw, up) => change(tx, sw, () => tx.set(sw, 'up', up)),
  maxEntries: (_, tx, sw, most) => limit(tx, sw, 'maxEntries', most),
  maxNeighbours: (_, tx, sw, most) => limit(tx, sw, 'maxNeighbours', most),
  maxAddresses: (_, tx, sw, most) => limit(tx, sw, 'maxAddresses', most),
  floodUnknown: (_, tx, sw, floodUnknown) => change(tx, sw, () => tx.set(sw, 'floodUnknown', floodUnknown)),
})

/** A quota is in no table. */
function limit(tx: Transaction, sw: Switch, quota: 'maxEntries' | 'maxNeighbours' | 'maxAddresses', most: number): void {
  tx.set(sw, quota, most)
  tx.dirty.records.add(sw)
}

/** Change what the tables say about a switch's segments and ports. */
function change(tx: Transaction, sw: Switch, act: () => void): void {
  act()
  for (const segment of sw.segments) tx.dirty.segments.add(segment)
  for (const { peer } of sw.ports) if (peer !== null && peer.ifindex !== 0) tx.dirty.ports.add(peer.ifindex)
  tx.dirty.records.add(sw)
}

/** Empty the neighbour table. */
function forgetNeighbours({ model }: Context, tx: Transaction, sw: Switch): void {
  for (const [vni, known] of sw.neighbours.vnis)
    for (const address of known.keys()) {
      tx.dirty.neighbours.add(segmentOf(sw, vni), address)
      touchHost(tx, sw, address)
    }
  tx.dirty.lists.add(sw)
  tx.set(sw.neighbours, 'vnis', new Map())
  tx.set(sw.neighbours, 'count', 0)
  claimSegments(tx, model, sw)
}

/** The ports of a switch, by unit. */
const portsOf = ({ ports }: Switch): Port[] => [...ports].sort((a, b) => a.unit - b.unit)

type PortCall = Call<Switch, Id>

/** The port of this switch whose id is the input. */
function findPort({ context, tx, object: sw, input: id }: PortCall, verb: string, preposition: string): Port {
  tx.asked = `${verb} port ${id} ${preposition} switch ${unitName(sw)}`
  const port = context.model.find('vpcp', id)
  if (port === undefined) return tx.refuse('ENOENT', 'there is no port of that id on this host', 'add it to the switch first')
  if (port.switch !== sw)
    tx.refuse('ENOENT', port.switch === null ? 'the port is in no switch' : `the port is in switch ${fullName(port.switch)}`)
  return port
}

function setUplink(call: PortCall): void {
  const { context, tx, object: sw } = call
  const port = findPort(call, 'make', 'the uplink of')
  if (sw.uplink === port) return
  if (sw.uplink !== null) tx.refuse('EEXIST', `its uplink is port ${fullName(sw.uplink)}`, 'delete that port first')
  if (port.peer !== null && port.peer.type !== 'ethlink') {
    return tx.refuse(
      'EINVAL',
      `the port has ${fullName(port.peer)} in it, and an uplink takes an ethlink`,
      'disconnect it, or choose another port',
    )
  }
  if (port.held) tx.refuse('EINVAL', 'the port is held', 'release it first, or choose another port')
  if (port.leaving) tx.refuse('EINVAL', "the port's guest is leaving", 'set --leaving=off first, or choose another port')
  tx.set(sw, 'uplink', port)
  touchPort(tx, port)
  if (port.peer !== null) serveEthlink(context, tx, port.peer)
  noteRecords(tx, port)
}

export const switchType: ObjectType<'vpcsw'> = {
  type: 'vpcsw',
  create: createSwitch,
  dismantle: dismantleSwitch,
  state,
  setters,
  kept: [],
  operations: {
    vpcswPortAdd({ context, tx, object: sw, input: id, claim }) {
      tx.asked = `add port ${id} to switch ${unitName(sw)}`
      const port = context.model.find('vpcp', id)
      if (port === undefined) claim(tx, 'vpcp', id, 'create')
      joinSwitch(context, tx, sw, port ?? createPort(context, tx, id))
    },
    vpcswPortDelete(call) {
      const { context, tx } = call
      const port = findPort(call, 'delete', 'from')
      disconnectPort(context, tx, port)
      leaveSwitch(context, tx, port)
      letGoOfPort(context, tx, port)
    },
    vpcswUplinkSet: setUplink,
    vpcswUplinkGet: ({ tx, object: { uplink } }) => (uplink === null ? tx.refuse('ENOENT', 'the switch has no uplink port') : uplink.id),
    vpcswReset({ context, tx, object: sw }) {
      forgetNeighbours(context, tx, sw)
      tx.set(sw.neighbours, 'logged', 0)
      if (persists(sw)) tx.journalled.push(() => context.journal.replaceEntries(sw.id, new Uint8Array()))
    },
    vpcswNeighbourSet: setNeighbours,
    vpcswNeighbourDelete: deleteNeighbours,
    vpcswNeighbourFlagsList: listFlaggedNeighbours,
    vpcswNeighbourUsedClear: clearUsedNeighbours,
    vpcswNeighbourList: ({ object: { neighbours } }) => neighbours.encode(),
    vpcswListen({ context, object: sw, handle }) {
      context.events.listen(handle, sw)
    },
    vpcswSend: sendFromSwitch,
    vpcswArpAnswer: answerFromListener,
    vpcswNdAnswer: answerFromListener,
    vpcswPortList: ({ object }) => portsOf(object).map(({ id }) => id),
  },
  describe: (_, sw) => ({
    ...settingsToJson('vpcsw', sw),
    uplink: sw.uplink?.id ?? null,
    ports: portsOf(sw).map((port) => port.id),
    subnets: [...sw.subnets].sort((a, b) => a.unit - b.unit).map(({ id }) => id),
  }),
}
