/** A machine's own copy of an image is made larger by QEMU, before the guest starts. */
import type { Qmp } from './qmp.ts'

interface Node {
  readonly 'node-name': string
  readonly image: { readonly 'virtual-size': number }
}

/** Grow the disk to a size in bytes. One that is as large, or larger, is left alone. */
export async function growDisk(qmp: Qmp, bytes: number): Promise<void> {
  const nodes = (await qmp.execute('query-named-block-nodes', { flat: true })) as Node[]
  const disk = nodes.find((node) => node['node-name'] === 'disk')
  if (disk === undefined || disk.image['virtual-size'] >= bytes) return
  await qmp.execute('block_resize', { 'node-name': 'disk', size: bytes })
}
