/** Follows the interface that an ethlink wraps: it may go, come again, or get another name, MTU or MAC. */
import type { Context } from '../context.ts'
import { loseInterface, noteInterface, wrap } from '../type/ethlink.ts'
import { fullName, unitName, type Ethlink } from '../store/model.ts'
import { VpcError } from '../vpc-error.ts'
import { transact } from './transact.ts'

/**
 * Compare again. Only one ethlink wraps an interface. When a wrapped interface gets the name that another ethlink waits
 * for, it stays where it is, and this throws EBUSY about the other ethlink.
 */
export function followInterface(context: Context, ethlink: Ethlink): void {
  const { l2Name, ifindex, deviceMtuBytes, interfaceMac } = ethlink
  if (l2Name === null) return
  const { devices, model, log } = context
  const device = devices.byIndex(ifindex) ?? devices.byName(l2Name)
  const asked = `follow interface ${l2Name} of ${unitName(ethlink)}`
  if (device !== undefined && device.ifindex === ifindex) {
    const differs = device.mtuBytes !== deviceMtuBytes || device.name !== l2Name || macText(device.mac) !== macText(interfaceMac)
    if (differs) transact(context, asked, (tx) => noteInterface(context, tx, ethlink, device))
    return
  }
  if (ifindex !== 0) {
    log.warn(`interface ${l2Name} of ${fullName(ethlink)} is gone`)
    transact(context, asked, (tx) => loseInterface(context, tx, ethlink))
  }
  if (device === undefined) return
  const owner = model.devices.get(device.ifindex)
  if (owner !== undefined) throw taken(l2Name, fullName(owner))
  transact(context, asked, (tx) => wrap(context, tx, ethlink, l2Name, device))
  log.info(`interface ${l2Name} of ${fullName(ethlink)} is there again`)
}

const macText = (mac: Uint8Array | null): string => Buffer.from(mac ?? []).toString('hex')

/** An interface of that name exists, and another object has it. */
export const taken = (name: string, owner: string): VpcError =>
  new VpcError('EBUSY', `interface ${name} is that of ${owner} now; connect this ethlink to another, or destroy one of both`)
