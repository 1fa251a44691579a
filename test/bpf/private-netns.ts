/** A network namespace of a test's own, with a pair of devices to put programs on. */
import { spawnSync } from 'node:child_process'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'

let made = 0

export class PrivateNetns implements Disposable {
  readonly name = `vpc-bpf-${process.pid}-${made++}`
  readonly netns: Netns
  readonly netlink: Netlink

  constructor() {
    this.netns = Netns.create(this.name)
    this.netlink = Netlink.open(this.netns.fd)
    this.netlink.setLink(1, { up: true })
  }

  /** Make a pair of devices, both up. The result is their ifindexes. */
  veth(name: string, peer: string): [number, number] {
    this.netlink.createVeth({ name, peer: { name: peer, up: true }, up: true })
    return [this.netlink.linkByName(name)!.ifindex, this.netlink.linkByName(peer)!.ifindex]
  }

  /** Send a few frames out of a device. */
  ping(device: string): void {
    const target = `ff02::1%${device}`
    spawnSync('nsenter', [`--net=/run/netns/${this.name}`, 'ping', '-c', '2', '-i', '0.1', '-W', '1', target])
  }

  /** Run a synchronous function inside. */
  run<T>(run: () => T): T {
    return this.netns.run(run)
  }

  [Symbol.dispose](): void {
    this.netlink[Symbol.dispose]()
    this.netns[Symbol.dispose]()
    Netns.delete(this.name)
  }
}
