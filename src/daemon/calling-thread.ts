/** The thread that waits in a call for vpcd's answer: its memory, descriptors and credentials. */
import { close } from '#kernel/libc.ts'
import { descriptorOf, openThreadPidfd } from '#kernel/pidfd.ts'
import { ProcessMemory } from '#kernel/process-memory.ts'
import { callWaits, type Notification } from '#kernel/seccomp.ts'
import { threadCredentials } from '#kernel/thread.ts'
import { VpcError } from '#object/vpc-error.ts'
import type { Caller } from './opener.ts'

/** The caller has died, so nobody waits for the answer. */
export class CallerGone extends Error {
  constructor() {
    super('the caller is gone')
    this.name = 'CallerGone'
  }
}

/**
 * vpcd opens files by the thread's id, and uses them only after the kernel has said that the call still waits. Then the
 * id belonged to this thread at the open, not to a later one. All methods throw CallerGone.
 */
export class CallingThread implements Disposable {
  readonly #listener: number
  readonly #call: Notification
  readonly #memory: ProcessMemory

  constructor(listener: number, call: Notification) {
    this.#listener = listener
    this.#call = call
    this.#memory = this.#certain(
      () => new ProcessMemory(call.tid),
      (memory) => memory[Symbol.dispose](),
    )
  }

  /** Its memory. Reading and writing throw EFAULT outside of it. */
  get memory(): ProcessMemory {
    return this.#memory
  }

  /** Its current effective ids, as for any system call. */
  credentials(): Caller {
    return this.#certain(() => threadCredentials(this.#call.tid))
  }

  /** A copy of one of its descriptors, which the caller of this method must close. Throws EBADF. */
  copyOf(fd: number): number {
    const { tid } = this.#call
    const pidfd = this.#certain(() => openThreadPidfd(tid, () => threadCredentials(tid).pid), close)
    try {
      return descriptorOf(pidfd, fd)
    } finally {
      close(pidfd)
    }
  }

  #certain<T>(open: () => T, undo?: (opened: T) => void): T {
    let opened: T
    try {
      opened = open()
    } catch (error) {
      if (!callWaits(this.#listener, this.#call.id)) throw new CallerGone()
      // It is alive, but not in /proc: the caller's pid namespace is not below vpcd's.
      const unseen = (error as NodeJS.ErrnoException).code === 'ENOENT' || this.#call.tid === 0
      throw unseen ? new VpcError('ENOSYS', 'the caller is in no pid namespace that vpcd sees') : error
    }
    if (callWaits(this.#listener, this.#call.id)) return opened
    undo?.(opened)
    throw new CallerGone()
  }

  [Symbol.dispose](): void {
    this.#memory[Symbol.dispose]()
  }
}
