/**
 * Shared public addresses with programs that people use: guests on the host of the wire and on another one, a router
 * and a host outside. Downloads and uploads, pings, traceroute, fragments, path MTU, DNS; without vpcd; after a reboot.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateId } from '#abi/id.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { startDaemon, waitForDaemon } from '#lab/host-daemon.ts'
import { readState, writeState } from '#lab/lab-state.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns } from '#lab/program.ts'
import { beyond, Outside, wire } from './outside.ts'
import { ScratchLab } from './scratch-lab.ts'

const text = `
underlay: { network: 192.0.2.0/24, mtu: 1500 }
hosts: { h1: {}, h2: {} }
customers:
  red:
    router: true
    subnets: { a: { vni: 5001, network: 10.1.0.0/24, network6: 'fd01::/64' } }
guests:
  a1: { host: h1, subnet: red/a, address: 10.1.0.11, address6: 'fd01::11' }
  a2: { host: h2, subnet: red/a, address: 10.1.0.12, address6: 'fd01::12' }
`
const shared = ['203.0.113.9', '2001:db8:7::9']
const families = [
  { family: 4, far: beyond.v4, url: beyond.v4, gateway: '10.1.0.1', isp: wire.router4 },
  { family: 6, far: beyond.v6, url: `[${beyond.v6}]`, gateway: 'fd01::1', isp: wire.router6 },
] as const
const guests = [
  ['a1', 'on the host of the wire'],
  ['a2', 'on another host'],
] as const

/** HTTP: what it gets comes back as its checksum. DNS over UDP and TCP: every name is 192.0.2.99. A port for UDP. */
const services = `
const { createHash } = require('crypto'), fs = require('fs'), body = fs.readFileSync(process.argv[1])
const answer = (ask) => { const end = ask.indexOf(0, 12) + 5, out = Buffer.concat([ask.subarray(0, end), Buffer.from('c00c000100010000003c0004c0000263', 'hex')])
  out.writeUInt16BE(0x8180, 2); out.writeUInt16BE(1, 6); out.writeUInt32BE(0, 8); return out }
const up = [
  require('http').createServer((request, response) => {
    if (request.method === 'GET') return response.end(body)
    const hash = createHash('sha256'); request.on('data', (part) => hash.update(part)).on('end', () => response.end(hash.digest('hex')))
  }).listen(80, '::'),
  require('net').createServer((socket) => socket.on('error', () => {}).once('data', (ask) => {
    const out = answer(ask.subarray(2)); socket.end(Buffer.concat([Buffer.of(out.length >> 8, out.length & 255), out])) })).listen(53, '::'),
  require('dgram').createSocket('udp6'),
]
up[2].on('message', (ask, from) => up[2].send(answer(ask), from.port, from.address)).bind(53, '::')
require('dgram').createSocket('udp6').bind(9, '::')
let left = 3
for (const each of up) each.once('listening', () => --left || console.log('ready'))
`

/** A packet from each of 450 ports. */
const manyPorts = `
const { createSocket } = require('dgram')
for (let i = 0; i < 450; i++) { const socket = createSocket('udp4'); socket.send('x', 9, '${beyond.v4}', () => socket.close()) }
`

