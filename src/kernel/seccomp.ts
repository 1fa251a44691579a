/**
 * System calls that user space answers. A filter stops the calling thread, and every process that descends from it, in
 * chosen system calls. A supervisor takes these calls from the filter's listener and answers them. seccomp_unotify(2).
 */
import { readlinkSync } from 'node:fs'
import { arch } from 'node:process'
import { bytes, cStruct, u16, u32, u64, u8, type Field } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'
import { allocate, allocateCopy } from './memory.ts'

const syscall = libc.func('long syscall(long number, long a, long b, uint64_t c, uint64_t d, uint64_t e)')
const prctl = libc.func('int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)')
const ioctl = libc.func('int ioctl(int fd, unsigned long request, void *argument)')
const poll = libc.func('int poll(void *fds, unsigned long count, int timeout)')

const POLLIN = 1
const pollfd = cStruct({ fd: u32, events: u16, revents: u16 })

const machine = arch === 'arm64' ? { audit: 0xc00000b7, seccomp: 277 } : { audit: 0xc000003e, seccomp: 317 }

const PR_SET_NO_NEW_PRIVS = 38
const SECCOMP_SET_MODE_FILTER = 1
const ALL_THREADS = 1 << 0
const NEW_LISTENER = 1 << 3
/**
 * Once the supervisor has taken a call, only a fatal signal ends it. Otherwise a runtime that signals its own threads
 * would see EINTR for a call that was done.
 */
const WAIT_KILLABLE = 1 << 5

const RET_ALLOW = 0x7fff0000
const RET_ERRNO = 0x00050000
const RET_USER_NOTIF = 0x7fc00000

const LD_W_ABS = 0x20
const JEQ_K = 0x15
const RET_K = 0x06
const instruction = cStruct({ code: u16, ifTrue: u8, ifFalse: u8, k: u32 })
const sockFprog = cStruct({ length: u16, filter: u64 })

const s32: Field<number> = { size: 4, align: 4, read: (v, o) => v.getInt32(o, true), write: (v, o, n) => v.setInt32(o, n, true) }
const s64: Field<bigint> = { size: 8, align: 8, read: (v, o) => v.getBigInt64(o, true), write: (v, o, n) => v.setBigInt64(o, n, true) }

/** struct seccomp_notif of linux/seccomp.h. */
export const seccompNotif = cStruct({ id: u64, pid: u32, flags: u32, nr: s32, arch: u32, instructionPointer: u64, args: bytes(48) })
/** struct seccomp_notif_resp. */
export const seccompNotifResp = cStruct({ id: u64, val: s64, error: s32, flags: u32 })
/** struct seccomp_notif_addfd. */
export const seccompNotifAddfd = cStruct({ id: u64, flags: u32, srcfd: u32, newfd: u32, newfdFlags: u32 })

const NOTIF_RECV = 0xc0502100
const NOTIF_SEND = 0xc0182101
const NOTIF_ID_VALID = 0x40082102
const NOTIF_ADDFD = 0x40182103
const ADDFD_FLAG_SEND = 2
const O_CLOEXEC = 0o2000000

/** A call that waits for its answer. */
export interface Notification {
  readonly id: bigint
  /** The thread that called, in this process's pid namespace; 0 when it is not visible from there. */
  readonly tid: number
  readonly number: number
  readonly args: readonly bigint[]
}

function filterOf(numbers: readonly number[], action: number): Uint8Array {
  const notify = numbers.length + 1
  const program = [
    { code: LD_W_ABS, ifTrue: 0, ifFalse: 0, k: 4 },
    { code: JEQ_K, ifTrue: 0, ifFalse: notify, k: machine.audit },
    { code: LD_W_ABS, ifTrue: 0, ifFalse: 0, k: 0 },
    ...numbers.map((k, i) => ({ code: JEQ_K, ifTrue: numbers.length - i, ifFalse: 0, k })),
    { code: RET_K, ifTrue: 0, ifFalse: 0, k: RET_ALLOW },
    { code: RET_K, ifTrue: 0, ifFalse: 0, k: action },
  ]
  return Buffer.concat(program.map(instruction.encode))
}

/**
 * Put the calling thread, and what it starts from now on, under a filter that hands the given system calls to a
 * listener. Gives the listener. It is meant for a thread that is about to exec. Gives up gaining privileges by exec
 * (no_new_privs) only where the process has no CAP_SYS_ADMIN. Throws KernelError: EBUSY when this process is under a
 * listener already.
 */
export const listenForCalls = (numbers: readonly number[]): number =>
  install(filterOf(numbers, RET_USER_NOTIF), NEW_LISTENER | WAIT_KILLABLE)

