/**
 * Guests ask the DNS service of their host, with dig and glibc: names of their own customer, reverse names, negative
 * answers, other servers, TCP, and messages that are none.
 */
import assert from 'node:assert/strict'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { answersQuestion, Malformed, readQuestion, refuseMalformed, relayed, writeAnswer, type Question } from '#services/dns-message.ts'
import { answerFrom, type Zone } from '#services/zone.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { messages, mutated, questions, walk } from './dns-messages.ts'
import { outside } from './outside-dns.ts'
import { until } from './echo-server.ts'
import { dnsAt, makeCustomer, type Customer, type Guest } from './service-host.ts'
import { TestHost } from './test-host.ts'

let clean: Snapshot
let host: TestHost
let red: Customer
let blue: Customer
let server: ChildProcess

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
    await assert.rejects(subnet.setHosts('10.0.0.9 a_b'), /line 1: 'a_b' is not a host name/)
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

describe('a name that the zone does not have', () => {
  /** What those hear who listen to a switch, until it is closed. */
  const listening = async (): Promise<{
    heard: { question: string; name?: string; target: string | null }[]
    end: () => Promise<void>
  }> => {
    const sw = await host.vpc.openSwitch(red.sw)
    const over = new AbortController()
    const heard: { question: string; name?: string; target: string | null }[] = []
    const done = (async () => {
      for await (const event of sw.listen(over.signal)) heard.push(event)
    })().catch(() => {})
    return { heard, end: async () => (over.abort(), await done, await sw.close()) }
  }
  const timed = (...words: string[]): { readonly said: string; readonly ms: number } => {
    const begun = performance.now()
    const said = full(red.guests[0]!, '+time=5', ...words)
    return { said, ms: performance.now() - begun }
  }
  const askAside = (...words: string[]): Promise<string> =>
    promisify(execFile)('ip', ['netns', 'exec', red.guests[0]!.netns, 'dig', `@${dnsAt[0]}`, '+tries=1', '+time=5', ...words]).then(
      ({ stdout }) => stdout,
    )

  /** Asks for 200 names at once, and prints how many of the answers are SERVFAIL. */
  const many = `
    const udp = require('dgram').createSocket('udp4')
    let [answers, failed] = [0, 0]
    udp.on('message', (answer) => { failed += (answer[3] & 15) === 2; if (++answers === 200) done() })
    const done = () => { console.log(failed); process.exit() }
    setTimeout(done, 20_000)
    const [head, rest] = ['000701000001000000000000', '03726564076578616d706c650000010001'].map((hex) => Buffer.from(hex, 'hex'))
    for (let i = 100; i < 300; i++) udp.send(Buffer.concat([head, Buffer.from('\\x04n' + i), rest]), 53, '${dnsAt[0]}')`

  test('is asked for once, and is answered when it comes; what does not come is not there', async () => {
    const { heard, end } = await listening()
    const [web] = red.guests
    // Those who listen are there when the first question is heard.
    await until(() => (full(web!, 'first.red.example'), heard.some(({ name }) => name === 'first.red.example')))
    await using subnet = await host.vpc.openSubnet(red.subnet, { write: true })
    const answer = Promise.all([askAside('+short', 'late.red.example'), askAside('+short', 'late.red.example')])
    await until(() => heard.some(({ name }) => name === 'late.red.example'))
    await subnet.setHosts('10.0.0.99 late')
    assert.deepEqual(await answer, ['10.0.0.99\n', '10.0.0.99\n'])
    assert.equal(heard.filter(({ name }) => name === 'late.red.example').length, 1)
    assert.match(await askAside('none.red.example'), /status: NXDOMAIN/)
    assert.match(await askAside('none.red.example'), /status: NXDOMAIN/)
    assert.equal(heard.filter(({ name }) => name === 'none.red.example').length, 1, 'it is known not to be there')
    assert.match(await askAside('-x', '10.0.0.98'), /status: NXDOMAIN/)
    assert.deepEqual(
      heard.filter(({ target }) => target === '10.0.0.98').map(({ question, name }) => [question, name]),
      [['name', undefined]],
    )
    // A guest that tries many names is refused, and another one is not.
    const { stdout } = await promisify(execFile)('ip', ['netns', 'exec', red.guests[1]!.netns, process.execPath, '-e', many])
    assert.ok(Number(stdout) >= 100, `${stdout} of 200 failed`)
    assert.match(await askAside('other.red.example'), /status: NXDOMAIN/)
    assert.ok(heard.some(({ name }) => name === 'other.red.example'))
    await subnet.setHosts(null)
    await end()
  })

  test('is not there at once when nobody listens', async () => {
    await until(() => timed(`gone${Math.random()}.red.example`).ms < 1_000)
    assert.match(timed('nobody.red.example').said, /status: NXDOMAIN/)
  })
})

