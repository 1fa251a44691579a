/**
 * An outside for a lab: a wire into one host of it, a router on the wire and a host beyond. The wire's interface of the
 * lab's host has no address.
 */
import { fileURLToPath } from 'node:url'
import assert from 'node:assert/strict'
import { generateId, type Id } from '#abi/id.ts'
import type { Nat } from '#client/nat.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns, run, type Finished } from '#lab/program.ts'
import type { ScratchLab } from './scratch-lab.ts'

/** Addresses: of the router on the wire, and of the host beyond. */
export const wire = { network4: '203.0.113.0/24', network6: '2001:db8:7::/64', router4: '203.0.113.1', router6: '2001:db8:7::1' }
export const beyond = { v4: '198.51.100.7', v6: '2001:db8:ffff::7' }
export const wireDevice = 'pub0'

const transferProgram = fileURLToPath(new URL('../../src/lab/transfer-program.ts', import.meta.url))

export class Outside implements AsyncDisposable {
  readonly #lab: ScratchLab
  readonly router: string
  readonly host: string

  private constructor(lab: ScratchLab) {
    this.#lab = lab
    this.router = lab.netns('isp')
    this.host = lab.netns('out')
  }

  static async of(lab: ScratchLab, host: string): Promise<Outside> {
    const made = new Outside(lab)
    for (const name of [made.router, made.host]) await must(['ip', 'netns', 'add', name])
    await must(['ip', 'link', 'add', wireDevice, 'netns', lab.netns(host), 'type', 'veth', 'peer', 'name', 'wire', 'netns', made.router])
    await must(['ip', 'link', 'add', 'lan', 'netns', made.router, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', made.host])
    await lab.must(host, 'ip', 'link', 'set', wireDevice, 'up')
    await made.must(made.router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1')
    await made.#address(made.router, 'wire', `${wire.router4}/24`, `${wire.router6}/64`)
    await made.#address(made.router, 'lan', '198.51.100.1/24', '2001:db8:ffff::1/64')
    await made.#address(made.host, 'eth0', `${beyond.v4}/24`, `${beyond.v6}/64`)
    for (const via of ['198.51.100.1', '2001:db8:ffff::1']) await made.must(made.host, 'ip', 'route', 'add', 'default', 'via', via)
    return made
  }

  async #address(netns: string, device: string, ...addresses: readonly string[]): Promise<void> {
    await this.must(netns, 'ip', 'link', 'set', device, 'up')
    for (const address of addresses)
      await this.must(netns, 'ip', 'address', 'add', address, 'dev', device, ...(address.includes(':') ? ['nodad'] : []))
  }

  /** Run a program in one of the two namespaces. */
  run(netns: string, ...argv: string[]): Promise<Finished> {
    return run(inNetns(netnsPath(netns), argv), { timeoutMs: 60_000, env: { LC_ALL: 'C' } })
  }

  async must(netns: string, ...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(netns, ...argv)
    assert.equal(code, 0, `${netns}: ${argv.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  /**
   * Give the router of a lab's host a way outside, by a NAT: by its wire on h1, by h1 elsewhere. `addresses` gives the
   * NAT its public addresses.
   */
  async layNat(host: string, natId: Id, addresses: (nat: Nat) => Promise<void>): Promise<void> {
    const vpc = this.#lab.vpc(host)
    const routerId: Id = this.#lab.host(host).switches[0]!.routerId!
    await using router = await vpc.openRouter(routerId, { write: true })
    await router.setRoutes(['0.0.0.0/0 igw', '::/0 igw'])
    await using nat = await vpc.openNat(natId, { create: true })
    await nat.setRouter(routerId)
    await nat.setPool([wire.network4, wire.network6])
    if (host === 'h1') {
      await using ethlink = await vpc.openEthlink(generateId('ethlink'), { create: true })
      await ethlink.connect(wireDevice)
      await nat.setPrefix4(wire.network4)
      await nat.setPrefix6(wire.network6)
      await nat.setGateway4(wire.router4)
      await nat.setGateway6(wire.router6)
      await nat.setEthlink(ethlink.id)
      await ethlink.commit()
    } else await nat.setVia('192.0.2.1')
    await addresses(nat)
    assert.equal((await nat.describe()).obstacle, null)
    await nat.commit()
  }

  /** Bytes that a client of one namespace gets by TCP from a server of another, which it knows by `address`. */
  async transfer(server: { netns: string; listen: string }, client: { netns: string; address: string }, port = 5201): Promise<number> {
    const [sent, received] = await Promise.all([
      this.run(server.netns, process.execPath, transferProgram, 'send', server.listen, String(port), '0.3'),
      this.run(client.netns, process.execPath, transferProgram, 'receive', client.address, String(port)),
    ])
    assert.equal(sent.code, 0, sent.stderr)
    assert.equal(received.code, 0, received.stderr)
    return (JSON.parse(received.stdout) as { bytes: number }).bytes
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.router, this.host]) await run(['ip', 'netns', 'del', name])
    await this.#lab.run('h1', 'ip', 'link', 'del', wireDevice)
  }
}

async function must(argv: string[]): Promise<void> {
  const { code, stderr } = await run(argv)
  assert.equal(code, 0, `${argv.join(' ')}: ${stderr}`)
}