/**
 * Put the calling thread under a filter that fails the given calls with an errno. It holds beside any other filter: a
 * refusal comes before a listener.
 */
export const refuseCalls = (numbers: readonly number[], code: number): void => void install(filterOf(numbers, RET_ERRNO | code), 0)

/** The same for all threads of this process, with no_new_privs. Throws KernelError. */
export function refuseCallsOfAll(numbers: readonly number[], code: number): void {
  check('prctl', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'PR_SET_NO_NEW_PRIVS')
  // The kernel gives other threads the setting together with the filter.
  const thread = install(filterOf(numbers, RET_ERRNO | code), ALL_THREADS)
  if (thread !== 0) throw new KernelError('seccomp', errno.EBUSY, `thread ${thread} has another filter`)
}

function install(instructions: Uint8Array, flags: number): number {
  const filter = allocateCopy(instructions)
  const program = allocateCopy(sockFprog.encode({ length: filter.bytes.length / instruction.size, filter: filter.address }))
  const attempt = (): number => syscall(machine.seccomp, SECCOMP_SET_MODE_FILTER, flags, program.address, 0, 0)
  let result = attempt()
  if (result < 0 && lastErrno() === errno.EACCES) {
    check('prctl', prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'PR_SET_NO_NEW_PRIVS')
    result = attempt()
  }
  return check('seccomp', result, 'SECCOMP_SET_MODE_FILTER')
}

/** Whether a descriptor is a listener of seccomp. */
export const isListener = (fd: number): boolean => readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:seccomp notify'

/** The state of a listener: a call waits, no call waits, or no process is left under its filter. */
export function listenerState(listener: number): 'waiting' | 'idle' | 'ended' {
  const request = pollfd.encode({ fd: listener, events: POLLIN, revents: 0 })
  check('poll', poll(request, 1, 0))
  const { revents } = pollfd.decode(request)
  return revents & POLLIN ? 'waiting' : revents === 0 ? 'idle' : 'ended'
}

/**
 * Take the next call. Blocks when there is none: ask only when the listener is readable. Undefined when the caller has
 * died meanwhile. Throws KernelError: EINTR when another holder of the listener took the call and this was interrupted.
 */
export function receiveCall(listener: number): Notification | undefined {
  const memory = allocate(seccompNotif.size)
  if (ioctl(listener, NOTIF_RECV, memory.bytes) < 0) {
    if (lastErrno() === errno.ENOENT) return undefined
    throw new KernelError('ioctl', lastErrno(), 'SECCOMP_IOCTL_NOTIF_RECV')
  }
  const { id, pid, nr, args } = seccompNotif.decode(memory.bytes)
  const view = new DataView(args.buffer)
  return { id, tid: pid, number: nr, args: Array.from({ length: 6 }, (_, i) => view.getBigUint64(i * 8, true)) }
}

/**
 * Whether a call still waits. Ask after opening anything by its thread's id: only then was it that thread's, and not
 * that of a later thread with the same id.
 */
export const callWaits = (listener: number, id: bigint): boolean => ioctl(listener, NOTIF_ID_VALID, u64Bytes(id)) === 0

function u64Bytes(value: bigint): Uint8Array {
  const out = new Uint8Array(8)
  new DataView(out.buffer).setBigUint64(0, value, true)
  return out
}

/** Answer a call with a result, or with an errno when `error` is not 0. False when the caller has died meanwhile. */
export function answerCall(listener: number, id: bigint, result: { readonly value?: bigint; readonly error?: number }): boolean {
  const response = seccompNotifResp.encode({ id, val: result.value ?? 0n, error: -(result.error ?? 0), flags: 0 })
  return answered(ioctl(listener, NOTIF_SEND, response), 'SECCOMP_IOCTL_NOTIF_SEND')
}

/**
 * Put a copy of a descriptor into the caller, closed on exec, and answer its call with the number there, in one step.
 * False when the caller has died meanwhile. Throws KernelError: EMFILE when the caller has as many descriptors as its
 * limit allows.
 */
export function answerWithDescriptor(listener: number, id: bigint, fd: number): boolean {
  const request = seccompNotifAddfd.encode({ id, flags: ADDFD_FLAG_SEND, srcfd: fd, newfd: 0, newfdFlags: O_CLOEXEC })
  return answered(ioctl(listener, NOTIF_ADDFD, request), 'SECCOMP_IOCTL_NOTIF_ADDFD')
}

function answered(result: number, what: string): boolean {
  if (result >= 0) return true
  if (lastErrno() === errno.ENOENT || lastErrno() === errno.EINPROGRESS) return false
  throw new KernelError('ioctl', lastErrno(), what)
}
