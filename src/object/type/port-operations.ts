/** The operations of a port. */
import { asIpv6, isMapped, type Ipv6 } from '#wire/ipv6-address.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { idTypeCode } from '#abi/id.ts'
import { typeNameOf, typeNoun } from '#abi/object-type.ts'
import { checkVniFree, claimSegments } from '../store/claims.ts'
import { isUsableAddress } from './address-check.ts'
import { readBoolean, readId, readVlan, readVni } from '../input.ts'
import { addressKey } from '../store/keys.ts'
import { movePort, touchAddresses, touchPort } from '../store/members.ts'
import { isInterfaceType, unitName, type Interface, type Port } from '../store/model.ts'
import type { Call, Operations } from '../operation.ts'
import { idOut, u16Out, vniOut } from '../output.ts'
import { connectPort, disconnectPort, noteRecords } from './port.ts'

type PortCall = Call<Port>

export const portOperations: Operations<Port> = {
  vpcpConnect(call) {
    const { context, tx, object: port } = call
    connectPort(context, tx, port, findInterface(call, 'connect'))
  },
  vpcpDisconnect(call) {
    const { context, tx, object: port } = call
    const peer = findInterface(call, 'disconnect')
    if (port.peer !== peer)
      tx.refuse('ENOTCONN', port.peer === null ? 'nothing is connected to the port' : `the port has ${unitName(port.peer)} in it`)
    disconnectPort(context, tx, port)
  },
  vpcpVniGet: ({ object: { vni } }) => vniOut(vni),
  vpcpVniSet({ context: { model }, tx, object: port, input }) {
    const vni = readVni(tx, input)
    tx.asked = `put port ${unitName(port)} on VNI ${vni}`
    const { switch: sw, vni: before } = port
    if (sw !== null) checkVniFree(tx, model, sw, vni, 'choose another with --vni')
    movePort(tx, model, port, () => tx.set(port, 'vni', vni))
    if (sw !== null) claimSegments(tx, model, sw, [before, vni])
    noteRecords(tx, port)
  },
  vpcpVlanGet: ({ object: { vlan } }) => u16Out(vlan),
  vpcpVlanSet({ tx, object: port, input }) {
    const vlan = readVlan(tx, input)
    change(tx, port, () => tx.set(port, 'vlan', vlan))
  },
  vpcpPeerGet: ({ tx, object: { peer } }) => (peer === null ? tx.refuse('ENOTCONN', 'nothing is connected to the port') : idOut(peer.id)),
  vpcpAddressesGet: ({ object: { addresses } }) => Buffer.concat(addresses),
  vpcpAddressesSet(call) {
    const { tx, object: port } = call
    tx.asked = `set the addresses of port ${unitName(port)}`
    const addresses = readAddresses(call)
    touchAddresses(tx, port)
    change(tx, port, () => tx.set(port, 'addresses', addresses))
    touchAddresses(tx, port)
  },
  vpcpAntispoofGet: ({ object: { antispoof } }) => u16Out(antispoof ? 1 : 0),
  vpcpAntispoofSet({ tx, object: port, input }) {
    const antispoof = readBoolean(tx, input, 'antispoof')
    change(tx, port, () => tx.set(port, 'antispoof', antispoof))
  },
}

function change(tx: PortCall['tx'], port: Port, act: () => void): void {
  touchPort(tx, port)
  act()
  touchPort(tx, port)
  noteRecords(tx, port)
}

/** The interface whose id is the input: one that can be in a port. */
function findInterface({ context, tx, object: port, input }: PortCall, verb: 'connect' | 'disconnect'): Interface {
  const id = readId(tx, input)
  tx.asked = verb === 'connect' ? `connect ${id} to port ${unitName(port)}` : `disconnect ${id} from port ${unitName(port)}`
  const type = typeNameOf(idTypeCode(id))
  if (type === 'vpcmux')
    tx.refuse('EOPNOTSUPP', 'a mux needs no port: it serves all switches of the host', 'connect it to an ethlink instead')
  if (type === undefined || !isInterfaceType(type)) {
    const what = type === undefined ? `byte 9 of it is ${idTypeCode(id)}, which is no type` : `it is the id of ${typeNoun[type]}`
    return tx.refuse('EINVAL', what, 'a port takes a vmnic, a hostif or an ethlink')
  }
  const peer =
    context.model.find(type, id) ?? tx.refuse('ENOENT', `there is no ${type} ${id} on this host`, `create it with vpc ${type} create`)
  tx.asked = tx.asked.replace(id, unitName(peer))
  return peer
}

function readAddresses({ tx, input }: PortCall): Ipv6[] {
  if (input.length % 16 !== 0) tx.refuse('EINVAL', `addresses are 16 bytes each (IPv4 as ::ffff:a.b.c.d); the input has ${input.length}`)
  const found = new Map<string, Ipv6>()
  for (let start = 0; start < input.length; start += 16) {
    const address = asIpv6(input.slice(start, start + 16))
    if (!isUsableAddress(address)) {
      const shown = formatIp(isMapped(address) ? fromMapped(address) : address)
      tx.refuse('EINVAL', `${shown} is no address that a unit can send from`)
    }
    found.set(addressKey(address), address)
  }
  return [...found.values()]
}
