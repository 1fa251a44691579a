/**
 * Listeners on a switch: the questions that no table answers, and the answers through the same descriptor. Real guests;
 * needs root.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { generateId, type Id } from '#abi/id.ts'
import type { MissEvent } from '#abi/info.ts'
import { VpcError } from '#client/error.ts'
import type { Switch } from '#client/switch.ts'
import { asIpv4, ipv4From } from '#wire/ipv4-address.ts'
import { decodeDhcp, dhcpMessageType, dhcpOp, dhcpOption, dhcpType, encodeDhcp } from '#wire/dhcp.ts'
import { udpFrame } from '#wire/frames.ts'
import { macFrom } from '#wire/mac.ts'
import { Programs, runUnder } from '../abi/program.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { TestHost } from './test-host.ts'

let clean: Snapshot
let host: TestHost
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  await host.start()
})
after(async () => {
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

const create = { create: true }
const fails = (code: string) => (error: unknown) => error instanceof VpcError && error.code === code

interface Guest {
  readonly mac: string
  readonly port: Id
  readonly run: (...command: string[]) => string
  readonly netns: string
}

/** A switch with guests, each with the addresses given. */
async function scene(
  stack: AsyncDisposableStack,
  vni: number,
  guests: Readonly<Record<string, readonly string[]>>,
): Promise<{ sw: Switch; guests: Record<string, Guest> }> {
  const sw = stack.use(await host.vpc.openSwitch(generateId('vpcsw'), create))
  await sw.setVni(vni)
  const made: Record<string, Guest> = {}
  for (const [name, addresses] of Object.entries(guests)) {
    const hostif = stack.use(await host.vpc.openHostif(generateId('hostif'), create))
    const port = stack.use(await host.vpc.openPort(generateId('vpcp'), create))
    await sw.addPort(port.id)
    await port.connect(hostif.id)
    const { device } = await hostif.describe()
    const run = host.guest(`${name}${vni}`, device, addresses[0]!)
    for (const address of addresses.slice(1)) run('ip', 'address', 'add', address, 'dev', device, 'nodad')
    made[name] = { mac: await hostif.mac(), port: port.id, run, netns: host.guestName(`${name}${vni}`) }
  }
  return { sw, guests: made }
}

const ping = (guest: Guest, address: string): Promise<string> =>
  text(
    spawn('nsenter', [`--net=/run/netns/${guest.netns}`, 'ping', '-n', '-c', '1', '-W', '5', address], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }).stdout,
  )

test('a listener answers ARP and ND, and the first packet arrives', async () => {
  await using stack = new AsyncDisposableStack()
  const { sw, guests } = await scene(stack, 41, { a: ['10.0.0.1/24', 'fd00::1/64'], b: ['10.0.0.2/24', 'fd00::2/64'] })
  const macs: Record<string, string> = {
    '10.0.0.1': guests.a!.mac,
    '10.0.0.2': guests.b!.mac,
    'fd00::1': guests.a!.mac,
    'fd00::2': guests.b!.mac,
  }
  const stop = new AbortController()
  const asked = new Set<string>()
  const answering = (async () => {
    for await (const question of sw.listen(stop.signal)) {
      asked.add(`${question.question} ${question.target}`)
      const mac = macs[question.target ?? '']
      if (mac !== undefined) await sw.answer(question, mac)
    }
  })()
  await sw.mac()
  assert.match(await ping(guests.a!, '10.0.0.2'), / 1 received/)
  assert.match(await ping(guests.a!, 'fd00::2'), / 1 received/)
  stop.abort()
  await answering
  for (const question of ['arp 10.0.0.2', 'nd fd00::2']) assert.ok(asked.has(question), [...asked].join(', '))
  const known = new Set((await sw.neighbours()).map(({ address }) => address))
  for (const address of ['10.0.0.1', '10.0.0.2', 'fd00::2']) assert.ok(known.has(address), address)
})

test("listeners do not get in each other's way, and one of READ cannot answer", async () => {
  await using stack = new AsyncDisposableStack()
  const { sw, guests } = await scene(stack, 42, { a: ['10.0.0.1/24'] })
  const others = [await host.vpc.openSwitch(sw.id), await host.vpc.openSwitch(sw.id)] as const
  for (const other of others) stack.use(other)
  const stranger = stack.use(await host.vpc.openSwitch(generateId('vpcsw'), create))
  await stranger.ctl('vpcswListen')
  const [first, second] = [others[0].listen(), others[1].listen()]
  const [one, two] = [first.next(), second.next()]
  await Promise.all(others.map((other) => other.mac()))
  assert.throws(() => guests.a!.run('ping', '-c', '1', '-W', '1', '10.0.0.99'))
  const [seenByOne, seenByTwo] = [(await one).value as MissEvent, (await two).value as MissEvent]
  assert.deepEqual(seenByOne, seenByTwo)
  assert.deepEqual([seenByOne.portId, seenByOne.mac, seenByOne.target], [guests.a!.port, guests.a!.mac, '10.0.0.99'])
  await assert.rejects(others[0].answer(seenByOne, '02:00:00:00:00:99'), fails('EPERM'))
  // The first goes: the second goes on.
  await others[0].close()
  const more = second.next()
  assert.throws(() => guests.a!.run('ping', '-c', '1', '-W', '1', '10.0.0.98'))
  assert.ok(['10.0.0.98', '10.0.0.99'].includes(((await more).value as MissEvent).target!))
})

