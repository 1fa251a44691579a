/** A container for a test: a network namespace that a hostif is moved into, and programs that run there. */
import { spawn, type ChildProcess } from 'node:child_process'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'
import { ipFrom } from '#wire/ip-address.ts'

let made = 0

export class Container implements Disposable {
  readonly name = `vpc-object-${process.pid}-${made++}`
  readonly #netns = Netns.create(this.name)
  readonly netlink = Netlink.open(this.#netns.fd)

  get netnsFd(): number {
    return this.#netns.fd
  }

  /** Move a device in, and give it an address. */
  take(from: Netlink, device: string, address: string): void {
    from.setLink(from.linkByName(device)!.ifindex, { netnsFd: this.#netns.fd })
    const { ifindex } = this.netlink.linkByName(device)!
    this.netlink.setLink(ifindex, { up: true })
    this.netlink.addAddress({ ifindex, address: ipFrom(address), prefixLength: 24 })
  }

  /** Start a program inside. */
  start(command: string, ...args: string[]): ChildProcess {
    return spawn('nsenter', [`--net=/run/netns/${this.name}`, command, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  /** Run a program inside to its end, and return its output. */
  async run(command: string, ...args: string[]): Promise<string> {
    return output(this.start(command, ...args))
  }

  [Symbol.dispose](): void {
    this.netlink[Symbol.dispose]()
    this.#netns[Symbol.dispose]()
    Netns.delete(this.name)
  }
}

/** All that a program says until it ends. */
export async function output(child: ChildProcess): Promise<string> {
  let text = ''
  for await (const chunk of child.stdout!) text += String(chunk)
  return text
}
