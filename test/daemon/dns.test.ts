/**
 * Guests ask the DNS service of their host, with dig and glibc: names of their own customer, reverse names, negative
 * answers, other servers, TCP, and messages that are none.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { until } from './echo-server.ts'
import { dnsAt, makeCustomer, type Customer, type Guest } from './service-host.ts'
import { TestHost } from './test-host.ts'

let clean: Snapshot
let host: TestHost
let red: Customer
let blue: Customer
let server: ChildProcess

/** An outside server in the host's namespace: it answers each question with what its name asks for. */
const outside = `
import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
const answer = (q, tcp) => {
  const end = 12 + q.subarray(12).indexOf(0) + 5
  const big = q.includes('big') && !tcp
  const head = Buffer.from(q.subarray(0, 12)); head.writeUInt16BE(big ? 0x8380 : 0x8180, 2); head.writeUInt16BE(big ? 0 : 1, 6); head.writeUInt32BE(0, 8)
  const record = Buffer.from('c00c000100010000003c0004c6336407', 'hex')
  return Buffer.concat([head, q.subarray(12, end), ...(big ? [] : [record])])
}
const udp = createSocket('udp4')
udp.on('message', (q, from) => {
  if (q.includes('silent')) return
  const good = answer(q, false)
  if (q.includes('forged')) {
    const id = Buffer.from(good); id[0] ^= 1; udp.send(id, from.port, from.address)
    const other = Buffer.from(good); other[13] ^= 1; udp.send(other, from.port, from.address)
    const forger = createSocket('udp4'); const fake = Buffer.from(good); fake[fake.length - 1] = 66
    forger.bind(5353, '192.0.2.1', () => forger.send(fake, from.port, from.address, () => { forger.close(); udp.send(good, from.port, from.address) }))
  } else udp.send(good, from.port, from.address)
})
udp.bind(53, '192.0.2.1', () => process.stdout.write('ready'))
createServer((socket) => socket.on('data', (data) => { const a = answer(data.subarray(2), true); const l = Buffer.alloc(2); l.writeUInt16BE(a.length); socket.end(Buffer.concat([l, a])) })).listen(53, '192.0.2.1')
`

before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  await host.start()
  const file = join(host.directory, 'outside.mjs')
  writeFileSync(file, outside)
  server = spawn('nsenter', [`--net=/run/netns/${host.netns}`, process.execPath, file], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(server.stdout!, 'data')
  red = await makeCustomer(host, { name: 'red', vni: 5001, routed: false, guests: ['web', 'db'] })
  blue = await makeCustomer(host, { name: 'blue', vni: 5002, routed: true, guests: ['web', 'mail'], more: { dnsForward: '192.0.2.1' } })
  for (const customer of [red, blue])
    await until(() => dig(customer.guests[0]!, 'web', customer === red ? 'red.example' : 'blue.example') !== '')
})
after(async () => {
  server.kill('SIGKILL')
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean, { graceMs: 6000 })
})

const dig = (guest: Guest, name: string, domain: string, ...more: string[]): string =>
  guest.try('dig', `@${dnsAt[0]}`, '+short', '+tries=1', '+time=3', `${name}.${domain}`, ...more).stdout.trim()
const full = (guest: Guest, ...more: string[]): string => guest.try('dig', `@${dnsAt[0]}`, '+tries=1', '+time=3', ...more).stdout

