/**
 * Where taps are made. The kernel gives a new tap a random MAC, and takes another only when the device is there: udev,
 * which sees it at once, may give it one of its own after ours (MACAddressPolicy=persistent). So a tap is made in a
 * network namespace that nobody else sees, gets what is its own, and comes out with it. What is half made goes with
 * vpcd.
 */
import { randomInt } from 'node:crypto'
import { Netlink } from '#kernel/netlink.ts'
import type { LinkChanges } from '#kernel/link-change.ts'
import { Netns } from '#kernel/netns.ts'
import { createTap, type TapOptions } from '#kernel/tap.ts'

/**
 * A device keeps its number when it comes out. It has seven digits, so that it fits into a name (`vpc-gone1234567`).
 * The nursery's own numbers are low: one that a device of the host had a moment ago would be taken for that device by
 * whoever has not yet seen it go.
 */
const ifindexes = [1_000_000, 10_000_000] as const

export class Nursery implements Disposable {
  readonly #netns = Netns.unnamed()
  readonly #netlink = Netlink.open(this.#netns.fd)

  /**
   * Make a tap with these properties in the namespace that this thread is in. Throws EEXIST when its name is taken
   * there.
   */
  makeTap(options: TapOptions, properties: Pick<LinkChanges, 'mac' | 'mtu' | 'alias' | 'noArp'>, prepare: () => void): void {
    using home = Netns.current()
    this.#netns.run(() =>
      createTap({ ...options, ifindex: randomInt(...ifindexes) }, () => {
        const { ifindex } = this.#netlink.linkByName(options.name)!
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
