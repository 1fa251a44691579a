/** `vpc-cni`, by the CNI specification's protocol: containers on two hosts of a real cloud. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { isRunning } from '#system/process-mark.ts'
import { addressOf, container, ip, type Machine, pings, removeMachines, twoMachines, until } from './machines.ts'
import { vpcPath } from './run-vpc.ts'

const [plugin, hookProgram] = ['vpc-cni', 'vpc-oci-hook'].map((name) =>
  fileURLToPath(new URL(`../../bin/${name}.mjs`, import.meta.url)),
) as [string, string]

interface Answer {
  readonly code: number | null
  readonly body: any
}

/** What a runtime calls a container. */
interface Container {
  readonly id: string
  readonly netns: string
}
const named = (name: string): Container => ({ id: `0123abcd-${name}`, netns: `/var/run/netns/${container(name)}` })
const nameOf = ({ netns }: Container): string => netns.split('/').at(-1)!

let h1: Machine, h2: Machine
let web: Container, db: Container
before(() => {
  ;[h1, h2] = twoMachines()
  h1.ok('up --name=h1')
  const line = h1.ok('host create h2').trim().split('\n').at(-1)!
  h2.ok(line.replace(/^vpc /, ''))
  h2.ok('up')
  h1.ok('cloud group create app')
  h1.ok('cloud group set app --wait', '--rule', 'direction=in protocol=icmp', '--rule', 'direction=out protocol=any')
  h1.ok('cloud router create r1 --vpc=default', '--interface', 'subnet=default')
  ;[web, db] = [named('web'), named('db')]
})
const drivers: ChildProcess[] = []
after(() => {
  for (const driver of drivers) driver.kill()
  return removeMachines()
})

const configOf = (machine: Machine, more: object = {}): object => ({
  cniVersion: '1.1.0',
  name: 'red',
  type: 'vpc-cni',
  subnet: 'default/default',
  groups: ['app'],
  server: 'https://198.18.7.1:7473',
  tokenFile: join(h1.state, 'admin-token'),
  stateDir: join(machine.directory, 'cni'),
  agentStateDir: machine.agentDir,
  ...more,
})

/** Run the plugin on a machine, as a runtime does: in the host's namespaces, with the environment alone. */
function run(machine: Machine, env: Record<string, string>, input: string | object): Answer {
  const { status, stdout, stderr } = spawnSync('nsenter', [`--net=/run/netns/${machine.netns}`, plugin], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, VPC_SOCKET: join(machine.directory, 'run/vpcd.sock'), ...env },
    input: typeof input === 'string' ? input : JSON.stringify(input),
    timeout: 60_000,
  })
  if (stderr !== '') process.stderr.write(stderr)
  return { code: status, body: stdout === '' ? undefined : JSON.parse(stdout) }
}

const cni = (machine: Machine, command: string, { id, netns }: Container, more: object = {}): Answer =>
  run(machine, { CNI_COMMAND: command, CNI_CONTAINERID: id, CNI_NETNS: netns, CNI_IFNAME: 'eth0' }, configOf(machine, more))

/** It must succeed. Gives the result. */
function ok(...args: Parameters<typeof cni>): any {
  const { code, body } = cni(...args)
  assert.equal(code, 0, JSON.stringify(body))
  return body
}

/** It must fail with a code of the specification. Gives the message. */
function refused(expected: number, { code, body }: Answer): string {
  assert.deepEqual([code, body.code, typeof body.msg, typeof body.cniVersion], [1, expected, 'string', 'string'], JSON.stringify(body))
  return body.msg
}
const vnics = (): { id: string; labels: Record<string, string> }[] => JSON.parse(h1.ok('vnic list --json'))
const gc = (machine: Machine, valid: readonly Container[] | undefined, more: object = {}): Answer =>
  run(
    machine,
    { CNI_COMMAND: 'GC' },
    configOf(machine, {
      ...(valid && { 'cni.dev/valid-attachments': valid.map(({ id }) => ({ containerID: id, ifname: 'eth0' })) }),
      ...more,
    }),
  )

