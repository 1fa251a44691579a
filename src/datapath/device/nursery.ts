/**
 * The namespace where vpcd makes taps. The kernel gives a new tap a random MAC, and accepts another only once the
 * device exists. udev sees the device at once, and may set its own MAC after ours (MACAddressPolicy=persistent). So
 * vpcd makes a tap in a network namespace that nobody else sees, sets its properties, and moves it out. Unfinished taps
 * go with vpcd.
 */
import { randomInt } from 'node:crypto'
import { Netlink } from '#kernel/netlink.ts'
import type { LinkChanges } from '#kernel/link-change.ts'
import { Netns } from '#kernel/netns.ts'
import { createTap, type TapOptions } from '#kernel/tap.ts'

/**
 * A device keeps its ifindex when it moves out. It has seven digits, so that it fits into a name (`vpc-gone1234567`).
 * The nursery's own ifindexes are low: a process that has not yet seen a device of the host go would confuse a tap with
 * it.
 */
const ifindexes = [1_000_000, 10_000_000] as const

export class Nursery implements Disposable {
  readonly #netns = Netns.unnamed()
  readonly #netlink = Netlink.open(this.#netns.fd)

  /** Make a tap with these properties in this thread's namespace. Throws EEXIST when its name is in use there. */
  makeTap(options: TapOptions, properties: Pick<LinkChanges, 'mac' | 'mtu' | 'alias' | 'noArp'>, prepare: () => void): void {
    using home = Netns.current()
    const ifindex = randomInt(...ifindexes)
    this.#netns.run(() =>
      createTap({ ...options, ifindex }, () => {
        this.#netlink.setLink(ifindex, properties)
        this.#netlink.setLink(ifindex, { netnsFd: home.fd })
        home.run(prepare)
      }),
    )
  }

  [Symbol.dispose](): void {
    this.#netlink[Symbol.dispose]()
    this.#netns[Symbol.dispose]()
  }
}