describe('a guest', () => {
  test('finds guests of its customer by name and by address, over UDP, TCP, IPv4 and IPv6', () => {
    for (const at of dnsAt)
      for (const way of ['+notcp', '+tcp']) {
        const [web] = red.guests
        const ask = (...question: string[]): string => web!.run('dig', `@${at}`, way, '+short', ...question).trim()
        assert.equal(ask('db.red.example', 'A'), '10.0.0.6')
        assert.equal(ask('DB.Red.Example', 'AAAA'), 'fd01::6')
        assert.equal(ask('-x', '10.0.0.6'), 'db.red.example.')
        assert.equal(ask('-x', 'fd01::5'), 'web.red.example.')
      }
  })

  test('sees names of its own customer alone, with the same addresses', () => {
    assert.equal(dig(red.guests[0]!, 'mail', 'blue.example'), '')
    assert.match(full(red.guests[0]!, 'mail.blue.example'), /status: REFUSED/)
    assert.equal(red.guests[0]!.run('dig', `@${dnsAt[0]}`, '+short', '-x', '10.0.0.6').trim(), 'db.red.example.')
    assert.equal(blue.guests[0]!.run('dig', `@${dnsAt[0]}`, '+short', '-x', '10.0.0.6').trim(), 'mail.blue.example.')
  })

  test('finds stations that are not on this host, by the names that their subnet has', async () => {
    const [web] = red.guests
    await using subnet = await host.vpc.openSubnet(red.subnet, { write: true })
    const ask = (...question: string[]): string => web!.run('dig', `@${dnsAt[0]}`, '+short', ...question).trim()
    await assert.rejects(subnet.setHosts('10.0.0.9 a_b'), /line 1: 'a_b' is no host name/)
    await subnet.setHosts('# elsewhere\n10.0.0.9 Far web\nfd01::9\tfar b.example')
    assert.equal(await subnet.hosts(), '10.0.0.9 far web\nfd01::9 far b.example')
    await until(() => ask('far.red.example') === '10.0.0.9')
    assert.equal(ask('far.red.example', 'AAAA'), 'fd01::9')
    assert.equal(ask('b.example', 'AAAA'), 'fd01::9')
    assert.deepEqual(ask('web.red.example').split('\n').sort(), ['10.0.0.5', '10.0.0.9'])
    assert.deepEqual(ask('-x', 'fd01::9').split('\n').sort(), ['b.example.', 'far.red.example.'])
    assert.equal(dig(blue.guests[0]!, 'far', 'red.example', '+norecurse'), '198.51.100.7', 'another customer asks others')
    await subnet.setHosts(null)
    await until(() => ask('far.red.example') === '')
    assert.equal(ask('web.red.example'), '10.0.0.5')
  })

  test('is told who is responsible when there is no such name, or none of this type', () => {
    const [web] = red.guests
    for (const [question, status] of [
      [['none.red.example'], 'NXDOMAIN'],
      [['web.red.example', 'MX'], 'NOERROR'],
      [['red.example', 'A'], 'NOERROR'],
      [['-x', '10.0.0.77'], 'NXDOMAIN'],
    ] as const) {
      const said = full(web!, ...question)
      assert.match(said, new RegExp(`status: ${status}`), question.join(' '))
      assert.match(said, /flags: qr aa.*ANSWER: 0, AUTHORITY: 1/s)
      assert.match(said, /\sSOA\s/)
    }
    assert.match(full(web!, 'web.red.example', 'CH'), /status: (REFUSED|NXDOMAIN|NOERROR)/)
    assert.match(full(web!, '+edns=1', '+noednsneg', 'web.red.example'), /status: BADVERS/)
    assert.match(full(web!, '+opcode=notify', 'web.red.example'), /status: NOTIMP/)
  })

  test('resolves with glibc', () => {
    const [web] = blue.guests
    const answer = web!.run(
      'unshare',
      '--mount',
      'sh',
      '-c',
      resolving('getent ahosts mail.blue.example; getent ahosts mail; getent hosts 10.0.0.6'),
    )
    assert.match(answer, /^fd01::6 +STREAM/m)
    assert.match(answer, /^10\.0\.0\.6 +STREAM/m)
    assert.match(answer, /^10\.0\.0\.6 +mail\.blue\.example$/m)
  })
})

/** With the service in resolv.conf. */
function resolving(command: string): string {
  const path = join(host.directory, 'resolv.conf')
  writeFileSync(path, `nameserver ${dnsAt[0]}\nsearch blue.example\n`)
  const nss = join(host.directory, 'nsswitch.conf')
  writeFileSync(nss, 'hosts: dns\n')
  return `mount --bind ${path} /etc/resolv.conf && mount --bind ${nss} /etc/nsswitch.conf && ${command}`
}

describe('other names', () => {
  test('come from the given servers, and from none without them', () => {
    assert.equal(dig(blue.guests[0]!, 'www', 'outside.example'), '198.51.100.7')
    assert.equal(dig(blue.guests[0]!, 'www', 'outside.example', '+tcp'), '198.51.100.7')
    assert.match(full(red.guests[0]!, 'www.outside.example'), /status: REFUSED/)
  })

  test('an answer from elsewhere, with another id or of another question does not count', () =>
    assert.equal(dig(blue.guests[0]!, 'forged', 'outside.example'), '198.51.100.7'))

  test('a cut answer is asked for again by TCP', () => assert.equal(dig(blue.guests[0]!, 'big', 'outside.example'), '198.51.100.7'))

  test('a silent server is a failure, not silence', () =>
    assert.match(full(blue.guests[0]!, '+time=6', 'silent.outside.example'), /status: SERVFAIL/))
})

const pidOf = (): number => (JSON.parse(readFileSync(join(host.runDir, 'dns.process'), 'utf8')) as { pid: number }).pid

test('a message from port 0 gets no answer, and ends nothing', () => {
  const [web] = red.guests
  const before = pidOf()
  for (const data of ['20', '0'])
    web!.try('hping3', '-q', '-2', '-s', '0', '-k', '-p', '53', '-d', data, '-c', '2', '-i', 'u1000', dnsAt[0])
  assert.equal(dig(web!, 'web', 'red.example'), '10.0.0.5')
  assert.equal(pidOf(), before)
})

/** Whether a process is there, and not dead already. */
function isThere(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('a killed process: guests fail fast, and it comes back', async () => {
  const [web] = red.guests
  const before = pidOf()
  process.kill(before, 'SIGKILL')
  // The kernel ends it by and by; until then it may still have the socket.
  await until(() => !isThere(before))
  const said = web!.try('dig', `@${dnsAt[0]}`, '+tries=1', '+time=5', 'web.red.example')
  assert.ok(/connection refused/.test(said.stdout + said.stderr) || said.status === 0, said.stdout + said.stderr)
  await until(() => dig(web!, 'web', 'red.example') === '10.0.0.5')
  assert.notEqual(pidOf(), before)
})