test('VERSION needs nothing, and what is wrong has the code of the specification', () => {
  const { code, body } = run(h1, { CNI_COMMAND: 'VERSION' }, { cniVersion: '1.0.0' })
  assert.deepEqual([code, body], [0, { cniVersion: '1.0.0', supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] }])
  assert.match(refused(4, run(h1, {}, '{}')), /CNI_COMMAND is not set/)
  assert.match(refused(4, run(h1, { CNI_COMMAND: 'MOVE' }, configOf(h1))), /one of ADD/)
  assert.match(refused(4, run(h1, { CNI_COMMAND: 'ADD' }, configOf(h1))), /CNI_CONTAINERID is not set/)
  assert.match(refused(4, cni(h1, 'ADD', { ...web, id: '../x' })), /CNI_CONTAINERID cannot be/)
  assert.match(refused(4, cni(h1, 'ADD', { ...web, netns: '' })), /CNI_NETNS is not set/)
  assert.match(refused(3, cni(h1, 'ADD', { ...web, netns: '/var/run/netns/no-such' })), /no network namespace/)
  assert.match(refused(4, cni(h1, 'ADD', { ...web, netns: `/run/netns/${h1.netns}` })), /the host's own/)
  assert.match(refused(6, run(h1, { CNI_COMMAND: 'ADD' }, '[')), /no network configuration/)
  assert.match(refused(1, cni(h1, 'ADD', web, { cniVersion: '0.2.0' })), /0\.2\.0.* is not one of/)
  assert.match(refused(1, cni(h1, 'CHECK', web, { cniVersion: '0.3.1' })), /0\.3\.1 has no CHECK; it came with 0\.4\.0/)
  for (const command of ['GC', 'STATUS']) assert.match(refused(1, cni(h1, command, web, { cniVersion: '1.0.0' })), /it came with 1\.1\.0/)
  assert.match(refused(7, cni(h1, 'ADD', web, { subnet: undefined })), /subnet is missing/)
  assert.match(refused(7, cni(h1, 'ADD', web, { ipam: { type: 'host-local' } })), /the cloud chooses the addresses/)
  assert.match(refused(7, cni(h1, 'ADD', web, { prevResult: { interfaces: [] } })), /first plugin/)
  assert.match(refused(100, cni(h1, 'ADD', web, { subnet: 'default/none' })), /cannot find subnet/)
  assert.match(refused(100, cni(h1, 'ADD', web, { groups: ['none'] })), /create vnic/)
  assert.match(refused(11, cni(h1, 'ADD', web, { server: 'https://198.18.7.1:7' })), /cannot be reached/)
  assert.deepEqual(vnics(), [])
})

let result: any

test('ADD gives an interface, twice the same; and containers of two hosts reach each other', () => {
  result = ok(h1, 'ADD', web)
  const { mac, addresses } = vnics()[0]! as unknown as { mac: string; addresses: string[] }
  const [four, six] = [addresses.find((each) => !each.includes(':'))!, addresses.find((each) => each.includes(':'))!]
  const gateways = result.routes.map((each: { gw: string }) => each.gw)
  assert.deepEqual([result.interfaces[0].mac, result.interfaces[0].sandbox, result.interfaces[0].name], [mac, web.netns, 'eth0'])
  assert.deepEqual(
    result.ips.map((each: { address: string; gateway: string; interface: number }) => [each.address, each.gateway, each.interface]),
    [
      [`${four}/24`, gateways[0], 0],
      [`${six}/64`, gateways[1], 0],
    ],
  )
  assert.deepEqual(
    result.routes.map((each: { dst: string }) => each.dst),
    ['0.0.0.0/0', '::/0'],
  )
  assert.deepEqual(result.dns, { nameservers: ['169.254.169.253'] })
  assert.deepEqual(ok(h1, 'ADD', web), result)
  assert.equal(addressOf(nameOf(web)), four)
  assert.match(ip('-n', nameOf(web), 'route', 'show', 'default'), new RegExp(`via ${gateways[0]} `))
  // The form of an older version.
  for (const cniVersion of ['0.4.0', '0.3.1']) {
    const old = ok(h2, 'ADD', db, { cniVersion })
    assert.deepEqual([old.cniVersion, old.ips[0].version, old.interfaces[0].mtu], [cniVersion, '4', undefined])
  }
  assert.ok(pings(nameOf(web), addressOf(nameOf(db))!))
})

