/** `vpc host create`, `vpc join` and the identity of a host, as people use them: a real API and a machine. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createPrivateKey } from 'node:crypto'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { joinCloud } from '#agent/join.ts'
import { parseJoinToken } from '#feed/join.ts'
import { readIdentity, writeIdentity } from '#agent/identity-file.ts'
import { keepIdentity } from '#agent/identity.ts'
import { runVpc, vpcPath } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-join-'))
const env = { XDG_CONFIG_HOME: join(directory, 'config'), VPC_API: '', VPC_TOKEN: '' }
interface Started {
  readonly child: ChildProcess
  readonly url: string
  readonly agents: number
}
let api: Started

async function start(state: string, ...args: string[]): Promise<Started> {
  const line = ['api', '--state-dir', join(directory, state), '--port', '0', '--agent-listen', '127.0.0.1:0', '--json', ...args]
  const child = spawn(vpcPath, line, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const text of createInterface(child.stdout!)) return { child, ...(JSON.parse(text) as { url: string; agents: number }) }
  throw new Error('the API ended')
}

async function stop({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

const vpc = (line: string) => runVpc(line.split(' '), { env })
function ok(line: string): string {
  const { code, stdout, stderr } = vpc(line)
  assert.equal(code, 0, `${line}: ${stderr}`)
  return stdout
}
function refused(line: string, code = 1): string {
  const ran = vpc(line)
  assert.equal(ran.code, code, `${line}: ${ran.stdout}${ran.stderr}`)
  return ran.stderr
}
/** The state directory of a machine. */
const machine = (name: string): string => join(directory, name)
const leftOf = (name: string): string[] => (existsSync(machine(name)) ? readdirSync(machine(name)) : [])

before(async () => {
  api = await start('state')
  ok(`login --server=${api.url} --token-file=${join(directory, 'state', 'admin-token')}`)
  ok('region create north')
  ok('facility create f1 --region=north')
})
after(async () => {
  await stop(api)
  rmSync(directory, { recursive: true })
})

/** What `vpc join` does, without a process. */
const joinAs = (text: string, stateDir: string, port: number, now = Date.now()) =>
  joinCloud({ token: parseJoinToken(text)!, text, stateDir, underlay: undefined, version: '0', server: { host: '127.0.0.1', port }, now })

/** The command that people are told to type. */
const commandIn = (text: string): string => /^vpc (join vpcjoin1\.\S+ --server=\S+)$/m.exec(text)![1]!

test('a machine joins by what vpc host create prints, and again by a new token', () => {
  const created = ok('host create h1 --facility=f1')
  const command = commandIn(created)
  assert.match(created, /takes agents of its own machine alone.*--agent-listen/)
  assert.match(command, new RegExp(`--server=127\\.0\\.0\\.1:${api.agents}$`))
  const joined = ok(`${command} --state-dir=${machine('m1')} --underlay=192.0.2.1`)
  assert.match(joined, /this machine is host h1 now\nother hosts reach it at 192\.0\.2\.1.*\nstart its vpcd and agent: vpc up/)
  assert.deepEqual(leftOf('m1'), ['identity.json'])
  assert.equal(statSync(join(machine('m1'), 'identity.json')).mode & 0o777, 0o600)
  assert.match(ok('host get h1'), /underlay +\{"address":"192\.0\.2\.1","port":4789\}/)
  assert.match(ok(`${command} --state-dir=${machine('m1')}`), /unchanged: this machine is host h1 already/)
  const first = readIdentity(machine('m1'))!
  ok(`${commandIn(ok('host token h1'))} --state-dir=${machine('m1')}`)
  const second = readIdentity(machine('m1'))!
  assert.equal(second.host, first.host)
  assert.notEqual(second.key, first.key)
  // Root joins for the user of the agent, who owns the directory.
  mkdirSync(machine('m5'))
  chownSync(machine('m5'), 65534, 65534)
  ok(`${commandIn(ok('host token h1'))} --state-dir=${machine('m5')}`)
  const { uid, gid, mode } = statSync(join(machine('m5'), 'identity.json'))
  assert.deepEqual([uid, gid, mode & 0o777], [65534, 65534, 0o600])
  // The other half of a repeated create: it is there, and no new token is made.
  assert.doesNotMatch(ok('host create h1 --facility=f1 --underlay=address=192.0.2.1'), /vpcjoin1/)
})

