/**
 * The services of the host for guests: their namespace, which is there while a subnet has services, and the program on
 * the veth that leads there. The processes of the services are vpcd's (src/daemon/services.ts).
 */
import { servicesName } from '#datapath/device/devices.ts'
import type { Context } from '../context.ts'
import type { Model } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'

/** Name under which the program on the veth is pinned. */
export const servicesPin = servicesName

/** Whether a subnet has services. */
export function wantsServices(model: Model): boolean {
  for (const { metadata, resolver } of model.ofType('subnet')) if (metadata || resolver) return true
  return false
}

/** Make the services when the first subnet has some; remove them after the last. */
export function followServices(context: Context, tx: Transaction): void {
  const { services } = context.model
  if (!wantsServices(context.model)) {
    if (services.ifindex !== 0) tx.later('end the services for guests', () => endServices(context))
  } else if (services.ifindex === 0) makeServices(context, tx)
}

function makeServices(context: Context, tx: Transaction): void {
  const { datapath, devices, model } = context
  const { ifindex } = devices.createServices()
  tx.did(() => devices.removeServices())
  datapath.attach('service', ifindex, servicesPin)
  tx.did(() => void datapath.detach(servicesPin))
  datapath.guard(ifindex, 'egress')
  tx.set(model.services, 'ifindex', ifindex)
  for (const port of model.ofType('vpcp')) tx.dirty.guests.add(port.source)
  tx.later('start the services for guests', () => context.serving?.start(devices.servicesFd!))
}

/** A later change of the same transaction may want them again. */
function endServices({ datapath, devices, model, serving }: Context): void {
  if (wantsServices(model)) return
  serving?.stop()
  datapath.detach(servicesPin)
  devices.removeServices()
  model.services.ifindex = 0
}

/** Make the services anew: at a start, and when somebody has removed their device. */
export function remakeServices(context: Context, tx: Transaction): void {
  const { datapath, devices, model } = context
  context.serving?.stop()
  datapath.detach(servicesPin)
  devices.removeServices()
  tx.set(model.services, 'ifindex', 0)
  if (wantsServices(model)) makeServices(context, tx)
}
