/**
 * vpc_open and vpc_ctl as system calls: programs under `vpc exec` stop in them, and vpcd answers. Each `vpc exec` has
 * one listener, for the calls of the program and all of its children, until none of them is left.
 */
import type { Value } from '#abi/c-struct.ts'
import { errno } from '#abi/errno.ts'
import { superviseFlag, type superviseRequest } from '#abi/layouts.ts'
import { KernelError } from '#kernel/errno.ts'
import { withoutBlocking } from '#kernel/interrupt.ts'
import { close } from '#kernel/libc.ts'
import { descriptorOf, peerPidfd } from '#kernel/pidfd.ts'
import { onReadable, type Subscription } from '#kernel/readiness.ts'
import { isListener, listenerState, receiveCall, type Notification } from '#kernel/seccomp.ts'
import { VpcError } from '#object/vpc-error.ts'
import type { Connections } from './connections.ts'
import type { Limits } from './limits.ts'
import type { DescriptorKeeper } from './listening-socket.ts'
import type { Log } from '#system/log.ts'
import type { Caller, Opener } from './opener.ts'
import { answerSystemCall, type SystemCallHost } from './system-call.ts'

export interface SupervisorOptions {
  readonly opener: Opener
  readonly connections: Connections
  readonly limits: Limits
  readonly log: Log
}

/** Names of kept listeners, each with the user and the way to serve it. */
const keptPrefix = 'listener-'

interface Supervised extends Disposable {
  readonly listener: number
  readonly uid: number
  /** See `Listener` of system-call.ts. */
  readonly compat: boolean
  /** A call whose answer takes longer than a turn: the listener stays open until then. */
  waiting: Promise<unknown> | undefined
}

export class Supervisor {
  readonly #host: SystemCallHost
  readonly #limits: Limits
  readonly #log: Log
  readonly #all = new Set<Supervised>()
  #keeper: DescriptorKeeper | undefined

  constructor({ opener, connections, limits, log }: SupervisorOptions) {
    this.#host = { opener, connections, limits, log }
    this.#limits = limits
    this.#log = log
  }

  /** How many listeners there are. */
  get size(): number {
    return this.#all.size
  }

  /**
   * Answer the calls of a listener from now on. It is a descriptor of the process that connected this socket. Throws an
   * error with an errno: EBADF and EINVAL for another descriptor, EAGAIN when there are too many.
   */
  take(connectionFd: number | undefined, { listener: theirs, flags }: Value<typeof superviseRequest>, { uid, pid }: Caller): void {
    if (connectionFd === undefined) throw new VpcError('EBADF', 'cannot supervise: the connection is closed')
    const refusal = this.#tooMany(uid)
    if (refusal !== undefined) throw new VpcError('EAGAIN', `cannot supervise: ${refusal}`)
    const listener = copyOfPeer(connectionFd, theirs | 0)
    if (!isListener(listener)) {
      close(listener)
      throw new VpcError('EINVAL', `cannot supervise: descriptor ${theirs} of the asking process is not a listener of seccomp(2)`)
    }
    const compat = (flags & superviseFlag.compat) !== 0
    this.#add(listener, uid, compat)
    this.#log.debug('supervising', { uid, pid, compat })
  }

  /** Go on with the programs of the vpcd before, whose listeners somebody kept, and have them kept at the end. */
  resume(keeper: DescriptorKeeper | undefined): void {
    this.#keeper = keeper
    for (const [name, listener] of keeper?.takeAll(keptPrefix) ?? []) {
      const [, uid, how] = name.split('-')
      this.#add(listener, Number(uid), how === 'compat')
    }
    if (this.size > 0) this.#log.info('programs under vpc exec go on', { programs: this.size })
  }

  #add(listener: number, uid: number, compat: boolean): void {
    const watch: Subscription = onReadable(listener, () => this.#serve(listener, supervised))
    const supervised: Supervised = {
      listener,
      uid,
      compat,
      waiting: undefined,
      [Symbol.dispose]: () => {
        if (!this.#all.delete(supervised)) return
        watch.stop()
        if (supervised.waiting === undefined) close(listener)
        else void supervised.waiting.then(() => close(listener))
      },
    }
    this.#all.add(supervised)
  }

  /**
   * Release all. Calls then wait for the next vpcd where somebody keeps the listener, and fail with ENOSYS elsewhere.
   * They are kept only now: nobody would ever answer a call that a killed vpcd had taken.
   */
  close(): void {
    let number = 0
    for (const supervised of this.#all) {
      const { listener, uid, compat, waiting } = supervised
      if (waiting === undefined) this.#keeper?.keep(`${keptPrefix}${uid}-${compat ? 'compat' : 'strict'}-${number++}`, listener)
      supervised[Symbol.dispose]()
    }
  }

  /**
   * One call a turn of the event loop: vpcd then has seen what the program did before it, such as closing a descriptor.
   * A program that makes many calls does not block others, either.
   */
  #serve(listener: number, supervised: Supervised): void {
    if (!this.#all.has(supervised)) return
    const state = listenerState(listener)
    if (state === 'ended') return supervised[Symbol.dispose]()
    const call = state === 'waiting' ? this.#receive(listener, supervised) : undefined
    if (call === undefined) return
    const unanswered = (error: unknown): void => this.#log.error('a system call could not be answered', { thread: call.tid, error })
    try {
      const waiting = answerSystemCall(this.#host, { fd: listener, compat: supervised.compat }, call)
      if (waiting === undefined) return
      const all = Promise.all([supervised.waiting, waiting.catch(unanswered)])
      supervised.waiting = all
      void all.then(() => supervised.waiting === all && (supervised.waiting = undefined))
    } catch (error) {
      unanswered(error)
    }
  }

  /**
   * Any other user than root may keep the listener and take calls before vpcd, which would then wait for the next one.
   */
  #receive(listener: number, supervised: Supervised): Notification | undefined {
    if (supervised.uid === 0) return receiveCall(listener)
    try {
      return withoutBlocking(() => receiveCall(listener))
    } catch (error) {
      if (!(error instanceof KernelError) || error.errno !== errno.EINTR) throw error
      this.#log.warn('another process takes the calls of a supervised program; vpcd stops supervising it', { uid: supervised.uid })
      supervised[Symbol.dispose]()
      return undefined
    }
  }

  #tooMany(uid: number): string | undefined {
    const { maxSupervised, maxSupervisedPerUid } = this.#limits
    if (this.#all.size >= maxSupervised) return `${maxSupervised} programs run under vpc exec, which is the limit (maxSupervised)`
    if (uid === 0) return undefined
    const own = [...this.#all].filter((supervised) => supervised.uid === uid).length
    if (own < maxSupervisedPerUid) return undefined
    return `user ${uid} has ${own} programs under vpc exec, which is the limit for one user (maxSupervisedPerUid)`
  }
}

function copyOfPeer(connectionFd: number, theirs: number): number {
  const pidfd = peerPidfd(connectionFd)
  try {
    return descriptorOf(pidfd, theirs)
  } finally {
    close(pidfd)
  }
}
