/** A network namespace for a whole test process: its main thread moves into a new one, which goes with the process. */
import { check, libc } from '#kernel/libc.ts'
import { Netlink } from '#kernel/netlink.ts'

const unshare = libc.func('int unshare(int flags)')
const CLONE_NEWNET = 0x40000000
let moved = false

/** Leave the machine's network namespace for good. Called again, it does nothing. Needs root. */
export function moveToOwnNetns(): void {
  if (moved) return
  check('unshare', unshare(CLONE_NEWNET), 'to make a network namespace')
  moved = true
  using netlink = Netlink.open()
  netlink.setLink(1, { up: true })
}
