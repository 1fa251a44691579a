/** The memory of another process, through /proc: a supervisor reads the arguments of a call there. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { errno, KernelError } from './errno.ts'

/** One process's memory, held open: it stays that process's even if the pid is used again. */
export class ProcessMemory implements Disposable {
  readonly #fd: number

  /** Throws ENOENT when the thread is gone. */
  constructor(tid: number) {
    this.#fd = openSync(`/proc/${tid}/mem`, 'r+')
  }

  /** Copy bytes out. Throws KernelError EFAULT when any of them is not the process's to read. */
  read(address: bigint, length: number): Uint8Array {
    const into = new Uint8Array(length)
    this.#whole(length, address, (done) => readSync(this.#fd, into, done, length - done, Number(address) + done))
    return into
  }

  /**
   * Copy bytes in. Throws KernelError EFAULT when the process may not write there. Like a debugger's, the write goes
   * through to private pages that are mapped read-only; those are the process's own as well.
   */
  write(address: bigint, data: Uint8Array): void {
    this.#whole(data.length, address, (done) => writeSync(this.#fd, data, done, data.length - done, Number(address) + done))
  }

  #whole(length: number, address: bigint, step: (done: number) => number): void {
    const fault = (): never => {
      throw new KernelError('memory', errno.EFAULT, `${length} bytes at 0x${address.toString(16)}`)
    }
    // User space ends below 2^52, so an address is a whole number in JavaScript as well.
    if (address + BigInt(length) > 1n << 52n) fault()
    for (let done = 0; done < length;) {
      let moved = 0
      try {
        moved = step(done)
      } catch {
        fault()
      }
      if (moved === 0) fault()
      done += moved
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}
