/**
 * Watching a switch and an ethlink with tcpdump, on the devices with their names: what is shown, when, and that it has
 * no other effect.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { netnsPath } from '#lab/names.ts'
import { inNetns } from '#lab/program.ts'
import { echoFrame, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, broadcastMac, type Mac } from '#wire/mac.ts'
import { ScratchLab } from './scratch-lab.ts'

const vtag = 7
const labText = `
underlay: { network: 192.0.2.0/24 }
hosts: { h1: {}, h2: {} }
customers:
  red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } }
  blue: { subnets: { a: { vni: 6001, network: 10.0.0.0/24 } } }
guests:
  a: { host: h1, subnet: red/a, address: 10.0.0.1 }
  b: { host: h1, subnet: red/a, address: 10.0.0.2 }
  c: { host: h2, subnet: red/a, address: 10.0.0.3 }
  blue1: { host: h1, subnet: blue/a, address: 10.0.0.1 }
  blue2: { host: h1, subnet: blue/a, address: 10.0.0.2 }
links:
  office: { host: h1, uplink: red/a, vtag: ${vtag}, address: [10.0.0.100/24] }
`
const ping = ['ping', '-n', '-c', '1', '-W', '2']

/** tcpdump on a device of h1, line by line. */
class Sniffer implements AsyncDisposable {
  readonly lines: string[] = []
  readonly #child
  constructor(lab: ScratchLab, device: string) {
    const [command, ...args] = inNetns(netnsPath(lab.netns('h1')), ['tcpdump', '-l', '-n', '-e', '--immediate-mode', '-i', device])
    this.#child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(line))
    createInterface({ input: this.#child.stderr! }).on('line', (line) => this.lines.push(`# ${line}`))
  }

  /** Do something again and again until a line of it is seen. */
  async sees(pattern: RegExp, act: () => Promise<unknown>): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!this.lines.some((line) => pattern.test(line))) {
      assert.ok(Date.now() < deadline, `${pattern} was not seen:\n${this.lines.join('\n')}`)
      await act()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGINT')
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'close')
  }
}

