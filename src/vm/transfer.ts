/** A running guest's way out of one QEMU and into another: its stream, how far it is, and its end. */
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { diskOf, endCopy, endExport, finishCopy } from './disk-copy.ts'
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

/** QEMU's word for a guest that stands still, with all but the last of it sent. It waits there for `switchOver`. */
export const isAtSwitchOver = (status: unknown): boolean => status === 'pre-switchover'

/**
 * Have QEMU write the guest into a pipe that somebody reads. The guest runs on until all but little is sent. When its
 * disk is being copied, QEMU waits before it sends the rest.
 */
export async function sendGuest(qmp: Qmp, pipe: string): Promise<void> {
  const { copy } = await diskOf(qmp).catch(noDisk)
  const fd = openSync(pipe, 'w')
  try {
    await qmp.execute('getfd', { fdname: 'outgoing' }, [fd])
  } finally {
    closeSync(fd)
  }
  const capabilities = { events: true, 'pause-before-switchover': copy !== null }
  await qmp.execute('migrate-set-capabilities', {
    capabilities: Object.entries(capabilities).map(([capability, state]) => ({ capability, state })),
  })
  await qmp.execute('migrate-set-parameters', { 'max-bandwidth': bandwidth })
  await qmp.execute('migrate', { uri: 'fd:outgoing' })
}

/** The guest stands still: end the copy of its disk, and send the rest. When the copy is not equal, it runs on here. */
export async function switchOver(qmp: Qmp): Promise<void> {
  try {
    await finishCopy(qmp)
    await qmp.execute('migrate-continue', { state: 'pre-switchover' })
  } catch (error) {
    await qmp.execute('migrate_cancel')
    throw error
  }
}

function noDisk(error: unknown): { readonly copy: null } {
  if (error instanceof VmError && error.code === 'ENOENT') return { copy: null }
  throw error
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
  await endCopy(qmp)
  if ((await statusOf(qmp)) !== 'running') await qmp.execute('cont')
}

/** Wait until QEMU has read a guest whole, and have it run. */
export async function runReceived(qmp: Qmp): Promise<void> {
  for (const end = performance.now() + loadMs; (await statusOf(qmp)) === 'inmigrate';) {
    if (performance.now() > end) throw new VmError('ETIMEDOUT', 'the guest did not come whole')
    await sleep(pollMs)
  }
  await endExport(qmp)
  await qmp.execute('cont')
}
