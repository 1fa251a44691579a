/** A BPF file system of a test's own, in a temporary directory: its pins go when it is unmounted. */
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mountBpffs, unmount } from '#kernel/mount.ts'

export class PrivateBpffs implements Disposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** Mount one. Needs root. */
  static mount(): PrivateBpffs {
    const path = mkdtempSync(join(tmpdir(), 'vpc-bpffs-'))
    mountBpffs(path)
    return new PrivateBpffs(path)
  }

  [Symbol.dispose](): void {
    unmount(this.path)
    rmdirSync(this.path)
  }
}
