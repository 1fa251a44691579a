/** A network namespace without a name, for the time of one synchronous call. */
import { closeSync, openSync } from 'node:fs'
import { check, libc } from './libc.ts'

const setns = libc.func('int setns(int fd, int type)')
const unshare = libc.func('int unshare(int flags)')
const CLONE_NEWNET = 0x40000000

/**
 * Run a synchronous function in a new network namespace, whose only device is a loopback that is down, and come back.
 * The namespace goes with everything in it, unless the function keeps a descriptor. Throws KernelError (EPERM without
 * CAP_SYS_ADMIN).
 */
export function insideThrowawayNetns<T>(run: () => T): T {
  const home = openSync('/proc/thread-self/ns/net', 'r')
  try {
    check('unshare', unshare(CLONE_NEWNET), 'to make a network namespace')
    try {
      return run()
    } finally {
      check('setns', setns(home, CLONE_NEWNET), 'to return to the own network namespace')
    }
  } finally {
    closeSync(home)
  }
}
