/** Frames that a listener sends to the asker: answers that no table has, such as DHCP's. */
import { sendToUnit } from '#datapath/device/send.ts'
import type { PortFrame } from '#abi/codec.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { fullName, unitName, type Switch } from '../store/model.ts'
import { interfaceMtuBytes } from './mtu.ts'
import type { Call } from '../operation.ts'

const ethernetBytes = 14

/**
 * Deliver the frame to the unit in the port, with the port's tag, as if it came from the switch. It passes no table and
 * no check of senders. Throws EMSGSIZE for a frame beyond the unit's MTU.
 */
export function sendFromSwitch({ context, tx, object: sw, input: { port: id, frame } }: Call<Switch, PortFrame>): void {
  tx.asked = `send a frame from switch ${unitName(sw)}`
  const port = context.model.find('vpcp', id)
  if (port === undefined) return tx.refuse('ENOENT', `there is no port ${id} on this host`)
  if (port.switch !== sw) tx.refuse('ENOENT', `port ${fullName(port)} is not in it`)
  const { peer } = port
  if (peer === null) return tx.refuse('ENOTCONN', `nothing is connected to port ${unitName(port)}`)
  if (peer.type === 'ethlink')
    return tx.refuse('EOPNOTSUPP', `port ${unitName(port)} has an ethlink in it, and vpcd knows no guest behind it`)
  const mtuBytes = interfaceMtuBytes(context.model, peer)
  if (frame.length > mtuBytes + ethernetBytes) {
    tx.refuse('EMSGSIZE', `the frame has ${frame.length - ethernetBytes} bytes behind its header; ${unitName(peer)} takes ${mtuBytes}`)
  }
  if (peer.ifindex === 0) tx.refuse('ENODEV', `${unitName(peer)} has no device now`)
  sendToUnit(peer.ifindex, port.vlan === 0 ? frame : pushVlan(frame, port.vlan))
}
