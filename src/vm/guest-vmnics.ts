/** The vmnics of a guest, and the wait until their ports carry frames. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Id } from '#abi/id.ts'
import type { VmnicInfo } from '#abi/info.ts'
import type { Vpc } from '#client/vpc.ts'
import { VmError } from './vm-error.ts'
import type { GuestVmnic } from './vm-state.ts'

export interface WaitOptions {
  readonly timeoutMs: number
  /** Called once with what the machine waits for. */
  progress(line: string): void
}

const pollMs = 100

/**
 * Wait until a vmnic's port is in a switch that is up. Gives the vmnic as the guest will see it. Throws VmError
 * ETIMEDOUT that says what is missing.
 */
export async function readyVmnic(vpc: Vpc, id: Id, { timeoutMs, progress }: WaitOptions): Promise<GuestVmnic> {
  const deadline = performance.now() + timeoutMs
  let told = ''
  for (;;) {
    await using vmnic = await vpc.openVmnic(id)
    const info = await vmnic.describe()
    const lack = await lackOf(vpc, info)
    if (lack === undefined) return guestVmnic(info)
    if (performance.now() >= deadline) throw new VmError('ETIMEDOUT', `${info.unit} (${id}) is not ready: ${lack}`)
    if (lack !== told) progress(`waiting: ${lack}`)
    told = lack
    await sleep(pollMs)
  }
}

/** What a vmnic lacks to carry frames; undefined: nothing. */
async function lackOf(vpc: Vpc, { id, unit, device, port }: VmnicInfo): Promise<string | undefined> {
  if (device === 'missing') return `${unit} has no device; see \`vpc doctor\` and vpcd's log`
  if (port === null) return `${unit} is in no port; connect it: vpc switch port connect --port-id=… --interface-id=${id}`
  await using opened = await vpc.openPort(port)
  const info = await opened.describe()
  if (info.switch === null)
    return `port ${info.unit} of ${unit} is in no switch; add it: vpc switch port add --port-id=${port} --switch-id=…`
  await using sw = await vpc.openSwitch(info.switch)
  const { up, unit: name } = await sw.describe()
  return up ? undefined : `switch ${name} is down; set it up: vpc switch set --switch-id=${info.switch} --up`
}

const guestVmnic = ({ id, device, mac, mtuBytes, queues }: VmnicInfo): GuestVmnic => ({ id, device, mac, mtuBytes, queues })