test('what goes wrong is named, and nothing is left', async () => {
  const command = commandIn(ok('host create h2 --facility=f1'))
  const [, token] = command.split(' ') as [string, string]
  const at = (name: string, port: number, given = token): string => `join ${given} --server=127.0.0.1:${port} --state-dir=${machine(name)}`
  assert.match(refused(at('m2', api.agents, 'vpcjoin1.x'), 2), /not a join token.*vpc host create prints it/s)
  assert.match(refused(at('m2', 1)), /cannot reach the API at 127\.0\.0\.1 port 1: ECONNREFUSED/)
  const tries: readonly [what: string, port: number, given: string, dir: string, said: RegExp][] = [
    ['the port for users', Number(new URL(api.url).port), token, machine('m2'), /does not speak TLS 1\.3.*port for agents/],
    ['another pin', api.agents, `${token.slice(0, -43)}${'A'.repeat(43)}`, machine('m2'), /not of the cloud.*Nothing was sent/],
    ['another id', api.agents, `vpcjoin1.${'0'.repeat(16)}.${token.slice(26)}`, machine('m2'), /no such join token.*vpc host token NAME/],
    ['a file in the place of the directory', api.agents, token, join(directory, 'file'), /cannot keep anything in/],
  ]
  assert.match(refused(`${command} --underlay=nowhere0`, 2), /'nowhere0' is neither an address nor an interface/)
  writeFileSync(join(directory, 'file'), '')
  for (const [what, port, given, stateDir, said] of tries) await assert.rejects(joinAs(given, stateDir, port), said, what)
  assert.deepEqual(leftOf('m2'), [])
  assert.match(refused(`agent run --state-dir=${machine('m2')}`), /has not joined a cloud.*vpc join TOKEN/s)
  // The token is as good as before: with a clock that is right.
  await assert.rejects(joinAs(token, machine('m2'), api.agents, 0), /the clock of this machine says 1970.*set the clock/)
  assert.equal((await joinAs(token, machine('m2'), api.agents)).identity.name, 'h2')
  assert.match(refused(at('m3', api.agents)), /another machine has used this join token already, so the host is now disabled/)
  assert.match(ok('host get h2'), /disabled +true/)
  assert.deepEqual(leftOf('m3'), [])
})

