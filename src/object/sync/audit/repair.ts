/**
 * Repairs what an audit finds. The objects stay as they are; vpcd makes the kernel and the journal agree with them. It
 * repairs each part by itself, reports parts that it cannot repair, and goes on with the rest.
 */
import { withQuickGracePeriods } from '#datapath/grace-period.ts'
import { formatIp } from '#wire/ip-address.ts'
import type { Context } from '../../context.ts'
import { remakeDevice, repairOwn } from '../repair-device.ts'
import { unitName, type Mux } from '../../store/model.ts'
import { repairMirror } from '../mirrors.ts'
import { holdPolicies } from '../policy/settle-policies.ts'
import { repairTables } from '../repair-tables.ts'
import { servicesAlias } from '#datapath/device/devices.ts'
import { remakeServices } from '../../type/services.ts'
import { transact } from '../transact.ts'
import { repairGuestFiles } from '../guest-files.ts'
import { checkAll } from '../watch.ts'
import { listensNowhere, strangeDevices } from './devices.ts'
import { repairJournal } from './journal.ts'
import { repairPrograms } from './programs.ts'

/** Repair everything. Returns the failures. */
export function repair(context: Context): string[] {
  const { model, devices } = context
  const failures: string[] = []
  const attempt = (what: string, act: () => void): void => {
    try {
      act()
    } catch (error) {
      failures.push(`cannot ${what}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  attempt('look at all devices', () => checkAll(context))
  const own = [...model.ofType('vmnic'), ...model.ofType('hostif'), ...model.ofType('vpcmux')]
  withQuickGracePeriods(own.length, () => {
    const strange = strangeDevices(model, devices.all())
    attempt('remove strange devices', () => devices.remove(...strange.map(({ ifindex }) => ifindex)))
    for (const object of own)
      attempt(`repair the device of ${unitName(object)}`, () => {
        if (object.ifindex === 0) remakeDevice(context, object)
        else repairOwn(context, object)
        context.troubles.clear(object)
      })
    for (const type of ['vpcsw', 'ethlink'] as const)
      for (const object of model.ofType(type)) attempt(`repair the mirror of ${unitName(object)}`, () => repairMirror(context, object))
    for (const ethlink of model.ofType('ethlink')) {
      const { ifindex, serving } = ethlink
      if (ifindex !== 0 && (serving.uplink || serving.wire))
        attempt(`repair the interface of ${unitName(ethlink)}`, () => devices.change(ifindex, { promisc: true }))
    }
    attempt('repair the services for guests', () => repairServices(context))
    repairPrograms(context, attempt)
  })
  attempt('repair the tables', () => {
    repairTables(model, context.datapath.tables)
    holdPolicies(model, context.datapath.tables.policy)
  })
  attempt('repair what the services know', () => repairGuestFiles(context))
  attempt('repair the journal', () => repairJournal(context))
  for (const mux of model.ofType('vpcmux')) if (listensNowhere(context, mux)) failures.push(adviceForAddress(mux))
  return failures
}

/** Make the veth to the services again when it is gone, and remove one that nobody wants. */
function repairServices(context: Context): void {
  const { devices, model } = context
  const { ifindex } = model.services
  const ours = devices.all().filter(({ alias }) => alias === servicesAlias)
  if (ours.length !== (ifindex === 0 ? 0 : 1) || ours.some((device) => device.ifindex !== ifindex))
    transact(context, 'make the services for guests again', (tx) => remakeServices(context, tx))
  else if (ifindex !== 0) devices.change(ifindex, { up: true })
}

/** vpcd does not set addresses of the host. */
function adviceForAddress(mux: Mux): string {
  const address = formatIp(mux.listen!.address)
  return `cannot give the host address ${address}, on which ${unitName(mux)} listens; give it back to the host, or let the mux listen on another`
}
