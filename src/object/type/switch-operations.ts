/** The operations of a switch. */
import { checkVniFree, claimSegments } from '../store/claims.ts'
import { expectLength, readBoolean, readId, readVni } from '../input.ts'
import { touchPort } from '../store/members.ts'
import { fullName, unitName, type Port, type Switch } from '../store/model.ts'
import { deleteNeighbours, setNeighbours } from './switch-neighbours.ts'
import type { Call, Operations } from '../operation.ts'
import { idOut, idsOut, u16Out, u64Out, vniOut } from '../output.ts'
import { createPort, disconnectPort, joinSwitch, leaveSwitch, letGoOfPort, noteRecords } from './port.ts'
import { serveEthlink } from './ethlink-service.ts'
import { persists } from '../store/record.ts'
import { sendFromSwitch } from './switch-send.ts'
import { forgetNeighbours, portsOf, touchSwitch } from './switch.ts'

type SwitchCall = Call<Switch>

export const switchOperations: Operations<Switch> = {
  vpcswPortAdd({ context, tx, object: sw, input }) {
    const id = readId(tx, input, 'vpcp')
    tx.asked = `add port ${id} to switch ${unitName(sw)}`
    joinSwitch(context, tx, sw, context.model.find('vpcp', id) ?? createPort(context, tx, id))
  },
  vpcswPortDelete(call) {
    const { context, tx } = call
    const port = findPort(call, 'delete', 'from')
    disconnectPort(context, tx, port)
    leaveSwitch(context, tx, port)
    letGoOfPort(context, tx, port)
  },
  vpcswUplinkSet: setUplink,
  vpcswUplinkGet: ({ tx, object: { uplink } }) =>
    uplink === null ? tx.refuse('ENOENT', 'the switch has no uplink port') : idOut(uplink.id),
  vpcswStateGet: ({ object: { up } }) => u64Out(up ? 1n : 0n),
  vpcswStateSet({ tx, object: sw, input }) {
    const up = readState(tx, input)
    tx.set(sw, 'up', up)
    touchSwitch(tx, sw)
    tx.dirty.records.add(sw)
  },
  vpcswReset({ context, tx, object: sw }) {
    forgetNeighbours(context, tx, sw)
    tx.set(sw.neighbours, 'logged', 0)
    if (persists(sw)) tx.journalled.push(() => context.journal.replaceEntries(sw.id, new Uint8Array()))
  },
  vpcswVniGet: ({ object: { vni } }) => vniOut(vni),
  vpcswVniSet({ context: { model }, tx, object: sw, input }) {
    const vni = readVni(tx, input)
    tx.asked = `give switch ${unitName(sw)} VNI ${vni}`
    checkVniFree(tx, model, sw, vni, 'choose another with --vni')
    const before = sw.vni
    tx.set(sw, 'vni', vni)
    claimSegments(tx, model, sw, [before, vni])
    tx.dirty.records.add(sw)
  },
  vpcswNeighbourSet: setNeighbours,
  vpcswNeighbourDelete: deleteNeighbours,
  vpcswNeighbourList: ({ object: { neighbours } }) => neighbours.encode(),
  vpcswFloodGet: ({ object: { floodUnknown } }) => u16Out(floodUnknown ? 1 : 0),
  vpcswFloodSet({ tx, object: sw, input }) {
    tx.set(sw, 'floodUnknown', readBoolean(tx, input, 'flood unknown'))
    touchSwitch(tx, sw)
    tx.dirty.records.add(sw)
  },
  vpcswListen({ context, object: sw, handle }) {
    context.events.listen(handle, sw)
  },
  vpcswSend: sendFromSwitch,
  vpcswPortList: ({ object }) => idsOut(portsOf(object).map(({ id }) => id)),
}

/** u64, of which bit 0 is the state; a shorter varint is taken as other numbers' are. */
function readState(tx: SwitchCall['tx'], input: Uint8Array): boolean {
  if (input.length !== 1 && input.length !== 2) expectLength(tx, input, 'a state', 8)
  if (input[0]! > 1 || input.subarray(1).some((byte) => byte !== 0))
    tx.refuse('EINVAL', 'of a state only bit 0 may be set: 1 is up, 0 is down')
  return input[0] === 1
}

/** The port of this switch whose id is the input. */
function findPort({ context, tx, object: sw, input }: SwitchCall, verb: string, preposition: string): Port {
  const id = readId(tx, input, 'vpcp')
  tx.asked = `${verb} port ${id} ${preposition} switch ${unitName(sw)}`
  const port = context.model.find('vpcp', id)
  if (port === undefined) return tx.refuse('ENOENT', 'there is no port of that id on this host', 'add it to the switch first')
  if (port.switch !== sw)
    tx.refuse('ENOENT', port.switch === null ? 'the port is in no switch' : `the port is in switch ${fullName(port.switch)}`)
  return port
}

function setUplink(call: SwitchCall): void {
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
  tx.set(sw, 'uplink', port)
  touchPort(tx, port)
  if (port.peer !== null) serveEthlink(context, tx, port.peer)
  noteRecords(tx, port)
}
