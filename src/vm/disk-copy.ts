/**
 * A machine's disk on its way to another host: QEMU there exports an empty one by NBD, and QEMU here mirrors its own
 * into it. What the guest writes meanwhile is written there, too, before the guest hears that it is written.
 */
import { closeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectTo, listenFor } from '#launch/sockets.ts'
import type { Qmp } from './qmp.ts'
import { VmError } from './vm-error.ts'

/** How large a disk is, and how far its copy. */
export interface DiskState {
  /** As the guest sees it. */
  readonly bytes: number
  /** What it takes on this host. */
  readonly allocatedBytes: number
  /** null: it is not being copied. */
  readonly copy: DiskCopy | null
}

export interface DiskCopy {
  /** `equal`: the copy has all, and gets what the guest writes. */
  readonly status: 'running' | 'equal' | 'ended'
  readonly doneBytes: number
  readonly totalBytes: number
  /** Why it ended before its time. */
  readonly error: string | null
}

interface Node {
  readonly 'node-name'?: string
  readonly image: { readonly 'virtual-size': number; readonly 'actual-size'?: number }
}

interface Job {
  readonly id: string
  readonly status: string
  readonly 'current-progress': number
  readonly 'total-progress': number
  readonly error?: string
}

/** QEMU's names: of the node and the job of the copy, and of the disk and its export. */
const [copyName, diskName] = ['copy', 'disk']
const endMs = 30_000
const pollMs = 10

/** Let one client write the disk of a guest that is still to come, through a socket of that path. */
export async function exportDisk(qmp: Qmp, path: string): Promise<void> {
  await give(qmp, 'disk-export', listenFor(path))
  await qmp.execute('nbd-server-start', { addr: { type: 'fd', data: { str: 'disk-export' } }, 'max-connections': 1 })
  await qmp.execute('block-export-add', { type: 'nbd', id: diskName, 'node-name': diskName, name: diskName, writable: true })
}

/** From here on the guest alone writes its disk. */
export async function endExport(qmp: Qmp): Promise<void> {
  if (((await qmp.execute('query-block-exports')) as unknown[]).length > 0) await qmp.execute('nbd-server-stop')
}

/** Begin to copy the disk to who listens on that path. What is left of an earlier copy is ended first. */
export async function copyDisk(qmp: Qmp, path: string): Promise<void> {
  await endCopy(qmp)
  await give(qmp, 'disk-copy', connectTo(path))
  const server = { type: 'fd', str: 'disk-copy' }
  await qmp.execute('blockdev-add', { driver: 'nbd', 'node-name': copyName, server, export: diskName, discard: 'unmap' })
  await qmp.execute('blockdev-mirror', {
    'job-id': copyName,
    device: diskName,
    target: copyName,
    sync: 'full',
    // However much the guest writes, there is an end.
    'copy-mode': 'write-blocking',
    // An error ends the copy, and never the guest's own writing.
    'on-source-error': 'report',
    'on-target-error': 'report',
    // Whoever asks later hears how it ended.
    'auto-dismiss': false,
  })
}

async function give(qmp: Qmp, fdname: string, fd: number): Promise<void> {
  try {
    await qmp.execute('getfd', { fdname }, [fd])
  } finally {
    closeSync(fd)
  }
}

const nodesOf = async (qmp: Qmp): Promise<Node[]> => (await qmp.execute('query-named-block-nodes', { flat: true })) as Node[]
const jobOf = async (qmp: Qmp): Promise<Job | undefined> => ((await qmp.execute('query-jobs')) as Job[]).find(({ id }) => id === copyName)

/** The disk of a guest. Throws VmError ENOENT when it has none. */
export async function diskOf(qmp: Qmp): Promise<DiskState> {
  const disk = (await nodesOf(qmp)).find((node) => node['node-name'] === diskName)
  if (disk === undefined) throw new VmError('ENOENT', 'the machine has no disk')
  const { 'virtual-size': bytes, 'actual-size': allocatedBytes = bytes } = disk.image
  return { bytes, allocatedBytes, copy: viewOf(await jobOf(qmp)) }
}

function viewOf(job: Job | undefined): DiskCopy | null {
  if (job === undefined) return null
  const status = job.status === 'ready' ? 'equal' : /^(concluded|aborting|null)$/.test(job.status) ? 'ended' : 'running'
  return { status, doneBytes: job['current-progress'], totalBytes: job['total-progress'], error: job.error ?? null }
}

/** The guest stands still: the copy gets the last of it, and ends. Throws VmError when the copy is not equal. */
export async function finishCopy(qmp: Qmp): Promise<void> {
  const job = await jobOf(qmp)
  if (job === undefined) return
  if (job.status !== 'ready') throw new VmError('failed', `the copy of the disk is not whole: ${job.error ?? job.status}`)
  // By QEMU's words, a mirror that is ready ends whole when it is cancelled without force.
  await qmp.execute('block-job-cancel', { device: copyName })
  const { error } = await concluded(qmp)
  if (error !== undefined) throw new VmError('failed', `the copy of the disk is not whole: ${error}`)
  await forget(qmp)
}

/** No copy is made any more, whatever it has. */
export async function endCopy(qmp: Qmp): Promise<void> {
  const job = await jobOf(qmp)
  if (job !== undefined && job.status !== 'concluded') {
    // It may be ending by itself.
    await qmp.execute('block-job-cancel', { device: copyName, force: true }).catch(() => {})
    await concluded(qmp)
  }
  await forget(qmp)
}

async function concluded(qmp: Qmp): Promise<Partial<Job>> {
  for (const end = performance.now() + endMs; performance.now() < end; await sleep(pollMs)) {
    const job = await jobOf(qmp)
    if (job === undefined || job.status === 'concluded') return job ?? {}
  }
  throw new VmError('ETIMEDOUT', 'QEMU does not end the copy of the disk')
}

async function forget(qmp: Qmp): Promise<void> {
  if ((await jobOf(qmp)) !== undefined) await qmp.execute('job-dismiss', { id: copyName })
  if ((await nodesOf(qmp)).some((node) => node['node-name'] === copyName)) await qmp.execute('blockdev-del', { 'node-name': copyName })
}
