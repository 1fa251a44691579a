/** For tests: a network namespace that lasts as long as its scope, and iproute2's view of it to compare with. */
import { execFileSync } from 'node:child_process'
import { Netlink } from './netlink.ts'
import { Netns } from './netns.ts'

let made = 0

/** A named namespace; disposing deletes it. It does not touch the caller's own namespace. */
export class ScratchNetns {
  readonly name = `vpc-test-${process.pid}-${made++}`
  readonly netns = Netns.create(this.name)
  readonly netlink = Netlink.open(this.netns.fd)
  get fd(): number {
    return this.netns.fd
  }
  run<T>(run: () => T): T {
    return this.netns.run(run)
  }
  /** Run a program inside and give what it prints. */
  exec(command: string, ...args: string[]): string {
    return execFileSync('nsenter', [`--net=/run/netns/${this.name}`, command, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }
  /** What `ip -json -details` prints. */
  ip(...args: string[]): any {
    return JSON.parse(this.exec('ip', '-j', '-d', ...args) || '[]')
  }
  [Symbol.dispose](): void {
    this.netlink[Symbol.dispose]()
    this.netns[Symbol.dispose]()
    Netns.delete(this.name)
  }
}
