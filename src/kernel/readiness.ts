/** Waiting for descriptors to become readable: one epoll set, and one thread of Node's pool in it while anybody waits. */
import { arch } from 'node:process'
import { cStruct, u32, u64, type Field } from '#abi/c-struct.ts'
import { check, close, libc } from './libc.ts'

const epollCreate1 = libc.func('int epoll_create1(int flags)')
const epollCtl = libc.func('int epoll_ctl(int epfd, int op, int fd, void *event)')
const epollWait = libc.func('int epoll_wait(int epfd, void *events, int max, int timeout)')
const eventfd = libc.func('int eventfd(unsigned int initial, int flags)')
const eventfdWrite = libc.func('int eventfd_write(int fd, uint64_t value)')

const CLOEXEC = 0o2000000
const NONBLOCK = 0o4000
const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLLIN = 1
const EPOLLET = 0x80000000
const MAX_EVENTS = 64

// Only x86 packs the struct.
const data: Field<bigint> = arch === 'x64' ? { ...u64, align: 4 } : u64
const epollEvent = cStruct({ events: u32, data })

/** A wait that goes on until it is stopped. */
export interface Subscription extends AsyncDisposable {
  /** No callback comes after the call; when the promise resolves, no thread looks at the descriptor any more, and it may be closed. */
  stop(): Promise<void>
}

let reactor: Reactor | undefined

/**
 * Call back whenever a descriptor is readable, until it is stopped. The callback must read what is there, without blocking. Like an
 * open server, a subscription keeps the process alive.
 */
export function onReadable(fd: number, callback: () => void): Subscription {
  const { remove } = (reactor ??= new Reactor()).add(fd, callback)
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => (stopped ??= remove())
  return { stop, [Symbol.asyncDispose]: stop }
}

class Reactor {
  readonly #epoll = check('epoll_create1', epollCreate1(CLOEXEC))
  readonly #wakeFd = check('eventfd', eventfd(0, CLOEXEC | NONBLOCK))
  readonly #events = new Uint8Array(MAX_EVENTS * epollEvent.size)
  readonly #callbacks = new Map<number, () => void>()
  #removed: (() => void)[] = []

  constructor() {
    this.#control(EPOLL_CTL_ADD, this.#wakeFd, EPOLLIN | EPOLLET) // by edge: every write wakes, and nobody needs to read
    process.on('exit', this.#wake) // Node joins its threads when it exits, and ours would never come
    this.#wait()
  }

  add(fd: number, callback: () => void): { remove: () => Promise<void> } {
    this.#control(EPOLL_CTL_ADD, fd, EPOLLIN)
    this.#callbacks.set(fd, callback)
    return { remove: () => this.#remove(fd) }
  }

  #remove(fd: number): Promise<void> {
    this.#callbacks.delete(fd)
    this.#control(EPOLL_CTL_DEL, fd)
    this.#wake()
    return new Promise((resolve) => this.#removed.push(resolve))
  }

  readonly #wake = (): void => {
    check('eventfd_write', eventfdWrite(this.#wakeFd, 1))
  }

  #control(operation: number, fd: number, events = 0): void {
    check('epoll_ctl', epollCtl(this.#epoll, operation, fd, epollEvent.encode({ events, data: BigInt(fd) })))
  }

  #wait(): void {
    epollWait.async(this.#epoll, this.#events, MAX_EVENTS, -1, (_error: unknown, count: number) => this.#woken(count))
  }

  #woken(count: number): void {
    const removed = this.#removed.splice(0)
    try {
      for (let i = 0; i < count; i++) {
        const { data } = epollEvent.decode(this.#events.subarray(i * epollEvent.size))
        this.#callbacks.get(Number(data))?.()
      }
    } finally {
      if (this.#callbacks.size === 0 && this.#removed.length === 0) this.#end()
      else this.#wait() // only now: the thread writes into #events
      removed.forEach((resolve) => resolve())
    }
  }

  #end(): void {
    reactor = undefined
    process.off('exit', this.#wake)
    close(this.#epoll)
    close(this.#wakeFd)
  }
}
