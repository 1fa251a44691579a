/**
 * Virtual machines for tests, on the hosts of a scratch lab: vmnics in ports that all hosts know of, and guests started
 * by `vpc vm`.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { generateId, idMac, type Id } from '#abi/id.ts'
import type { SourceStats, VmnicInfo } from '#abi/info.ts'
import { vpcProgram } from '#system/background.ts'
import { netnsPath, vmDirectory } from '#lab/names.ts'
import { inNetns, run, type Finished } from '#lab/program.ts'
import { linkLocal } from '#wire/ipv6-address.ts'
import { formatIp } from '#wire/ip-address.ts'
import { asMac, formatMac } from '#wire/mac.ts'
import { ScratchLab } from '../lab/scratch-lab.ts'
import { guestImage } from './guest-image.ts'
import { GuestShell } from './guest-shell.ts'

/** Two hosts, one customer, jumbo frames, and a container on each. */
export const vmLab = `
underlay: { network: 192.0.2.0/24, mtu: 9000 }
hosts: { h1: {}, h2: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00:5001::/64' } } } }
guests:
  c1: { host: h1, subnet: red/a, address: 10.0.0.8 }
  c2: { host: h2, subnet: red/a, address: 10.0.0.9 }
`

export const vni = 5001

/** A vmnic in a port. */
export interface TestVmnic {
  readonly host: string
  readonly id: Id
  readonly port: Id
  readonly mac: string
  readonly v4: string
  readonly v6: string
  readonly linkLocal: string
}

/** A machine that was created, and perhaps runs. */
export interface TestVm {
  readonly host: string
  readonly id: string
}

export class VmBed implements AsyncDisposable {
  readonly lab: ScratchLab
  readonly #sockets: Socket[] = []
  #made = 10

  private constructor(lab: ScratchLab) {
    this.lab = lab
  }

  static async up(): Promise<VmBed> {
    return new VmBed(await ScratchLab.up(vmLab))
  }

  /** Run `vpc` on a host. */
  vpc(host: string, ...args: string[]): Promise<Finished> {
    const { lab } = this
    const env = { LC_ALL: 'C', VPC_SOCKET: lab.host(host).socket, VPC_VM_DIR: vmDirectory(lab.name, host) }
    return run(inNetns(netnsPath(lab.netns(host)), [...vpcProgram, ...args]), { timeoutMs: 60_000, env })
  }

  /** Run `vpc … --json` on a host, which must succeed, and give what it says. */
  async json<T = any>(host: string, ...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.vpc(host, ...args, '--json')
    assert.equal(code, 0, `vpc ${args.join(' ')}: ${stdout}${stderr}`)
    return JSON.parse(stdout) as T
  }

  /** Make a vmnic with a port of its own, and tell all hosts of it. Unconnected with `loose`. */
  async vmnic(host: string, { queues = 1, loose = false } = {}): Promise<TestVmnic> {
    const number = this.#made++
    const id = generateId('vmnic')
    const mac = asMac(idMac(id))
    const vmnic = {
      host,
      id,
      port: generateId('vpcp'),
      mac: formatMac(mac),
      v4: `10.0.0.${number}`,
      v6: `fd00:5001::${number}`,
      linkLocal: formatIp(linkLocal(mac)),
    }
    await using object = await this.lab.vpc(host).openVmnic(id, { create: true })
    if (queues > 1) await object.setQueues(queues)
    await object.commit()
    await this.#addPort(vmnic)
    if (!loose) await this.connect(vmnic)
    for (const other of this.lab.plan.hosts) await this.#announce(vmnic, other.name)
    return vmnic
  }

  async #addPort({ host, port, v4, v6, linkLocal: ll }: TestVmnic): Promise<void> {
    await using sw = await this.lab.vpc(host).openSwitch(this.lab.host(host).switches[0]!.id, { write: true })
    await sw.addPort(port)
    await using opened = await this.lab.vpc(host).openPort(port, { write: true })
    await opened.setAddresses([v4, v6, ll])
  }

  async connect({ host, port, id }: TestVmnic): Promise<void> {
    await using opened = await this.lab.vpc(host).openPort(port, { write: true })
    await opened.connect(id)
  }

  async #announce({ host, mac, v4, v6, linkLocal: ll }: TestVmnic, to: string): Promise<void> {
    const { switches, muxId } = this.lab.host(to)
    await using sw = await this.lab.vpc(to).openSwitch(switches[0]!.id, { write: true })
    await sw.setNeighbours([v4, v6, ll].map((address) => ({ vni, address, mac })))
    if (to === host) return
    await using mux = await this.lab.vpc(to).openMux(muxId, { write: true })
    await mux.setEntries([{ vni, mac, vtep: formatIp(this.lab.host(host).address.address) }])
  }

  /** Create a machine of the test guest. */
  async create(host: string, vmnics: readonly TestVmnic[], ...options: string[]): Promise<TestVm> {
    const { kernel, initrd } = guestImage()
    const id = randomUUID()
    const nics = vmnics.map((vmnic) => `--vmnic-id=${vmnic.id}`)
    const boot = ['--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0 quiet', '--memory', '192', '--accel', 'tcg']
    await this.json(host, 'vm', 'create', '--vm-id', id, ...boot, ...nics, ...options)
    return { host, id }
  }

  /** Start a machine, and give its shell. */
  async boot(vm: TestVm): Promise<GuestShell> {
    await this.json(vm.host, 'vm', 'run', '--vm-id', vm.id)
    return this.shell(vm)
  }

  /** A machine's shell, once the guest is up. */
  async shell(vm: TestVm): Promise<GuestShell> {
    const shell = await this.console(vm)
    // The guest may have said that it is ready before this came.
    await shell.alive()
    return shell
  }

  /** A machine's console. */
  async console({ host, id }: TestVm): Promise<GuestShell> {
    const socket = connect(join(vmDirectory(this.lab.name, host), id, 'console.sock'))
    this.#sockets.push(socket)
    await once(socket, 'connect')
    return new GuestShell(socket)
  }

  get(vm: TestVm): Promise<any> {
    return this.json(vm.host, 'vm', 'get', '--vm-id', vm.id)
  }

  /** Give a guest's interface its addresses. Those that the guest is told by its MAC need no help. */
  async configure(shell: GuestShell, { mac, v4, v6 }: TestVmnic): Promise<string> {
    const find = `for i in /sys/class/net/*; do if [ "$(cat $i/address)" = ${mac} ]; then basename $i; fi; done`
    const name = (await shell.must(find)).trim()
    // Nobody else can have these addresses, so nothing has to wait for the check.
    await shell.must(`echo 0 > /proc/sys/net/ipv6/conf/${name}/accept_dad && ip link set ${name} up`)
    await shell.must(`ip addr add ${v4}/24 dev ${name} && ip -6 addr add ${v6}/64 dev ${name}`)
    const shown = `ip -6 addr show dev ${name}`
    await shell.must(`until ${shown} | grep -q fe80; do sleep 0.05; done; while ${shown} | grep -q tentative; do sleep 0.05; done`)
    return name
  }

  async describe({ host, id }: TestVmnic): Promise<VmnicInfo> {
    await using object = await this.lab.vpc(host).openVmnic(id)
    return object.describe()
  }

  async stats({ host, port }: TestVmnic): Promise<SourceStats> {
    await using mgmt = await this.lab.vpc(host).mgmt()
    const found = (await mgmt.stats()).find(({ id }) => id === port)
    assert.ok(found)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await this.lab[Symbol.asyncDispose]()
  }
}
