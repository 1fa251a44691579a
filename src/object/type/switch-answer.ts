/**
 * Answers of the original's listener: vpcd adds a neighbour to the table, so that the guest's next question is
 * answered, and sends a frame at once.
 */
import type { FrameAnswer, NeighbourAnswer } from '#abi/answer-layout.ts'
import { neighbourEntry } from '#abi/layouts.ts'
import { sendToUnit } from '#datapath/device/send.ts'
import { pushVlan } from '#wire/ethernet.ts'
import { asMac, formatMac, isMulticastMac } from '#wire/mac.ts'
import { macNumber, segmentOf } from '../store/keys.ts'
import { fullName, unitName, type Port, type Switch } from '../store/model.ts'
import type { Call } from '../operation.ts'
import { interfaceMtuBytes } from './mtu.ts'
import { setNeighbours } from './switch-neighbours.ts'

const ethernetBytes = 14

/** vpcsw 8 and 9. */
export function answerFromListener(call: Call<Switch, NeighbourAnswer | FrameAnswer>): void {
  const { input: answer } = call
  if (answer.form === 'frame') return sendToSegment({ ...call, input: answer })
  const { vni, address, mac } = answer
  setNeighbours({ ...call, input: neighbourEntry.encode({ vni, mac, pad: 0, address }) })
}

/** Deliver a frame to the unit that has its destination, or to all units of the VNI. */
function sendToSegment({ context, tx, object: sw, input: { vni, vlan, frame } }: Call<Switch, FrameAnswer>): void {
  tx.asked = `send a frame on VNI ${vni} from switch ${unitName(sw)}`
  const segment = segmentOf(sw, vni)
  const destination = asMac(frame.slice(0, 6))
  const members = sw.segments.has(segment) ? (context.model.members.get(segment) ?? new Map<number, Port>()) : new Map<number, Port>()
  const one = members.get(macNumber(destination))
  const ports = isMulticastMac(destination) ? [...members.values()] : one === undefined ? [] : [one]
  if (ports.length === 0) tx.refuse('ENOENT', `it has no unit with MAC ${formatMac(destination)} there`)
  for (const port of ports) {
    if (vlan !== 0 && vlan !== port.vlan) tx.refuse('EINVAL', `port ${fullName(port)} has VLAN tag ${port.vlan}, not ${vlan}`)
    const mtuBytes = interfaceMtuBytes(context.model, port.peer!)
    if (frame.length > mtuBytes + ethernetBytes)
      tx.refuse(
        'EMSGSIZE',
        `the frame has ${frame.length - ethernetBytes} bytes behind its header; ${unitName(port.peer!)} takes ${mtuBytes}`,
      )
    if (port.peer!.ifindex === 0) tx.refuse('ENODEV', `${unitName(port.peer!)} has no device now`)
  }
  for (const port of ports) sendToUnit(port.peer!.ifindex, port.vlan === 0 ? frame : pushVlan(frame, port.vlan))
}
