/**
 * A cloud in a handful of commands: `vpc up`, `vpc host create`, `vpc join`, `vpc vnic attach` on two hosts with real
 * daemons; and what happens when containers and daemons end.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { vpcPath } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-up-'))
const tag = `vu${process.pid}`
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })

interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A machine of its own: a network namespace, and directories. */
class Machine {
  readonly name: string
  readonly netns: string
  readonly directory: string
  constructor(name: string) {
    this.name = name
    this.netns = `${tag}-${name}`
    this.directory = join(directory, name)
    mkdirSync(this.directory)
    ip('netns', 'add', this.netns)
    ip('-n', this.netns, 'link', 'set', 'lo', 'up')
  }
  get bpffs(): string {
    return `/sys/fs/bpf/${this.netns}`
  }
  get state(): string {
    return join(this.directory, 's')
  }
  get agentDir(): string {
    return join(this.directory, 'a')
  }
  run(line: string): Ran {
    const words = line.split(' ')
    const own = [
      ...(['up', 'down'].includes(words[0]!) ? [`--state-dir=${this.state}`, `--bpffs=${this.bpffs}`] : []),
      ...(/^(up|down|join|login|agent|vnic attach)( |$)/.test(line)
        ? [`--${words[0] === 'join' || words[0] === 'agent' ? '' : 'agent-'}state-dir=${this.agentDir}`]
        : []),
    ]
    const env = {
      ...process.env,
      VPC_SOCKET: join(this.directory, 'run/vpcd.sock'),
      XDG_CONFIG_HOME: join(this.directory, 'config'),
      VPC_API: '',
      VPC_TOKEN: '',
    }
    const { status, stdout, stderr } = spawnSync('nsenter', [`--net=/run/netns/${this.netns}`, vpcPath, ...words, ...own], {
      encoding: 'utf8',
      env,
    })
    return { code: status, out: stdout, err: stderr }
  }
  ok(line: string): string {
    const { code, out, err } = this.run(line)
    assert.equal(code, 0, `${this.name}: ${line}: ${out}${err}`)
    return out
  }
  processes(): Record<string, ProcessMark> {
    return (JSON.parse(readFileSync(join(this.state, 'up.json'), 'utf8')) as { processes: Record<string, ProcessMark> }).processes
  }
  devices(): string[] {
    return (JSON.parse(ip('-n', this.netns, '-j', 'link')) as { ifname: string }[]).map(({ ifname }) => ifname).sort()
  }
}

const machines: Machine[] = []
const containers: string[] = []
const container = (name: string): string => {
  const netns = `${tag}-${name}`
  ip('netns', 'add', netns)
  containers.push(netns)
  return netns
}
const addressOf = (netns: string): string | undefined => {
  const found = spawnSync('ip', ['-n', netns, '-j', '-4', 'addr', 'show', 'eth0'], { encoding: 'utf8' }).stdout
  return found === '' ? undefined : (JSON.parse(found) as { addr_info: { local: string }[] }[])[0]?.addr_info[0]?.local
}
const pings = (netns: string, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '1', '-W', '1', address]).status === 0
async function until(what: string, look: () => boolean): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(100)) if (look()) return
  assert.fail(`waited in vain until ${what}`)
}

let h1: Machine, h2: Machine
before(() => {
  chmodSync(directory, 0o755) // The agent is another user.
  machines.push((h1 = new Machine('h1')), (h2 = new Machine('h2')))
  ip('link', 'add', 'u1', 'netns', h1.netns, 'type', 'veth', 'peer', 'name', 'u2', 'netns', h2.netns)
  for (const [i, { netns }] of machines.entries()) {
    ip('-n', netns, 'addr', 'add', `198.18.7.${i + 1}/24`, 'dev', `u${i + 1}`)
    ip('-n', netns, 'link', 'set', `u${i + 1}`, 'up')
    ip('-n', netns, 'route', 'add', 'default', 'via', `198.18.7.${2 - i}`)
  }
})
after(() => {
  for (const machine of machines) machine.run('down --purge')
  for (const netns of [...containers, ...machines.map(({ netns }) => netns)]) spawnSync('ip', ['netns', 'del', netns])
  rmSync(directory, { recursive: true, force: true })
})

let web: string, db: string

test('two machines: up, host create, join, up, attach; and the containers reach each other', () => {
  assert.match(h1.ok('up --name=h1'), /^started vpcd, api, agent;[^]*vpc vnic attach/)
  assert.match(h1.ok('up --name=h1'), /^already so: everything runs/)
  const line = h1.ok('host create h2').trim().split('\n').at(-1)!
  h2.ok(line.replace(/^vpc /, ''))
  assert.match(h2.ok('up'), /^started vpcd, agent/)
  h2.ok(`login --server=https://198.18.7.1:7473 --token-file=${join(h1.state, 'admin-token')}`)
  web = container('web')
  db = container('db')
  assert.match(h1.ok(`vnic attach web1 --subnet=default --netns=${web}`), /^vnic web1 .* is eth0 in \S+: 10\.0\.0\.\d+\/24 fd/)
  assert.match(h1.ok(`vnic attach web1 --netns=${web}`), /^already so/)
  assert.match(h1.ok('vnic create spare --subnet=default'), /^created vnic spare/)
  assert.match(h1.ok('cloud group create app'), /^created group app/)
  h1.ok('account create other --org=default')
  h1.ok('cloud subnet create second --vpc=default --network4=10.1.0.0/24')
  assert.match(h1.run(`vnic attach web1 --subnet=second --netns=${web}`).err, /vnic web1 exists in another subnet than second/)
  assert.match(h1.ok('hostif list'), new RegExp(` ${web} +hostif0 `))
  assert.match(h1.run('cloud group create db').err, /--account is required: name the account of the group; there are default, other/)
  h2.ok(`vnic attach db1 --subnet=default --netns=${db}`)
  assert.ok(pings(web, addressOf(db)!))
})

