/**
 * A guest that is in a security group moves to another host. Its TCP connection and an exchange over UDP that it has
 * begun go on, and no packet is lost. Needs root.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { after, before, suite, test } from 'node:test'
import type { RuleJson } from '#abi/group-rule.ts'
import { generateId } from '#abi/id.ts'
import type { FlowInfo } from '#abi/info.ts'
import { guestDevice, netnsPath } from '#lab/names.ts'
import { inNetns } from '#lab/program.ts'
import { formatMac } from '#wire/mac.ts'
import { ScratchLab } from '../lab/scratch-lab.ts'

/** `moving` is on h1, and `place` is where it will be on h2; `sender` is on h3. */
const threeHosts = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {}, h3: {} }
customers: { red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24 } } } }
guests:
  sender: { host: h3, subnet: red/a, address: 10.0.0.1 }
  moving: { host: h1, subnet: red/a, address: 10.0.0.2 }
  place: { host: h2, subnet: red/a, address: 10.0.0.3 }
`
const address = '10.0.0.2'
const rules: RuleJson[] = [{ id: '10', direction: 'in', protocol: 'tcp', ports: ['7008'], peers: ['10.0.0.1'] }]

let lab: ScratchLab
const programs: ChildProcess[] = []
before(async () => void (lab = await ScratchLab.up(threeHosts)))
after(async () => {
  for (const program of programs) program.kill()
  await lab?.[Symbol.asyncDispose]()
})

/** A script in a guest that writes a line with a number now and then. */
class Script {
  last = 0
  readonly #child: ChildProcess

  constructor(guest: string, text: string) {
    const [program, ...rest] = inNetns(netnsPath(lab.netns(guest)), ['node', '-e', text])
    this.#child = spawn(program!, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    programs.push(this.#child)
    createInterface({ input: this.#child.stdout! }).on('line', (line) => void (this.last = Number(line)))
  }

  /** Wait until the number has grown by some. */
  async grows(by: number): Promise<void> {
    const [wanted, end] = [this.last + by, Date.now() + 20_000]
    while (this.last < wanted) {
      assert.ok(Date.now() < end, `at ${this.last} after 20 s, not ${wanted}`)
      assert.equal(this.#child.exitCode, null, 'the program has ended')
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async stop(): Promise<number> {
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
    return this.last
  }
}

const server = `require('net').createServer((s) => s.pipe(s)).listen(7008); process.stdin.resume()`
/** Sends a message when the last one has come back; the number is that of messages. */
const client = `let n = 0
  const s = require('net').connect(7008, '${address}', () => s.write('x'))
  s.setNoDelay(true); s.on('error', () => process.exit(1))
  s.on('data', () => { console.log(++n); setTimeout(() => s.write('x'), 5) })`
/** Sends what it was asked to: a datagram every 5 ms to who has asked. */
const source = `let n = 0; const u = require('dgram').createSocket('udp4')
  u.on('message', (_, { port, address }) => { const t = setInterval(() => u.send(String(++n), port, address), 5)
    process.on('SIGTERM', () => { clearInterval(t); console.log(n); process.exit(0) }) })
  u.bind(7009)`
const listener = `let n = 0; const u = require('dgram').createSocket('udp4')
  u.on('message', () => console.log(++n)); u.bind(7010, () => u.send('go', 7009, '10.0.0.1')); setInterval(() => u.send('', 7, '10.0.0.1'), 1e6)`

const port = (guest: string) => lab.vpc(lab.guest(guest).host).openPort(lab.guest(guest).portId, { write: true })

async function join(host: string, guest: string, id = generateId('group')): Promise<void> {
  const vpc = lab.vpc(host)
  await using mgmt = await vpc.mgmt()
  const [sw] = await mgmt.describeAll('vpcsw')
  await using group = await vpc.openGroup(id, { create: true, write: true })
  await group.setSwitch(sw!.id)
  await group.addRules(rules)
  await group.commit()
  await using joined = await port(guest)
  await joined.setGroups([id])
}

async function flowsOf(host: string): Promise<readonly FlowInfo[]> {
  await using mgmt = await lab.vpc(host).mgmt()
  return await mgmt.flows()
}

const retransmitted = async (guest: string): Promise<number> =>
  Number(/TcpRetransSegs\s+(\d+)/.exec(await lab.must(guest, 'nstat', '-asz', 'TcpRetransSegs'))![1])

/** Say on a host where the moving guest is. */
async function point(host: string, to: string, forward = false): Promise<void> {
  await using mux = await lab.vpc(host).openMux(lab.host(host).muxId, { write: true })
  const vtep = lab.host(to).listen.replace(/:\d+$/, '')
  await mux.setEntries([{ vni: 5001, mac: formatMac(lab.guest('moving').mac as never), vtep, forward }])
}

/** The interface of the new host, held, goes into the guest; nothing is sent by it yet. */
async function prepare(): Promise<void> {
  await point('h2', 'h1')
  {
    await using held = await port('place')
    await held.setHeld(true)
    await held.setAddresses([address])
  }
  await using hostif = await lab.vpc('h2').openHostif(lab.guest('place').interfaceId, { write: true })
  await hostif.setMac(formatMac(lab.guest('moving').mac as never))
  await lab.must('place', 'ip', 'link', 'set', 'dev', guestDevice, 'netns', netnsPath(lab.netns('moving')), 'name', 'new0')
  await lab.must('moving', 'ip', 'addr', 'add', `${address}/32`, 'dev', 'new0')
  await lab.must('moving', 'ip', 'link', 'set', 'dev', 'new0', 'up')
}

/** Wait until a program in a guest has its port. */
async function listening(guest: string, option: string, number: number): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await lab.must(guest, 'ss', '-Hn', option)).includes(`:${number} `)) {
    assert.ok(Date.now() < end, `nobody listens on ${number}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function moveFlows(within = 0): Promise<void> {
  await using from = await port('moving')
  await using to = await port('place')
  await to.importFlows(await from.exportFlows(within))
}