suite('looking at switches and ethlinks', () => {
  let lab: ScratchLab
  /** The switch of red, and the ethlink that is its uplink. */
  let red: string
  let uplink: string
  before(async () => {
    lab = await ScratchLab.up(labText)
    await using port = await lab.vpc('h1').openPort(lab.guest('a').portId)
    const { switch: id } = await port.describe()
    await using sw = await lab.vpc('h1').openSwitch(id!)
    red = (await sw.describe()).unit
    await using mgmt = await lab.vpc('h1').mgmt()
    uplink = (await mgmt.describeAll()).find((object) => object.type === 'ethlink' && object.port !== null)!.unit
  })
  after(async () => lab?.[Symbol.asyncDispose]())

  const wire = { mac: (): Mac => asMac(lab.plan.wires[0]!.mac), address: ipFrom('10.0.0.100') }
  const guest = { mac: (): Mac => asMac(lab.guest('a').mac), address: ipFrom('10.0.0.1') }

  /** A frame of the machine on the wire, with the uplink's tag, to a guest. */
  const fromWire = async (): Promise<void> => {
    using socket = lab.raw('office')
    socket.send(
      echoFrame({ srcMac: wire.mac(), dstMac: guest.mac(), src: wire.address, dst: guest.address, vlan: vtag }, Buffer.from('in')),
    )
    await sleep(20)
  }
  /** A frame of the guest to the machine on the wire. */
  const toWire = async (): Promise<void> => {
    using socket = lab.raw('a')
    socket.send(echoFrame({ srcMac: guest.mac(), dstMac: wire.mac(), src: guest.address, dst: wire.address }, Buffer.from('out')))
    await sleep(20)
  }

  /** A datagram of the guest to all. */
  const toAll = async (): Promise<void> => {
    using socket = lab.raw('a')
    const ends = { srcMac: guest.mac(), dstMac: broadcastMac, src: guest.address, dst: ipFrom('255.255.255.255') }
    socket.send(udpFrame({ ...ends, srcPort: 5000, dstPort: 9999 }, Buffer.from('all')))
    await sleep(20)
  }

  test('nothing is copied while nobody looks', async () => {
    // Sockets without promiscuous mode see frames to the device, and cause no copies.
    using onSwitch = lab.raw('h1', red)
    using onEthlink = lab.raw('h1', uplink)
    for (const to of ['10.0.0.2', '10.0.0.3']) await lab.must('a', ...ping, to)
    for (const send of [fromWire, toWire]) await send()
    assert.deepEqual([onSwitch.receive().length, onEthlink.receive().length], [0, 0])
  })

  test('tcpdump on a switch shows what passes between units, from and to other hosts, and by the uplink, once each and without tags', async () => {
    await using sniffer = new Sniffer(lab, red)
    await sniffer.sees(/10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request/, () => lab.must('a', ...ping, '10.0.0.2'))
    await sniffer.sees(/10\.0\.0\.3 > 10\.0\.0\.1: ICMP echo reply/, () => lab.must('a', ...ping, '10.0.0.3'))
    // The first packets of a VTEP come through the stack and vpc_mux, the next ones by vpc_underlay: all are seen.
    const before = sniffer.lines.filter((line) => /10\.0\.0\.3 > 10\.0\.0\.1: ICMP echo reply/.test(line)).length
    await lab.must('a', 'ping', '-n', '-c', '20', '-i', '0.02', '-W', '2', '10.0.0.3')
    await sniffer.sees(/10\.0\.0\.100 > 10\.0\.0\.1: ICMP echo request/, fromWire)
    await sniffer.sees(/10\.0\.0\.1 > 10\.0\.0\.100: ICMP echo request/, toWire)
    const replies = sniffer.lines.filter((line) => /10\.0\.0\.3 > 10\.0\.0\.1: ICMP echo reply/.test(line))
    assert.equal(replies.length - before, 20)
    await lab.must('a', 'ip', 'neigh', 'flush', 'dev', 'eth0')
    await sniffer.sees(/Reply 10\.0\.0\.2 is-at/, () => lab.must('a', ...ping, '10.0.0.2'))
    assert.deepEqual(
      sniffer.lines.filter((line) => /802\.1Q/.test(line)),
      [],
    )
  })

  test('other switches are not shown', async () => {
    await using sniffer = new Sniffer(lab, red)
    await sniffer.sees(/10\.0\.0\.1 > 10\.0\.0\.2: ICMP echo request.* length 64/, () => lab.must('a', ...ping, '10.0.0.2'))
    await lab.must('blue1', ...ping, '-s', '77', '10.0.0.2')
    await sniffer.sees(/10\.0\.0\.2 > 10\.0\.0\.1: ICMP echo request/, () => lab.must('b', ...ping, '10.0.0.1'))
    assert.deepEqual(
      sniffer.lines.filter((line) => line.includes('length 85')),
      [],
    )
  })

  test('tcpdump on an ethlink shows what passes the uplink, with its tag, and nothing else', async () => {
    await using sniffer = new Sniffer(lab, uplink)
    await sniffer.sees(/vlan 7.*10\.0\.0\.1 > 10\.0\.0\.100: ICMP echo request/, toWire)
    await sniffer.sees(/vlan 7.*10\.0\.0\.100 > 10\.0\.0\.1: ICMP echo request/, fromWire)
    await lab.must('a', ...ping, '10.0.0.2')
    sniffer.lines.length = 0
    await sniffer.sees(/10\.0\.0\.1 > 10\.0\.0\.100: ICMP echo request/, toWire)
    assert.deepEqual(
      sniffer.lines.filter((line) => /10\.0\.0\.1 > 10\.0\.0\.2/.test(line)),
      [],
    )
  })

  test('when nobody looks any more, nothing is copied any more', async () => {
    using onSwitch = lab.raw('h1', red)
    const copied = async (): Promise<number> => {
      await lab.must('a', ...ping, '10.0.0.2')
      return onSwitch.receive().length
    }
    {
      await using sniffer = new Sniffer(lab, red)
      await sniffer.sees(/echo request/, copied)
      assert.ok((await copied()) > 0)
    }
    const deadline = Date.now() + 10_000
    while ((await copied()) > 0) assert.ok(Date.now() < deadline, 'copies go on')
  })

  test('the host gets nothing of it, and can send nothing, whatever it does to the device', async () => {
    await lab.must('h1', 'ip', 'link', 'set', red, 'up', 'promisc', 'on')
    await lab.must('h1', 'ip', 'address', 'add', '10.0.0.200/24', 'dev', red)
    try {
      await using sniffer = new Sniffer(lab, red)
      // A question for the host's address, and packets to it: seen, and not answered.
      await sniffer.sees(
        /Request who-has 10\.0\.0\.200/,
        async () => void (await lab.run('a', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.200')),
      )
      // A datagram to all, which a stack takes whatever its addresses are: without a listener it counts it.
      const ignored = (): Promise<string> => lab.must('h1', 'nstat', '-asz', 'UdpIgnoredMulti')
      const before = await ignored()
      await sniffer.sees(/ > 255\.255\.255\.255\.9999: UDP/, toAll)
      assert.equal(await ignored(), before)
      const { code } = await lab.run('h1', 'ping', '-n', '-c', '1', '-W', '1', '-I', red, '10.0.0.1')
      assert.notEqual(code, 0)
      assert.equal((await lab.run('a', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.200')).code, 1)
      assert.deepEqual(
        sniffer.lines.filter((line) => /10\.0\.0\.200 is-at/.test(line)),
        [],
      )
      const addresses = await lab.must('h1', 'ip', '-6', 'address', 'show', 'dev', red)
      assert.equal(addresses, '')
    } finally {
      await lab.must('h1', 'ip', 'link', 'set', red, 'promisc', 'off')
      await lab.must('h1', 'ip', 'address', 'flush', 'dev', red)
    }
    await lab.assertReachability()
  })
})
