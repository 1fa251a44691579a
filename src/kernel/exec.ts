/** Turning this process into another program. */
import { constants } from 'node:os'
import { KernelError } from './errno.ts'
import { lastErrno, libc } from './libc.ts'

const execvp = libc.func('int execvp(const char *file, const char **argv)')
const signal = libc.func('void *signal(int number, long handler)')
const fcntl = libc.func('int fcntl(int fd, int command, int argument)')

const F_SETFD = 2
const FD_CLOEXEC = 1
const F_SETFL = 4
const F_GETFL = 3
const O_NONBLOCK = 0o4000
const SIG_DFL = 0

/** Keep a descriptor open across exec. */
export const inherit = (fd: number): void => void fcntl(fd, F_SETFD, 0)

/** Keep a descriptor that this process inherited from the programs that it starts. */
export const keepFromPrograms = (fd: number): void => void fcntl(fd, F_SETFD, FD_CLOEXEC)

/**
 * Replace this process by a program, found by PATH, with the environment of process.env. Returns only by throwing
 * KernelError (ENOENT: no such program). Undoes what Node changed for itself: SIGPIPE is no longer ignored, and the
 * standard descriptors block and stay open.
 */
export function execProgram(argv: readonly [string, ...string[]]): never {
  signal(constants.signals.SIGPIPE, SIG_DFL)
  for (const fd of [0, 1, 2]) {
    const flags: number = fcntl(fd, F_GETFL, 0)
    if (flags < 0) continue
    inherit(fd)
    if (flags & O_NONBLOCK) fcntl(fd, F_SETFL, flags & ~O_NONBLOCK)
  }
  execvp(argv[0], [...argv, null])
  throw new KernelError('execve', lastErrno(), argv[0])
}