test('a name server of the answer answers in the container', () => {
  const ask = `const {Resolver} = require('node:dns'); const r = new Resolver({timeout: 2000, tries: 3}); r.setServers(['${result.dns.nameservers[0]}'])
    r.reverse('${addressOf(nameOf(web))}', (error, names) => console.log(error?.code === undefined || error.code === 'ENOTFOUND' ? 'answered' : error.code))`
  const out = execFileSync('ip', ['netns', 'exec', nameOf(web), process.execPath, '-e', ask], { encoding: 'utf8', timeout: 30_000 })
  assert.equal(out.trim(), 'answered')
})

test('CHECK finds what differs', async () => {
  assert.equal(ok(h1, 'CHECK', web, { prevResult: result }), undefined)
  assert.match(refused(7, cni(h1, 'CHECK', web)), /needs prevResult/)
  const other = { ...result, ips: [{ address: '10.0.0.250/24', interface: 0 }] }
  assert.match(refused(103, cni(h1, 'CHECK', web, { prevResult: other })), /but not 10\.0\.0\.250/)
  assert.match(refused(103, cni(h1, 'CHECK', { ...web, id: 'other' }, { prevResult: result })), /has no vnic/)
  const netns = nameOf(web)
  ip('-n', netns, 'link', 'set', 'eth0', 'down')
  assert.match(refused(103, cni(h1, 'CHECK', web, { prevResult: result })), /eth0 is down/)
  ip('-n', netns, 'link', 'set', 'eth0', 'up')
  ok(h1, 'ADD', web)
})

