/**
 * One call of vpc_open(2) or vpc_ctl(2), from its registers to its answer. docs/system-calls.md describes it for
 * callers.
 */
import { Socket } from 'node:net'
import { setImmediate as endOfTurn } from 'node:timers/promises'
import { openFlag, operationOf, operations, type OperationName } from '#abi/command.ts'
import { errno, errnoName } from '#abi/errno.ts'
import { outputFor } from '#abi/short-output.ts'
import { close } from '#kernel/libc.ts'
import type { ProcessMemory } from '#kernel/process-memory.ts'
import { answerCall, answerWithDescriptor, type Notification } from '#kernel/seccomp.ts'
import { socketCookie, socketPair } from '#kernel/socket-identity.ts'
import { VpcError } from '#object/vpc-error.ts'
import { CallerGone, CallingThread } from './calling-thread.ts'
import type { Connection } from './connection.ts'
import type { Connections } from './connections.ts'
import { describeFailure } from './failure.ts'
import type { Limits } from './limits.ts'
import type { Log } from '#system/log.ts'
import type { Caller, OpenHandle, Opener } from './opener.ts'

/** Numbers that no call of Linux has. */
const vpcOpen = 580
const vpcCtl = 581

export interface SystemCallHost {
  readonly opener: Opener
  readonly connections: Connections
  readonly limits: Limits
  readonly log: Log
}

/** A listener of seccomp(2), and how vpcd serves its programs. */
export interface Listener {
  readonly fd: number
  /** A caller who may write an object gets WRITE when it opens the object for reading: see `openAs`. */
  readonly compat: boolean
}

/**
 * Do a call and answer it: now, or when the promise resolves, while another operation takes longer than a turn of the
 * event loop. If the caller dies meanwhile, it gets no answer and leaves nothing behind.
 */
export function answerSystemCall(host: SystemCallHost, listener: Listener, call: Notification): Promise<void> | undefined {
  let thread: CallingThread | undefined
  try {
    thread = new CallingThread(listener.fd, call)
    const answered = answer(host, thread, listener, call)
    if (answered instanceof Promise) {
      const kept = thread
      return answered.catch((error: unknown) => refuse(host, listener, call, error)).finally(() => kept[Symbol.dispose]())
    }
  } catch (error) {
    refuse(host, listener, call, error)
  }
  thread?.[Symbol.dispose]()
  return undefined
}

function answer(host: SystemCallHost, thread: CallingThread, listener: Listener, call: Notification): void | Promise<void> {
  if (call.number === vpcOpen) return open(host, thread, listener, call)
  if (call.number !== vpcCtl) throw new VpcError('ENOSYS', `system call ${call.number} is not one of vpc`)
  return ctl(host, thread, listener, call)
}

function refuse({ log }: SystemCallHost, listener: Listener, call: Notification, error: unknown): void {
  if (error instanceof CallerGone) return
  const what = call.number === vpcOpen ? 'vpc_open' : 'vpc_ctl'
  const { code, reason } = describeFailure(error, what, { pid: call.tid, uid: -1, gid: -1 }, log)
  // The caller gets only a number; this line has the reason.
  log.debug(what, { thread: call.tid, errno: errnoName(code), reason })
  answerCall(listener.fd, call.id, { error: code })
}

/** (const uint8_t id[16], uint64_t handle_type, uint64_t flags) */
function open(host: SystemCallHost, thread: CallingThread, listener: Listener, call: Notification): void | Promise<void> {
  const { opener, connections } = host
  const [idAddress, handleType, flags] = call.args
  const caller = thread.credentials()
  const refusal = connections.tooMany(caller.uid)
  if (refusal !== undefined) throw new VpcError('ENFILE', `cannot open: ${refusal}`)
  const id = thread.memory.read(idAddress!, 16)
  const opened = openWhenFree(() => openAs(opener, caller, listener.compat, id, handleType!, flags!))
  const give = (handle: OpenHandle): void => giveDescriptor(host, caller, listener, call, handle)
  return opened instanceof Promise ? opened.then(give) : give(opened)
}

/**
 * Open; when the object exists, once more after vpcd has looked at all its sockets. The program may have closed the
 * last descriptor of an object that goes with it just before, and vpcd may read calls before it sees that.
 */
function openWhenFree(open: () => OpenHandle | Promise<OpenHandle>): OpenHandle | Promise<OpenHandle> {
  const again = async (error: unknown): Promise<OpenHandle> => {
    if (!(error instanceof VpcError && error.code === 'EEXIST')) throw error
    // The first ends the turn that is under way, the second one that began after the call.
    await endOfTurn()
    await endOfTurn()
    return open()
  }
  try {
    const opened = open()
    // It waited for a long operation, perhaps before the close that vpcd saw later.
    return opened instanceof Promise ? opened.catch(again) : opened
  } catch (error) {
    return again(error)
  }
}