test('the agent runs as a user of its own, who may hand nothing over', () => {
  const status = readFileSync(`/proc/${h1.processes().agent!.pid}/status`, 'utf8')
  assert.match(status, /^Uid:\s+1899990001/m)
  assert.match(readFileSync(join(h1.state, 'agent-policy.yaml'), 'utf8'), /rights: \[read, write, create\]$/m)
})

test('a container that starts anew has its interface again, and all daemons may be killed', async () => {
  const address = addressOf(web)
  ip('netns', 'del', web)
  ip('netns', 'add', web)
  await until('the interface is back', () => addressOf(web) === address)
  for (const { pid } of Object.values(h1.processes())) process.kill(pid, 'SIGKILL')
  await until('they have ended', () => !Object.values(h1.processes()).some(isRunning))
  assert.ok(pings(web, addressOf(db)!), 'packets flow without any daemon')
  assert.match(h1.ok('up --name=h1'), /^started vpcd, api, agent/)
  await until('packets flow', () => pings(web, addressOf(db)!))
  assert.match(h1.ok(`vnic attach web1 --netns=${web}`), /^already so/)
})

test('what cannot be attached is refused with nothing left, and what is detached goes', () => {
  const no = h1.run('vnic attach new1 --subnet=default --netns=no-such-place')
  assert.match(no.err, /there is no network namespace no-such-place/)
  ip('-n', web, 'link', 'add', 'taken0', 'type', 'veth', 'peer', 'name', 'taken1')
  const taken = h1.run(`vnic attach new1 --subnet=default --netns=${web} --as=taken0`)
  assert.match(taken.err, /has an interface taken0 already/)
  assert.doesNotMatch(h1.ok('vnic list'), /new1/)
  h1.ok('vnic detach web1')
  assert.equal(addressOf(web), undefined)
  assert.match(h1.ok('vnic detach web1'), /^already so/)
})

test('a machine whose port is taken, and one that never was a host, say so', async () => {
  const h3 = new Machine('h3')
  machines.push(h3)
  assert.match(h3.run('vnic attach x --netns=y').err, /there is no network namespace y/)
  assert.match(h3.run(`vnic attach x --netns=${db}`).err, /this machine is no host of a cloud/)
  assert.match(h3.ok('down'), /^already so: nothing is up/)
  assert.match(h3.run('up --address=nosuch0').err, /is no address, and no interface/)
  // Another program has the port of the API: nothing is started.
  const holder = spawn('nsenter', [
    `--net=/run/netns/${h3.netns}`,
    process.execPath,
    '-e',
    "net.createServer().listen(7473, '127.0.0.1', () => console.log('listening'))",
  ])
  try {
    await once(holder.stdout, 'data')
    const refused = h3.run('up')
    assert.match(refused.err, /another program has port 7473 of 127\.0\.0\.1; stop it, or choose another port with --port/)
    assert.equal(existsSync(join(h3.state, 'up.json')), false)
  } finally {
    holder.kill()
  }
  // Without an address it is alone; when it has one, its own agent follows the API there.
  assert.match(h3.ok('up --name=h3'), /other machines cannot join/)
  h3.ok('down')
  ip('-n', h3.netns, 'link', 'add', 'u3', 'type', 'veth', 'peer', 'name', 'u3-wire')
  ip('-n', h3.netns, 'addr', 'add', '198.18.8.1/24', 'dev', 'u3')
  ip('-n', h3.netns, 'link', 'set', 'u3', 'up')
  ip('-n', h3.netns, 'link', 'set', 'u3-wire', 'up')
  assert.match(h3.ok('up --name=h3 --address=u3'), /the API is at https:\/\/198\.18\.8\.1:7473/)
  assert.match(h3.ok('host get h3 --json'), /"address": "198\.18\.8\.1"/)
})

test('down takes all away, restores the context, and up brings it back; purge leaves nothing', () => {
  const config = join(h2.directory, 'config/vpc/contexts.json')
  const before = readFileSync(config, 'utf8')
  assert.match(h2.ok('down'), /^stopped agent, vpcd/)
  assert.equal(readFileSync(config, 'utf8'), before)
  assert.deepEqual(h2.devices(), ['lo', 'u2'])
  assert.equal(existsSync(h2.bpffs), false)
  h2.ok('up')
  h2.ok(`vnic attach db1 --netns=${db}`)
  assert.ok(addressOf(db))
  writeFileSync(join(h1.state, 'mine'), '')
  assert.match(h1.ok('down --purge'), /removed their data/)
  assert.deepEqual(h1.devices(), ['lo', 'u1'])
  assert.match(h1.ok('context list'), /^ *NAME/)
  assert.equal(existsSync(join(h1.state, 'control.db')), false)
  assert.equal(existsSync(h1.agentDir), false)
  assert.equal(existsSync(join(h1.state, 'mine')), true)
})