suite('a guest in a security group that moves', () => {
  test('keeps its connections, and loses no packet', async () => {
    const id = generateId('group')
    await join('h1', 'moving', id)
    await prepare()
    await join('h2', 'place', id)
    const [, asked] = [new Script('moving', server), new Script('sender', source)]
    await listening('moving', '-lt', 7008)
    await listening('sender', '-lu', 7009)
    const [tcp, udp] = [new Script('sender', client), new Script('moving', listener)]
    await Promise.all([tcp.grows(20), udp.grows(20)])
    const before = [await retransmitted('sender'), await retransmitted('moving')]
    await moveFlows()
    await moveFlows(5)
    {
      await using released = await port('place')
      await released.setHeld(false)
    }
    await lab.must('moving', 'ip', 'route', 'replace', '10.0.0.0/24', 'dev', 'new0', 'src', address)
    await point('h1', 'h2', true)
    {
      await using left = await port('moving')
      await left.disconnect(lab.guest('moving').interfaceId)
    }
    await Promise.all([tcp.grows(20), udp.grows(20)])
    await point('h3', 'h2')
    await Promise.all([tcp.grows(20), udp.grows(20)])
    assert.deepEqual([await retransmitted('sender'), await retransmitted('moving')], before)
    const sent = await asked.stop()
    const end = Date.now() + 5000
    while (udp.last < sent && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(udp.last, sent)
    const moved = await flowsOf('h2')
    const connection = moved.find(({ insidePort }) => insidePort === 7008)!
    assert.deepEqual([connection.begun, connection.state, connection.rule], ['in', 'established', 'rule 10 of group0'])
    assert.ok(connection.packetsIn > 60, `${connection.packetsIn} packets`)
  })
})
