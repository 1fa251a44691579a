/** A limit to how long a system call may block, for calls whose end another process decides. */
import { errno, KernelError } from './errno.ts'
import { check, lastErrno, libc } from './libc.ts'

const dlsym = libc.func('uintptr_t dlsym(uintptr_t handle, const char *name)')
const sigaction = libc.func('int sigaction(int number, const void *action, void *before)')
const gettid = libc.func('int gettid()')
const timerCreate = libc.func('int timer_create(int clock, const void *event, void *timer)')
const timerSettime = libc.func('int timer_settime(uintptr_t timer, int flags, const void *value, void *before)')

const CLOCK_MONOTONIC = 1
const SIGEV_THREAD_ID = 4
/** A real-time signal that neither the C library nor Node uses. */
const signalNumber = 50
/** struct sigaction of the C library: handler, mask (128 bytes), flags, restorer. */
const sigactionBytes = 152
/** struct sigevent: value, signal, notify, thread. */
const sigeventBytes = 64

let timer: bigint | undefined

/**
 * Run a call that should not block. If it blocks, a signal interrupts it (EINTR) after some 20 ms. Only the thread that
 * calls this first may call it.
 */
export function withoutBlocking<T>(run: () => T): T {
  timer ??= prepare()
  set(timer, 20)
  try {
    return run()
  } finally {
    set(timer, 0)
  }
}

/**
 * The signal's handler is a function of the C library that does nothing, without SA_RESTART: a call that the signal
 * interrupts ends with EINTR.
 */
function prepare(): bigint {
  const action = Buffer.alloc(sigactionBytes)
  const nothing = BigInt(dlsym(0, 'abs'))
  if (nothing === 0n) throw new KernelError('dlsym', errno.ENOENT, 'abs')
  action.writeBigUInt64LE(nothing)
  check('sigaction', sigaction(signalNumber, action, null), `signal ${signalNumber}`)
  const event = Buffer.alloc(sigeventBytes)
  event.writeInt32LE(signalNumber, 8)
  event.writeInt32LE(SIGEV_THREAD_ID, 12)
  event.writeInt32LE(gettid(), 16)
  const made = new BigUint64Array(1)
  check('timer_create', timerCreate(CLOCK_MONOTONIC, event, made))
  return made[0]!
}

/** The timer repeats, because a signal may come just before the call starts. 0 stops it. */
function set(timer: bigint, ms: number): void {
  const value = new BigInt64Array([0n, BigInt(ms) * 1_000_000n, 0n, BigInt(ms) * 1_000_000n])
  if (timerSettime(timer, 0, value, null) < 0) throw new KernelError('timer_settime', lastErrno())
}
