/**
 * The thread that is stopped in a call that vpcd answers: what it points to, which descriptors it has, and who it acts
 * as.
 */
import { close } from '#kernel/libc.ts'
import { descriptorOf, openThreadPidfd } from '#kernel/pidfd.ts'
import { ProcessMemory } from '#kernel/process-memory.ts'
import { callWaits, type Notification } from '#kernel/seccomp.ts'
import { threadCredentials } from '#kernel/thread.ts'
import { VpcError } from '#object/vpc-error.ts'
import type { Caller } from './opener.ts'

/** The caller has died: there is nobody to answer. */
export class CallerGone extends Error {
  constructor() {
    super('the caller is gone')
    this.name = 'CallerGone'
  }
}

/**
 * What is opened by the thread's number is looked at only after the kernel has said that the call still waits: then the
 * number was this thread's when it was opened, and not one's that took it later. All methods throw CallerGone.
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

  /** Its memory. Reading and writing throw EFAULT for what is not its own. */
  get memory(): ProcessMemory {
    return this.#memory
  }

  /** Who it is now: effective ids, as for any system call. */
  credentials(): Caller {
    return this.#certain(() => threadCredentials(this.#call.tid))
  }

  /** A copy of one of its descriptors, which is the caller's of this method to close. Throws EBADF. */
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
      // It is alive, and /proc does not have it: this vpcd is in a pid namespace that the caller is not below.
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