test('an answer that is lost does no harm: the same command goes on with the same key', async () => {
  const command = commandIn(ok('host create h3 --facility=f1'))
  const [, token] = command.split(' ') as [string, string]
  // Lets the request through, and then hides the answer.
  let connections = 0
  const proxy = createServer((socket) => {
    const isSecond = ++connections === 2
    const to = connect(api.agents, '127.0.0.1')
    socket.on('close', () => to.destroy())
    let answered = 0
    socket.pipe(to)
    to.on('data', (data) => {
      answered += data.length
      // The handshake has about 1 500 bytes; the answer comes after it.
      if (!isSecond || answered < 2_000) return void socket.write(data)
      socket.destroy()
    })
    for (const each of [socket, to]) each.on('error', () => {})
    to.on('close', () => socket.destroy())
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = proxy.address() as { port: number }
    await assert.rejects(joinAs(token, machine('m4'), port), /repeat the command/)
    assert.deepEqual(leftOf('m4'), ['joining.json'])
    ok(`${command} --state-dir=${machine('m4')}`)
    assert.deepEqual(leftOf('m4'), ['identity.json'])
    assert.match(ok('host get h3'), /disabled +false/)
  } finally {
    proxy.close()
  }
})

test('a full disk is named, and the same command works when there is room', async () => {
  const [, token] = commandIn(ok('host create h4 --facility=f1')).split(' ') as [string, string]
  const dir = machine('m6')
  mkdirSync(dir)
  // One page: enough for the key, and not for the rest.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', dir])
  try {
    await assert.rejects(joinAs(token, dir, api.agents), /cannot write into .*ENOSPC.*repeat the command/)
    assert.deepEqual(leftOf('m6'), ['joining.json'])
    execFileSync('mount', ['-o', 'remount,size=1m', dir])
    assert.equal((await joinAs(token, dir, api.agents)).identity.name, 'h4')
    assert.deepEqual(leftOf('m6'), ['identity.json'])
  } finally {
    execFileSync('umount', [dir])
  }
  const busy = vpc(`api --state-dir=${join(directory, 'third')} --port=0 --agent-listen=127.0.0.1:${api.agents}`)
  assert.match(`${busy.code} ${busy.stderr}`, /^1 [^]*cannot listen for agents on 127\.0\.0\.1 port \d+: .*EADDRINUSE.*--agent-listen/)
  mkdirSync(join(directory, 'fourth'))
  writeFileSync(join(directory, 'fourth', 'ca'), '')
  const noCa = vpc(`api --state-dir=${join(directory, 'fourth')} --port=0 --agent-listen=127.0.0.1:0`)
  assert.match(`${noCa.code} ${noCa.stderr}`, /^1 [^]*cannot keep the CA in .*fourth\/ca: [a-z]/)
})

test('the certificate is renewed at half of its life; while the API is away the old one stays', { timeout: 30_000 }, async () => {
  const dir = machine('m5')
  /** What the agent's log has said, with a clock that is ahead, when it has said something or looked three times. */
  const heard = async (aheadMs: number): Promise<string[]> => {
    const stop = new AbortController()
    const lines: string[] = []
    const note = (text: string): void => {
      lines.push(text)
      stop.abort()
    }
    let looks = 0
    const now = (): number => {
      if (++looks === 3) stop.abort()
      return Date.now() + aheadMs
    }
    await keepIdentity({ stateDir: dir, log: { debug: note, info: note, warn: note, error: note }, everyMs: 10, now }, stop.signal)
    return lines
  }
  const day = 86_400_000
  const first = readIdentity(dir)!
  assert.deepEqual(await heard(3.4 * day), [])
  assert.deepEqual(readIdentity(dir), first)
  assert.deepEqual(await heard(3.6 * day), ['the certificate is renewed'])
  const second = readIdentity(dir)!
  assert.notEqual(second.certificate, first.certificate)
  assert.deepEqual({ ...second, certificate: '' }, { ...first, certificate: '' })
  writeIdentity(dir, { ...second, server: 'https://127.0.0.1:1' })
  assert.deepEqual(await heard(4 * day), ['cannot renew the certificate'])
  assert.equal(readIdentity(dir)!.certificate, second.certificate)
  chmodSync(join(dir, 'identity.json'), 0o644)
  assert.throws(() => readIdentity(dir), /others can read .*identity\.json/)
})

test('an API with another CA does not open the store; its own state directory opens it again', async () => {
  await stop(api)
  const store = `sqlite:${join(directory, 'state', 'control.db')}`
  const ran = vpc(`api --state-dir=${join(directory, 'elsewhere')} --store=${store} --port=0 --agent-listen=127.0.0.1:0`)
  assert.equal(ran.code, 1)
  assert.match(ran.stderr, /hosts of this cloud know another CA.*copy ca\.key/s)
  api = await start('state')
})

/** The issuer that an API has started. */
function issuerOf({ child }: Started): number {
  const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ')
  assert.match(readFileSync(`/proc/${pid}/cmdline`, 'utf8'), /issuer/)
  return Number(pid)
}

/** Is this in the memory of a process? */
function remembers(pid: number, secret: Buffer): boolean {
  const memory = openSync(`/proc/${pid}/mem`, 'r')
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'utf8').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? []
      const [start, end] = [from, to].map((text) => Number.parseInt(text ?? '0', 16)) as [number, number]
      // Large areas are reserved, and mostly not there.
      for (let at = start; at < end; at += 1 << 20) {
        const part = Buffer.alloc(Math.min((1 << 20) + secret.length, end - at))
        try {
          if (part.subarray(0, readSync(memory, part, 0, part.length, at)).includes(secret)) return true
        } catch {
          break
        }
        if (at - start > 256 << 20) break
      }
    }
    return false
  } finally {
    closeSync(memory)
  }
}