/** Answer with a descriptor of an open handle. If the caller does not get it, release the handle. */
function giveDescriptor(
  { connections, log }: SystemCallHost,
  caller: Caller,
  listener: Listener,
  call: Notification,
  handle: OpenHandle,
): void {
  let ours: number | undefined
  let theirs: number | undefined
  let connection: Connection | undefined
  let delivered = false
  try {
    ;[ours, theirs] = socketPair()
    connection = connections.serve(new Socket({ fd: ours }), caller, handle, socketCookie(theirs)!)
    delivered = answerWithDescriptor(listener.fd, call.id, theirs)
  } finally {
    if (theirs !== undefined) close(theirs)
    // Nobody has the other end: remove an object that was made for it at once.
    if (!delivered) connection === undefined ? handle.close() : connection.drop()
    if (connection === undefined && ours !== undefined) close(ours)
  }
  log.debug('vpc_open', { ...caller, type: handle.type })
}

/**
 * The original's utility opens an object for reading and then changes it, as its kernel allowed. With `compat`, an OPEN
 * for reading gives WRITE as well if the caller may have it; otherwise it gives READ.
 */
function openAs(
  opener: Opener,
  caller: Caller,
  compat: boolean,
  id: Uint8Array,
  handleType: bigint,
  flags: bigint,
): OpenHandle | Promise<OpenHandle> {
  if (compat && flags === BigInt(openFlag.open | openFlag.read)) {
    try {
      return opener.open(caller, id, handleType, flags | BigInt(openFlag.write))
    } catch (error) {
      if (!(error instanceof VpcError && ['EACCES', 'EPERM'].includes(error.code))) throw error
    }
  }
  return opener.open(caller, id, handleType, flags)
}

/** (int fd, uint32_t command, size_t inlen, const void *in, size_t *outlen, void *out) */
function ctl(host: SystemCallHost, thread: CallingThread, listener: Listener, { tid, id, args }: Notification): void | Promise<void> {
  const { connections, limits, log } = host
  const [fd, word, inputLength, input, outputLength, output] = args as [bigint, bigint, bigint, bigint, bigint, bigint]
  const connection = connectionOf(connections, thread, Number(BigInt.asIntN(32, fd)))
  const command = Number(BigInt.asUintN(32, word))
  const name = operationOf(command)
  if (inputLength > BigInt(limits.maxPayloadBytes))
    throw new VpcError('EINVAL', `an input of ${inputLength} bytes; at most ${limits.maxPayloadBytes} are allowed (maxPayloadBytes)`)
  const given = inputLength === 0n ? new Uint8Array(0) : thread.memory.read(input, Number(inputLength))
  // An operation without an output ignores the two pointers. An operation with an output changes nothing, so it may
  // still fail after it ran.
  const out = name !== undefined && operations[name].out ? new OutBuffer(thread.memory, name, outputLength, output) : undefined
  const give = (output: Uint8Array): void => {
    out?.put(output)
    log.debug('vpc_ctl', { thread: tid, operation: name ?? command.toString(16) })
    answerCall(listener.fd, id, { value: 0n })
  }
  const done = connection.ctl(command, given)
  return done instanceof Promise ? done.then(give) : give(done)
}

/** The caller's buffer for an output. */
class OutBuffer {
  readonly #memory: ProcessMemory
  readonly #operation: OperationName
  readonly #lengthAddress: bigint
  readonly #address: bigint
  readonly #capacity: bigint

  /** Throws EFAULT when the length cannot be read. */
  constructor(memory: ProcessMemory, operation: OperationName, lengthAddress: bigint, address: bigint) {
    this.#memory = memory
    this.#operation = operation
    this.#lengthAddress = lengthAddress
    this.#address = address
    this.#capacity = lengthAddress === 0n ? 0n : Buffer.from(memory.read(lengthAddress, 8)).readBigUInt64LE()
  }

  /**
   * Write an output and its length there. Throws ENOSPC when it does not fit. The length then stays as it is, because a
   * caller may take a larger one for the length that was written. A buffer of no bytes asks for the length, and gets
   * it.
   */
  put(output: Uint8Array): void {
    const part = outputFor(this.#operation, output, this.#capacity)
    if (part !== undefined && part.length > 0) this.#memory.write(this.#address, part)
    if (this.#lengthAddress === 0n) {
      if (output.length === 0) return
      throw new VpcError('EFAULT', 'the operation gives output, and there is no length of a buffer')
    }
    if (part !== undefined || this.#capacity === 0n) {
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt((part ?? output).length))
      this.#memory.write(this.#lengthAddress, length)
    }
    if (part === undefined) throw new VpcError('ENOSPC', `the output has ${output.length} bytes, the buffer ${this.#capacity}`)
  }
}

function connectionOf(connections: Connections, thread: CallingThread, fd: number): Connection {
  const copy = thread.copyOf(fd)
  try {
    const connection = connections.find(copy)
    if (connection !== undefined) return connection
    throw new VpcError(errno.ENOTTY, `descriptor ${fd} is not of this vpcd`)
  } finally {
    close(copy)
  }
}