suite('guests behind shared addresses', () => {
  let lab: ScratchLab
  let outside: Outside
  let directory: string
  let file: string
  const body = randomBytes(20_000_000)
  const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  const programs: ChildProcess[] = []
  const natId = generateId('vpcnat')

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'vpc-shared-'))
    file = join(directory, 'body')
    await writeFile(file, body)
    lab = await ScratchLab.up(text)
    outside = await Outside.of(lab, 'h1')
    for (const host of ['h1', 'h2']) await outside.layNat(host, natId, (nat) => nat.setShared(shared))
    await begin(outside.host, 'ready', process.execPath, '-e', services, file)
    await lab.must('a1', process.execPath, '-e', manyPorts)
    await begin(outside.host, 'Server listening', 'iperf3', '-s', '--forceflush')
  })
  after(async () => {
    for (const child of programs) child.kill('SIGKILL')
    await outside?.[Symbol.asyncDispose]()
    await lab?.[Symbol.asyncDispose]()
    await rm(directory, { recursive: true })
  })

  /** A program that runs until the test ends, and has said that it is ready. */
  async function begin(netns: string, ready: string, ...argv: string[]): Promise<ChildProcess> {
    const [program, ...rest] = inNetns(netnsPath(netns), argv) as [string, ...string[]]
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
    programs.push(child)
    await new Promise<void>((resolve, reject) => {
      let said = ''
      child.stdout!.on('data', (chunk: Buffer) => ((said += chunk.toString()), said.includes(ready) && resolve()))
      child.once('close', () => reject(new Error(`${argv[0]} ended: ${said}`)))
    })
    return child
  }

  const ping = (count: number, ...more: string[]): string[] => ['ping', '-n', '-c', String(count), '-i', '0.02', '-W', '2', ...more]

  for (const [guest, where] of guests)
    for (const { family, far, url, gateway, isp } of families) {
      test(`curl loads and stores a large file, over IPv${family}, from a guest ${where}`, async () => {
        const got = join(directory, `${guest}-${family}`)
        await lab.must(guest, 'curl', '-sS', '-m', '30', '-o', got, `http://${url}/`)
        assert.equal(hashOf(await readFile(got)), hashOf(body))
        assert.equal(await lab.must(guest, 'curl', '-sS', '-m', '30', '-T', file, `http://${url}/`), hashOf(body))
      })

      test(`ping, fragments, traceroute and DNS, over IPv${family}, from a guest ${where}`, async () => {
        assert.match(await lab.must(guest, ...ping(3, far)), / 0% packet loss/)
        // The other side first learns that its fragments do not fit into the overlay: no router fragments them again.
        await lab.must(guest, ...ping(3, '-s', '3000', far))
        assert.match(await lab.must(guest, ...ping(3, '-s', '3000', far)), / 0% packet loss/)
        for (const kind of [[], ['-I']]) {
          const out = await lab.must(guest, 'traceroute', `-${family}`, '-n', '-q', '1', '-w', '2', '-m', '6', ...kind, far)
          const hops = out
            .trim()
            .split('\n')
            .slice(1)
            .map((line) => line.trim().split(/\s+/)[1])
          assert.deepEqual(hops, [gateway, isp, far], out)
        }
        for (const kind of ['+notcp', '+tcp'])
          assert.equal((await lab.must(guest, 'dig', '+short', '+tries=1', kind, `@${far}`, 'a.example')).trim(), '192.0.2.99')
      })

      test(`UDP in fragments both ways, and path MTU, over IPv${family}, from a guest ${where}`, async () => {
        for (const way of [[], ['-R']]) {
          const out = await lab.must(guest, 'iperf3', '-c', far, '-u', '-l', '3000', '-b', '5M', '-t', '1', '-J', ...way)
          const { sum } = (JSON.parse(out) as { end: { sum: { packets: number; lost_packets: number } } }).end
          assert.ok(sum.packets > 100 && sum.lost_packets <= sum.packets / 20, JSON.stringify(sum))
        }
        await outside.must(outside.router, 'ip', 'link', 'set', 'lan', 'mtu', '1400')
        const told = await lab.run(guest, ...ping(1, '-M', 'do', '-s', '1392', far))
        assert.match(told.stdout, family === 4 ? /From 203.0.113.1 .*mtu = 1400/ : /From 2001:db8:7::1 .*too big: mtu=1400/)
        await outside.must(outside.router, 'ip', 'link', 'set', 'lan', 'mtu', '1500')
        await lab.must(guest, 'ip', `-${family}`, 'route', 'flush', 'cache')
      })
    }

  const logOfHost = (): Promise<string> => readFile(lab.host('h1').log, 'utf8')

  test('the log names each block, and a guest that has used most of its ports', async () => {
    const lines = [/nat_low: a guest has used most of its public ports.*10\.1\.0\.11/, /NAT block assigned.*10\.1\.0\.1[12]/]
    // Each line comes by itself: a block of IPv6 may be told after the ports of IPv4 are low.
    lines.push(/NAT block assigned.*fd01::1[12]/)
    for (const line of lines)
      for (const end = Date.now() + 20_000; !line.test(await logOfHost()); await sleep(100)) assert.ok(Date.now() < end, `no ${line}`)
  })

  /** Ends h1's vpcd as a crash does. */
  async function killDaemon(): Promise<void> {
    const mark = (await readState(lab.name))!.daemons['h1']!
    process.kill(mark.pid, 'SIGKILL')
    assert.deepEqual(await endProcesses([mark], 5000), [])
  }

  async function startAgain(): Promise<void> {
    const mark = await startDaemon(lab.host('h1'))
    const state = (await readState(lab.name))!
    await writeState({ ...state, daemons: { ...state.daemons, h1: mark } })
    await waitForDaemon(lab.host('h1'), mark)
  }

  const portsOf = async (): Promise<string[]> => {
    await using nat = await lab.vpc('h1').openNat(natId)
    return (await nat.listPorts()).map((port) => JSON.stringify([port.inside, port.insidePort, port.protocol, port.address, port.port]))
  }

  test('vpcd is killed and started under traffic: nothing is lost, and ports stay with their owners', async () => {
    const before = await portsOf()
    assert.ok(before.length > 0)
    const running = guests.flatMap(([guest]) => families.map(({ far }) => lab.run(guest, ...ping(100, far))))
    const slow = lab.must('a2', 'curl', '-sS', '-m', '40', '--limit-rate', '10M', `http://${beyond.v4}/`, '-o', join(directory, 'slow'))
    await killDaemon()
    await lab.must('a1', 'curl', '-sS', '-m', '30', '-o', '/dev/null', `http://${beyond.v4}/`)
    await startAgain()
    for (const { stdout } of await Promise.all(running)) assert.match(stdout, / 0% packet loss/)
    await slow
    assert.equal(hashOf(await readFile(join(directory, 'slow'))), hashOf(body))
    assert.ok(
      (await portsOf()).some((port) => before.includes(port)),
      'no port has stayed',
    )
  })

  test('after a reboot of the host of the wire, ports begin anew', async () => {
    await killDaemon()
    await lab.must('h1', 'sh', '-c', `rm -r ${lab.host('h1').bpffs}/*/`)
    await startAgain()
    assert.deepEqual(await portsOf(), [])
    for (const [guest] of guests)
      for (const { far, url } of families) {
        await lab.must(guest, ...ping(1, far))
        await lab.must(guest, 'curl', '-sS', '-m', '30', '-o', '/dev/null', `http://${url}/`)
      }
  })
})