describe('other names', () => {
  test('come from the given servers, and from none without them', () => {
    assert.equal(dig(blue.guests[0]!, 'www', 'outside.example'), '198.51.100.7')
    assert.equal(dig(blue.guests[0]!, 'www', 'outside.example', '+tcp'), '198.51.100.7')
    assert.match(full(red.guests[0]!, 'www.outside.example'), /status: REFUSED/)
  })

  test('an answer from elsewhere, with another id or of another question does not count', () =>
    assert.equal(dig(blue.guests[0]!, 'forged', 'outside.example'), '198.51.100.7'))

  test('mutated and cut answers of the right server do not count either', () =>
    assert.equal(dig(blue.guests[0]!, 'garbled', 'outside.example'), '198.51.100.7'))

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

/** Sends messages of a file by UDP, and by TCP in a connection each; prints answers, until a good question has one. */
const sender = `
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
const sent = readFileSync(process.argv[2], 'utf8').split('\\n').map((line) => Buffer.from(line, 'hex'))
const last = sent.at(-1)
const heard = []
const udp = createSocket('udp4')
udp.on('message', (answer) => heard.push(answer))
for (const [i, message] of sent.entries()) { udp.send(message, 53, '${dnsAt[0]}'); if (i % 25 === 24) await sleep(5) }
const byTcp = (message) => new Promise((done) => {
  const length = Buffer.alloc(2); length.writeUInt16BE(message.length)
  const socket = connect(53, '${dnsAt[0]}', () => socket.end(Buffer.concat([length, message])))
  let got = Buffer.alloc(0)
  socket.setTimeout(8000, () => socket.destroy())
  socket.on('data', (data) => (got = Buffer.concat([got, data])))
  socket.on('error', () => {})
  socket.on('close', () => { if (got.length > 2) heard.push(got.subarray(2)); done() })
})
for (let i = 0; i < 60; i += 10) await Promise.all(sent.slice(i, i + 10).map(byTcp))
const isLast = (answer) => answer.length > 12 && answer.readUInt16BE(0) === last.readUInt16BE(0) && answer[2] >= 128 && answer.readUInt16BE(6) > 0
for (let i = 0; i < 100 && !heard.some(isLast); i++) { udp.send(last, 53, '${dnsAt[0]}'); await sleep(50) }
udp.close()
process.stdout.write(heard.map((answer) => answer.toString('hex')).join('\\n'))
`

test('random and mutated messages end nothing, and no answer is to another question', () => {
  const [web] = blue.guests
  const before = pidOf()
  const good = Buffer.from('fffe01000001000000000000037765620' + '4626c7565076578616d706c650000010001', 'hex')
  const sent = [...fc.sample(messages, 400), good]
  const [file, list] = [join(host.directory, 'sender.mjs'), join(host.directory, 'messages')]
  writeFileSync(file, sender)
  writeFileSync(list, sent.map((message) => message.toString('hex')).join('\n'))
  const heard = web!.run('timeout', '60', process.execPath, file, list).split('\n')
  assert.ok(heard.length > 100, `${heard.length} answers`)
  for (const answer of heard.map((line) => Buffer.from(line, 'hex'))) {
    const isIts = (message: Buffer): boolean => {
      if (message.length < 12 || message.readUInt16BE(0) !== answer.readUInt16BE(0) || message[2]! >= 0x80) return false
      if (answer.readUInt16BE(4) === 0) return (answer[3]! & 15) === 1
      const end = 12 + answer.subarray(12).indexOf(0)
      return answer.subarray(12, end).equals(message.subarray(12, end))
    }
    assert.ok(answer[2]! >= 0x80 && sent.some(isIts), answer.toString('hex'))
  }
  assert.equal(pidOf(), before)
  assert.equal(dig(web!, 'mail', 'blue.example'), '10.0.0.6')
})

/** Whether a process has a thread that is not dead: until then it has its sockets. */
function isThere(pid: number): boolean {
  try {
    const tasks = `/proc/${pid}/task`
    return readdirSync(tasks).some((task) => !/^State:\s+[ZX]/m.test(readFileSync(join(tasks, task, 'status'), 'utf8')))
  } catch {
    return existsSync(`/proc/${pid}`)
  }
}

test('a killed process: guests fail fast, and it comes back', async () => {
  const [web] = red.guests
  const before = pidOf()
  process.kill(before, 'SIGKILL')
  await until(() => !isThere(before))
  const said = web!.try('dig', `@${dnsAt[0]}`, '+tries=2', '+time=5', 'web.red.example')
  assert.ok(/connection refused/.test(said.stdout + said.stderr) || said.status === 0, said.stdout + said.stderr)
  await until(() => dig(web!, 'web', 'red.example') === '10.0.0.5', 20_000)
  assert.notEqual(pidOf(), before)
})

/** A zone for the properties below. */
const zone: Zone = {
  domains: ['red.example', 'internal'],
  prefixes: ['10.0.0.0/24', 'fd01::/64'],
  names: {
    'web.red.example': ['10.0.0.5', 'fd01::5'],
    'many.red.example': Array.from({ length: 300 }, (_, i) => `10.0.${i >> 8}.${i & 255}`),
    'b.example': ['10.0.0.5'],
  },
}
const runs = { numRuns: 2000 }

function read(message: Buffer): Question | undefined {
  try {
    return readQuestion(message)
  } catch (error) {
    assert.ok(error instanceof Malformed, String(error))
    return undefined
  }
}

test('an answer is whole, fits, and is to the very question', () => {
  let [said, refused] = [0, 0]
  fc.assert(
    fc.property(messages, fc.boolean(), (message, tcp) => {
      const question = read(message)
      if (question === undefined) return
      const answer = writeAnswer(question, answerFrom(zone, question) ?? { code: 5, authoritative: false }, tcp)
      const parts = walk(answer)
      assert.ok(parts !== undefined, answer.toString('hex'))
      assert.deepEqual([parts.id, parts.isAnswer, parts.questions], [message.readUInt16BE(0), true, 1])
      const { length } = question.section
      assert.deepEqual(answer.subarray(12, 12 + length), message.subarray(12, 12 + length))
      assert.ok(answer.length <= (tcp ? 65_535 : question.edns === undefined ? 512 : 1232))
      if (parts.records > 0) said++
      else refused++
    }),
    runs,
  )
  assert.ok(said > 100 && refused > 100, `${said} with records, ${refused} without`)
})

test('what is not a question is an error with its id alone, or silence; an answer is never answered', () => {
  let [errors, silent] = [0, 0]
  fc.assert(
    fc.property(messages, (message) => {
      if (read(message) !== undefined) return void assert.equal(message[2]! & 0x80, 0)
      const answer = refuseMalformed(message)
      const isSilent = message.length < 12 || (message[2]! & 0x80) !== 0
      assert.equal(answer === undefined, isSilent)
      if (answer === undefined) return void silent++
      errors++
      assert.deepEqual(walk(answer), { id: message.readUInt16BE(0), isAnswer: true, questions: 0, records: 0 })
      assert.equal(answer[3]! & 15, 1)
    }),
    runs,
  )
  assert.ok(errors > 100 && silent > 100, `${errors} errors, ${silent} silent`)
})

test("a server's message counts only with the id and the question that were sent", () => {
  let [taken, refused] = [0, 0]
  const cases = questions.chain((message) => {
    const answer = Buffer.from(message)
    answer[2]! |= 0x80
    return fc.tuple(fc.constant(message), fc.oneof(fc.constant(answer), mutated(answer), messages))
  })
  fc.assert(
    fc.property(cases, fc.boolean(), ([message, reply], tcp) => {
      const question = readQuestion(message)
      const { id, section } = question
      const isIt =
        reply.length >= 12 + section.length &&
        reply.readUInt16BE(0) === id &&
        reply[2]! >= 0x80 &&
        reply.readUInt16BE(4) === 1 &&
        reply.toString('hex', 12, 12 + section.length) === section.toString('hex')
      assert.equal(answersQuestion(reply, id, section), isIt)
      if (!isIt) return void refused++
      taken++
      const told = relayed(reply, { ...question, id: 0xabcd }, tcp)
      assert.equal(told.readUInt16BE(0), 0xabcd)
      assert.ok(told.length <= (tcp ? 65_535 : 1232))
      assert.deepEqual(told.subarray(12, 12 + section.length), section)
    }),
    runs,
  )
  assert.ok(taken > 100 && refused > 100, `${taken} taken, ${refused} refused`)
})
