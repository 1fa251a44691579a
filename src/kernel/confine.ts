/** Confines a process that serves strangers: it and all its threads lose system calls that it never needs. */
import { arch } from 'node:process'
import { refuseCallsOfAll } from './seccomp.ts'

/** Numbers on x86-64 and on arm64. */
type Numbers = readonly [x64: number, arm64: number]

/** What starts programs, gains rights, enters other processes, namespaces or file systems, or loads code. */
const never: Readonly<Record<string, Numbers>> = {
  execve: [59, 221],
  execveat: [322, 281],
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  kcmp: [312, 272],
  pidfd_open: [434, 434],
  pidfd_getfd: [438, 438],
  mount: [165, 40],
  umount2: [166, 39],
  open_tree: [428, 428],
  move_mount: [429, 429],
  pivot_root: [155, 41],
  chroot: [161, 51],
  unshare: [272, 97],
  setns: [308, 268],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  init_module: [175, 105],
  finit_module: [313, 273],
  kexec_load: [246, 104],
  open_by_handle_at: [304, 265],
}

/** What begins connections, or waits for others than are there. */
const opening: Readonly<Record<string, Numbers>> = { socket: [41, 198], connect: [42, 203], bind: [49, 200] }

const EPERM = 1

/**
 * Refuse these calls from now on, with EPERM, in this process and in what it starts; it gains no privileges by exec
 * (no_new_privs). `connects`: it may open sockets. Call it after privileges are dropped. Throws KernelError.
 */
export function confine({ connects }: { readonly connects: boolean }): void {
  const calls = { ...never, ...(connects ? {} : opening) }
  refuseCallsOfAll(
    Object.values(calls).map(([x64, arm64]) => (arch === 'arm64' ? arm64 : x64)),
    EPERM,
  )
}