test('a namespace may be that of a process', async () => {
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  try {
    await until('it is apart', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    const ofProcess = { id: 'of-process', netns: `/proc/${child.pid}/ns/net` }
    const prevResult = ok(h1, 'ADD', ofProcess)
    ok(h1, 'CHECK', ofProcess, { prevResult })
    ok(h1, 'DEL', ofProcess, { prevResult })
  } finally {
    child.kill('SIGKILL')
  }
})

test('a taken name is refused and leaves nothing', () => {
  const taken = named('taken')
  ip('-n', nameOf(taken), 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth9')
  const before = vnics().length
  assert.match(refused(100, cni(h1, 'ADD', taken)), /has an interface eth0 already/)
  assert.equal(vnics().length, before)
})

test('DEL removes, also what is gone; the same container may come again', () => {
  const first = result.interfaces[0].mac
  assert.equal(ok(h1, 'DEL', web, { prevResult: result }), undefined)
  assert.equal(addressOf(nameOf(web)), undefined)
  assert.equal(vnics().length, 1)
  assert.equal(ok(h1, 'DEL', web), undefined)
  result = ok(h1, 'ADD', web)
  assert.ok(pings(nameOf(web), addressOf(nameOf(db))!), first)
  ip('netns', 'del', nameOf(web))
  assert.equal(ok(h1, 'DEL', { ...web, netns: '' }), undefined)
  assert.equal(vnics().length, 1)
  ip('netns', 'add', nameOf(web))
})

test('GC removes what no attachment uses, of this network on this host', () => {
  ok(h1, 'ADD', web)
  const gone = named('gone')
  ok(h1, 'ADD', gone)
  const blue = named('blue')
  ok(h1, 'ADD', blue, { name: 'blue' })
  h1.ok('vnic create mine --subnet=default')
  assert.match(refused(7, gc(h1, undefined)), /valid-attachments/)
  assert.equal(gc(h1, [web]).code, 0)
  assert.deepEqual([addressOf(nameOf(gone)), vnics().length], [undefined, 4])
  assert.ok(pings(nameOf(web), addressOf(nameOf(db))!))
  assert.ok(addressOf(nameOf(blue)) !== undefined)
  assert.equal(gc(h1, [], { name: 'blue' }).code, 0)
  assert.equal(vnics().length, 3)
})

/** Run the OCI hook on h1, with what its file says besides. The container is a process. */
function hook(stage: string, state: object, more: object = {}): { readonly code: number | null; readonly err: string } {
  const { server, tokenFile, stateDir, agentStateDir } = configOf(h1) as Record<string, string>
  const config = join(h1.directory, 'containers.json')
  writeFileSync(
    config,
    JSON.stringify({ server, tokenFile, stateDir, agentStateDir, socket: join(h1.directory, 'run/vpcd.sock'), ...more }),
  )
  const words = [`--net=/run/netns/${h1.netns}`, hookProgram, stage, `--config=${config}`]
  const { status, stderr } = spawnSync('nsenter', words, { encoding: 'utf8', input: JSON.stringify(state), timeout: 60_000 })
  return { code: status, err: stderr.replace(/^vpc: .*\n/gm, '') }
}

test('the OCI hook: annotations name what the file of the host allows, and nothing else', () => {
  h1.ok('switch create green --vni=7001')
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  const before = vnics().length
  try {
    const state = (annotations: object): object => ({ id: 'box', pid: child.pid, annotations })
    const [cloudy, local] = [state({ 'vpc.subnet': 'default/default', 'vpc.groups': 'app' }), state({ 'vpc.switch': 'green' })]
    const refused = (given: object, allow: unknown, words: RegExp, code = 1): void => {
      const ran = hook('createRuntime', given, { allow })
      assert.deepEqual([ran.code, words.test(ran.err)], [code, true], ran.err)
    }
    refused(cloudy, {}, /^vpc-oci-hook: annotations may not name subnet default\/default on this host; \S+ says which subnets they may/)
    refused(cloudy, { subnets: ['default/none'], vpcs: ['none'], accounts: ['none'] }, /may not name subnet/)
    refused(cloudy, { accounts: ['default'], groups: ['web'] }, /may not name group app/)
    refused(local, { switches: ['red'] }, /may not name switch green on this host/)
    refused(local, { switch: ['green'] }, /allow has no switch; it has switches, accounts/)
    refused(local, { switches: 'green' }, /switches of allow is a list of names/)
    refused(local, ['green'], /allow is a map with/)
    assert.equal(vnics().length, before)
    const allow = [{ subnets: ['default/default'] }, { vpcs: ['default'], groups: ['app'] }, { accounts: ['default'] }]
    for (const each of allow) assert.deepEqual(hook('createRuntime', cloudy, { allow: each }), { code: 0, err: '' })
    assert.equal(vnics().length, before + 1)
    // What it has is taken away whatever the file says now.
    assert.deepEqual(hook('poststop', cloudy, { allow: {} }), { code: 0, err: '' })
    assert.equal(vnics().length, before)
    // vpc attach refuses such an address as a slip, but containers have run with one.
    const odd = state({ 'vpc.switch': 'green', 'vpc.address': '10.7.0.255/24' })
    for (const each of [local, odd]) {
      assert.deepEqual(hook('createRuntime', each, { allow: { switches: ['green'] } }), { code: 0, err: '' })
      assert.deepEqual(hook('poststop', each), { code: 0, err: '' })
    }
    refused(state({ 'vpc.switch': 'green', 'vpc.address': '240.0.0.1/24' }), { switches: ['green'] }, /240\.0\.0\.1 is not an address that/)
    refused(
      state({ 'vpc.switch': 'green', 'vpc.address': '10.7.0.1' }),
      { switches: ['green'] },
      /annotation vpc.address: .*no prefix length/,
    )
  } finally {
    child.kill('SIGKILL')
    h1.ok('switch destroy green')
  }
})

/** Call the driver of docker by its socket. Gives the answer. */
async function docker(socketPath: string, method: string, body: object): Promise<any> {
  const call = request({ socketPath, path: `/${method}`, method: 'POST', agent: false }).end(JSON.stringify(body))
  const [response] = (await once(call, 'response')) as [IncomingMessage]
  const answer = await json(response)
  assert.equal(response.statusCode, 200, JSON.stringify(answer))
  return answer
}

/** A driver with an endpoint in the subnet. Gives what removes the endpoint. */
async function dockerEndpoint(): Promise<{ readonly remove: () => Promise<unknown> }> {
  const { server, tokenFile } = configOf(h1) as Record<string, string>
  const socket = join(h1.directory, 'docker.sock')
  const words = [`--listen=${socket}`, `--state-dir=${join(h1.directory, 'docker')}`, `--agent-state-dir=${h1.agentDir}`]
  const argv = [`--net=/run/netns/${h1.netns}`, vpcPath, 'docker-driver', ...words, `--server=${server}`, `--token-file=${tokenFile}`]
  const env = { ...process.env, VPC_SOCKET: join(h1.directory, 'run/vpcd.sock') }
  const driver = spawn('nsenter', argv, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  drivers.push(driver)
  await until('docker finds the driver', () => existsSync(socket))
  const { PoolID: pool } = await docker(socket, 'IpamDriver.RequestPool', { Options: { 'vpc.subnet': 'default/default' } })
  const ids = { NetworkID: 'a'.repeat(64), EndpointID: 'b'.repeat(64) }
  await docker(socket, 'NetworkDriver.CreateNetwork', { ...ids, IPv4Data: [{ AddressSpace: 'vpc' }] })
  const MacAddress = '02:42:ac:11:00:09'
  const Options = { 'com.docker.network.endpoint.macaddress': MacAddress }
  const { Address } = await docker(socket, 'IpamDriver.RequestAddress', { PoolID: pool, Options })
  await docker(socket, 'NetworkDriver.CreateEndpoint', { ...ids, Interface: { MacAddress, Address } })
  return { remove: () => docker(socket, 'NetworkDriver.DeleteEndpoint', ids) }
}

test('without the API a DEL takes the interface back and notes the rest, which is removed when it is back', async () => {
  const prevResult = ok(h1, 'ADD', web)
  const box = { id: 'box', annotations: { 'vpc.subnet': 'default/default' } }
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  assert.deepEqual(hook('createRuntime', { ...box, pid: child.pid }), { code: 0, err: '' })
  child.kill('SIGKILL')
  const endpoint = await dockerEndpoint()
  const all = vnics().length
  assert.equal(run(h1, { CNI_COMMAND: 'STATUS' }, configOf(h1)).code, 0)
  process.kill(h1.processes().api!.pid, 'SIGKILL')
  await until('the API has ended', () => !isRunning(h1.processes().api!))
  assert.match(refused(50, run(h1, { CNI_COMMAND: 'STATUS' }, configOf(h1))), /cannot be reached/)
  assert.equal(ok(h1, 'DEL', web, { prevResult }), undefined)
  assert.equal(addressOf(nameOf(web)), undefined)
  const notes = join(h1.directory, 'cni/unfinished/red')
  const attached = join(h1.directory, 'cni/attached/red')
  assert.equal(readdirSync(notes).length, 1)
  assert.ok(readdirSync(attached).includes(readdirSync(notes)[0]!))
  refused(11, gc(h1, []))
  assert.equal(hook('poststop', box).code, 0)
  const finishes = (): ReturnType<typeof hook> => hook('finish', {})
  assert.match(finishes().err, /2 vnics of containers that are gone are left: /)
  await endpoint.remove()
  h1.ok('up --name=h1')
  assert.equal(gc(h1, []).code, 0)
  assert.deepEqual([readdirSync(notes), readdirSync(attached)], [[], []])
  assert.deepEqual(finishes(), { code: 0, err: '' })
  await until('the driver has removed what docker had', () => vnics().length === all - 3)
  assert.match(refused(50, run(h1, { CNI_COMMAND: 'STATUS' }, configOf(h1, { agentStateDir: h1.vmDir }))), /not a host of a cloud/)
})