test('the API does not have the key of the CA: its issuer has; each may be killed, and the issuer never outlives the API', async () => {
  const own = await start('walled')
  const pid = issuerOf(own)
  const scalar = Buffer.from(
    (createPrivateKey(readFileSync(join(directory, 'walled', 'ca', 'ca.key'))).export({ format: 'jwk' }) as { d: string }).d,
    'base64url',
  )
  assert.deepEqual([remembers(pid, scalar), remembers(own.child.pid!, scalar)], [true, false])
  process.kill(pid, 'SIGKILL')
  await until(() => !isAlive(pid))
  const token = readFileSync(join(directory, 'walled', 'admin-token'), 'utf8').trim()
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const post = async (path: string, body: object): Promise<any> =>
    (await fetch(`${own.url}/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })).json()
  await post('regions', { name: 'north' })
  await post('facilities', { name: 'f1', region: 'north' })
  const { id } = await post('hosts', { name: 'h1', facility: 'f1' })
  // Another is started when it is needed.
  await joinAs((await post(`hosts/${id}/token`, {})).token, machine('walled-host'), own.agents)
  assert.deepEqual(leftOf('walled-host'), ['identity.json'])
  const next = issuerOf(own)
  assert.notEqual(next, pid)
  own.child.kill('SIGKILL')
  await until(() => !isAlive(next))
})

test('an issuer of its own signs for an API that has no CA, is asked on a socket of one user, and is there once', async () => {
  const [socket, state] = [join(directory, 'issuer.sock'), join(directory, 'apart')]
  mkdirSync(state)
  const words = [
    'issuer',
    '--state-dir',
    state,
    '--store',
    `sqlite:${join(directory, 'plain', 'control.db')}`,
    '--listen',
    socket,
    '--user',
    '65534',
    '--json',
  ]
  const issuer = spawn(vpcPath, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface(issuer.stdout!), 'line')
  const { mode, uid } = statSync(socket)
  assert.deepEqual([mode & 0o777, uid], [0o600, 65_534])
  assert.match(refused(words.join(' ')), /another issuer listens on/)
  const own = await start('plain', '--issuer', socket)
  assert.equal(existsSync(join(directory, 'plain', 'ca')), false)
  assert.match(readFileSync(join(state, 'ca', 'issued.jsonl'), 'utf8'), /"server":"api\.vpc\.internal"/)
  await stop(own)
  const ended = once(issuer, 'exit')
  issuer.kill('SIGTERM')
  await ended
  const { status, error } = await startRefused('plain', '--issuer', socket)
  assert.equal(status, 1)
  assert.match(error, /the issuer does not answer/)
})

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

async function until(isSo: () => boolean): Promise<void> {
  for (const limit = performance.now() + 20_000; !isSo(); await sleep(20)) assert.ok(performance.now() < limit, 'not within 20 s')
}

async function startRefused(state: string, ...args: string[]): Promise<{ status: number | null; error: string }> {
  const { code, stderr } = runVpc(['api', '--state-dir', join(directory, state), '--port', '0', '--agent-listen', '127.0.0.1:0', ...args], {
    env,
  })
  return { status: code, error: stderr }
}
