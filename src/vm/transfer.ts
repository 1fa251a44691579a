/** A running guest's way out of one QEMU and into another: its stream, how far it is, and its end. */
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Qmp } from './qmp.ts'
import { VmError } from './vm-error.ts'

/** How far QEMU is. */
export interface Transfer {
  /** QEMU's word: `active`, `completed`, `failed`, … */
  readonly status: string
  /** Bytes of memory that are still to be sent, and all of them. */
  readonly remaining: number
  readonly total: number
}

/** QEMU is to take what the reader of the pipe takes: no limit of its own. */
const bandwidth = 10 * 2 ** 30
const loadMs = 60_000
const pollMs = 10

/** Have QEMU write the guest into a pipe that somebody reads. The guest runs on until all but little is sent. */
export async function sendGuest(qmp: Qmp, pipe: string): Promise<void> {
  const fd = openSync(pipe, 'w')
  try {
    await qmp.execute('getfd', { fdname: 'outgoing' }, [fd])
  } finally {
    closeSync(fd)
  }
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': bandwidth })
  await qmp.execute('migrate', { uri: 'fd:outgoing' })
}

/** How far it is. */
export async function transferOf(qmp: Qmp): Promise<Transfer> {
  const { status = 'none', ram } = (await qmp.execute('query-migrate')) as { status?: string; ram?: { remaining: number; total: number } }
  return { status, remaining: ram?.remaining ?? 0, total: ram?.total ?? 0 }
}

/** What the guest is doing, by QEMU's word: `running`, `inmigrate`, `postmigrate`, … */
export const statusOf = async (qmp: Qmp): Promise<string> => ((await qmp.execute('query-status')) as { status: string }).status

/** Have the guest run here after all, whatever was sent. */
export async function keepGuest(qmp: Qmp): Promise<void> {
  await qmp.execute('migrate_cancel')
  for (const end = performance.now() + loadMs; /^(setup|active|cancelling|device|pre-switchover)$/.test((await transferOf(qmp)).status);) {
    if (performance.now() > end) throw new VmError('ETIMEDOUT', 'QEMU does not end the transfer of its guest')
    await sleep(pollMs)
  }
  if ((await statusOf(qmp)) !== 'running') await qmp.execute('cont')
}

/** Wait until QEMU has read a guest whole, and have it run. */
export async function runReceived(qmp: Qmp): Promise<void> {
  for (const end = performance.now() + loadMs; (await statusOf(qmp)) === 'inmigrate';) {
    if (performance.now() > end) throw new VmError('ETIMEDOUT', 'the guest did not come whole')
    await sleep(pollMs)
  }
  await qmp.execute('cont')
}