test('a listener is a DHCP server', async () => {
  await using stack = new AsyncDisposableStack()
  const { sw, guests } = await scene(stack, 43, { a: ['169.254.1.1/16'] })
  const script = join(host.directory, 'lease')
  writeFileSync(script, '#!/bin/sh\n[ "$1" = bound ] && echo "bound $ip $subnet"\nexit 0\n', { mode: 0o755 })
  const server = { ip: ipv4From('10.0.7.1'), mac: macFrom('02:00:00:00:07:01') }
  const types = new Map<number, number>([
    [dhcpType.discover, dhcpType.offer],
    [dhcpType.request, dhcpType.ack],
  ])
  const stop = new AbortController()
  const serving = (async () => {
    for await (const { question, data, portId } of sw.listen(stop.signal)) {
      const request = question === 'dhcp' ? decodeDhcp(Buffer.from(data, 'base64').subarray(14 + 20 + 8)) : undefined
      if (request?.ok !== true) continue
      const { xid, flags, chaddr } = request.value
      const options = new Map<number, Uint8Array>([
        [dhcpOption.messageType, Uint8Array.of(types.get(dhcpMessageType(request.value)!)!)],
        [dhcpOption.serverId, server.ip],
        [dhcpOption.leaseTime, Uint8Array.of(0, 0, 14, 16)],
        [dhcpOption.subnetMask, Uint8Array.of(255, 255, 255, 0)],
      ])
      const none = asIpv4(new Uint8Array(4))
      const reply = encodeDhcp({
        op: dhcpOp.reply,
        xid,
        secs: 0,
        flags,
        ciaddr: none,
        yiaddr: ipv4From('10.0.7.9'),
        siaddr: none,
        giaddr: none,
        chaddr,
        options,
      })
      await sw.send(
        portId!,
        udpFrame({ srcMac: server.mac, dstMac: chaddr, src: server.ip, dst: ipv4From('10.0.7.9'), srcPort: 67, dstPort: 68 }, reply),
      )
    }
  })()
  await sw.mac()
  const { device } = JSON.parse(guests.a!.run('ip', '-j', 'link'))
    .map(({ ifname }: { ifname: string }) => ({ device: ifname }))
    .find(({ device }: { device: string }) => device !== 'lo') as { device: string }
  const client = spawn(
    'nsenter',
    [`--net=/run/netns/${guests.a!.netns}`, 'busybox', 'udhcpc', '-i', device, '-n', '-q', '-f', '-t', '5', '-T', '1', '-s', script],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  )
  assert.match(await text(client.stdout), /^bound 10\.0\.7\.9 255\.255\.255\.0$/m)
  stop.abort()
  await serving
})

test('a C program listens and answers by system calls', async () => {
  await using stack = new AsyncDisposableStack()
  using programs = new Programs()
  const { sw, guests } = await scene(stack, 45, { a: ['10.0.0.1/24'], b: ['10.0.0.2/24'] })
  await sw.setNeighbours([{ vni: 45, address: '10.0.0.1', mac: guests['a']!.mac }])
  const argv = [programs.compile('listen'), guests['b']!.mac, '45']
  let answer: Promise<string> | undefined
  const started = (child: ChildProcess): void => void child.stdout!.once('data', () => (answer = ping(guests['a']!, '10.0.0.2')))
  const ran = await runUnder(host.socketPath, argv, { options: ['--open', `vpcsw:${sw.id}:rw`], started })
  assert.deepEqual(ran, { code: 0, stdout: 'listening\nanswered\n', stderr: '' })
  // The guest asks again after a second, and the kernel answers from the table.
  assert.match(await answer!, / 1 received/)
})

test('what cannot be sent is refused', async () => {
  await using stack = new AsyncDisposableStack()
  const { sw, guests } = await scene(stack, 44, { a: ['10.0.0.1/24'] })
  const port = guests.a!.port
  await assert.rejects(sw.send(port, new Uint8Array(13)), fails('EINVAL'))
  await assert.rejects(sw.send(generateId('vpcp'), new Uint8Array(60)), fails('ENOENT'))
  await assert.rejects(sw.send(port, new Uint8Array(9000)), fails('EMSGSIZE'))
  await using empty = await host.vpc.openPort(generateId('vpcp'), create)
  await assert.rejects(sw.send(empty.id, new Uint8Array(60)), fails('ENOENT'))
  await sw.addPort(empty.id)
  await assert.rejects(sw.send(empty.id, new Uint8Array(60)), fails('ENOTCONN'))
  const dhcp: MissEvent = {
    time: '',
    question: 'dhcp',
    port: 'vpcp0',
    portId: port,
    vni: 44,
    mac: guests.a!.mac,
    address: null,
    target: null,
    lost: 0,
    data: '',
  }
  await assert.rejects(sw.answer(dhcp, '02:00:00:00:00:01'), fails('EINVAL'))
})
