/** Guests ask the metadata service of their host, with curl: what they get, who gets whose, what happens without it. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { checkLog } from '../log-lines.ts'
import { boot } from './cloud-init.ts'
import { until } from './echo-server.ts'
import { makeCustomer, metadataAt, type Customer, type Guest } from './service-host.ts'
import { TestHost, type Daemon } from './test-host.ts'

const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBhK alice@example', 'ssh-rsa AAAAB3NzaC1yc2E= bob']
const script = '#!/bin/sh\necho "it is mine: ä" > /srv/done\n'

let clean: Snapshot
let host: TestHost
let daemon: Daemon
let red: Customer
let blue: Customer

before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  daemon = await host.start()
  red = await makeCustomer(host, { name: 'red', vni: 5001, routed: false, guests: ['web', 'db'] })
  blue = await makeCustomer(host, { name: 'blue', vni: 5002, routed: true, guests: ['web'] })
  await using port = await host.vpc.openPort(red.guests[0]!.port, { write: true })
  await port.setSshKeys(keys.join('\n'))
  await port.setUserData(script)
  await until(() => red.guests[0]!.try('curl', '-sf', `http://${metadataAt[0]}/latest/user-data`).status === 0)
})
after(async () => {
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean, { graceMs: 6000 })
})

const idOf = (port: string): string => `i-${port.replaceAll('-', '')}`
const code = (customer: Customer, path: string, ...options: string[]): string =>
  customer.guests[0]!.get(path, '-o', '/dev/null', '-w', '%{http_code}', ...options)

describe('a guest', () => {
  test('reads itself, as on EC2, over IPv4 and IPv6', () => {
    const [web] = red.guests
    for (const at of [metadataAt[0], `[${metadataAt[1]}]`]) {
      const get = (path: string): string => web!.get(`http://${at}/latest/${path}`)
      assert.equal(get('meta-data/instance-id'), idOf(web!.port))
      assert.equal(get('meta-data/local-hostname'), 'web.red.example')
      assert.equal(get('meta-data/local-ipv4'), '10.0.0.5')
      const mac = get('meta-data/mac')
      assert.equal(get(`meta-data/network/interfaces/macs/${mac}/ipv6s`), 'fd01::5')
      assert.equal(get(`meta-data/network/interfaces/macs/${mac}/subnet-ipv4-cidr-block`), '10.0.0.0/24')
      assert.match(web!.run('ip', 'link'), new RegExp(mac))
      assert.equal(get('meta-data/public-keys/'), '0=key0\n1=key1')
      assert.equal(get('meta-data/public-keys/1/openssh-key'), keys[1])
      assert.equal(get('user-data'), script)
      assert.match(get('meta-data/'), /^instance-id\nlocal-hostname\n.*network\/$/s)
    }
    assert.match(web!.get(''), /latest/)
    assert.deepEqual(JSON.parse(web!.get('nocloud/meta-data'))['public-keys'], keys)
    assert.deepEqual(JSON.parse(web!.get('nocloud/network-config')).ethernets.id0.addresses, ['10.0.0.5/24', 'fd01::5/64'])
  })

  test('never gets what another one has, with the same addresses and without', () => {
    const [web, db] = red.guests
    const [other] = blue.guests
    for (const [guest, name] of [
      [web!, 'web.red.example'],
      [db!, 'db.red.example'],
      [other!, 'web.blue.example'],
    ] as const) {
      assert.equal(guest.get('latest/meta-data/hostname'), name)
      assert.equal(guest.get('latest/meta-data/instance-id'), idOf(guest.port))
      const lies = ['-H', 'X-Real-IP: 100.64.1.1', '-H', 'Forwarded: for=100.64.1.1', '-H', 'Host: web.red.example']
      assert.equal(guest.get('latest/meta-data/hostname', ...lies), name)
    }
    assert.equal(code(blue, 'latest/user-data'), '404')
    assert.equal(code(blue, 'latest/meta-data/public-keys/0/openssh-key'), '404')
  })

  test('cannot be another one by its source address, nor reach the namespace otherwise', () => {
    const [, db] = red.guests
    const [device] = JSON.parse(db!.run('ip', '-j', 'link'))
      .map(({ ifname }: { ifname: string }) => ifname)
      .filter((name: string) => name !== 'lo')
    for (const address of ['10.0.0.5', '100.64.1.4']) {
      db!.run('ip', 'address', 'add', `${address}/32`, 'dev', device)
      const { status } = db!.try(
        'curl',
        '-s',
        '--max-time',
        '1',
        '--interface',
        address,
        `http://${metadataAt[0]}/latest/meta-data/hostname`,
      )
      assert.equal(status, 28, `${address}: no answer`)
      db!.run('ip', 'address', 'delete', `${address}/32`, 'dev', device)
    }
    db!.run('ip', 'route', 'add', '100.64.0.0/10', 'via', metadataAt[0], 'dev', device, 'onlink')
    assert.notEqual(db!.try('ping', '-c', '1', '-W', '1', '100.64.1.4').status, 0)
  })

  test('takes tokens of version 2, of its own', () => {
    const ttl = ['-H', 'X-aws-ec2-metadata-token-ttl-seconds: 60']
    const [web, db] = red.guests
    const token = web!.get('latest/api/token', '-X', 'PUT', ...ttl)
    const withToken = ['-H', `X-aws-ec2-metadata-token: ${token}`]
    assert.equal(web!.get('latest/meta-data/hostname', ...withToken), 'web.red.example')
    assert.equal(db!.get('latest/meta-data/hostname', ...withToken, '-o', '/dev/null', '-w', '%{http_code}'), '401')
    assert.equal(code(red, 'latest/meta-data/hostname', '-H', 'X-aws-ec2-metadata-token: 9999999999.x'), '401')
    assert.equal(code(red, 'latest/api/token', '-X', 'PUT', '-H', 'X-aws-ec2-metadata-token-ttl-seconds: 21601'), '400')
    assert.equal(code(red, 'latest/api/token', '-X', 'PUT', ...ttl, '-H', 'X-Forwarded-For: 1.2.3.4'), '403')
    assert.equal(code(red, 'latest/user-data', '-X', 'POST', '-d', 'x'), '405')
    assert.equal(fromBehind(web!, 'latest/meta-data/hostname'), 'web.red.example')
    assert.equal(fromBehind(web!, 'latest/api/token', '-X', 'PUT', ...ttl), 'no answer')
    for (const path of ['latest/meta-data/none', 'latest/../user-data/..', '%2e%2e/etc/passwd', 'latest/meta-data/__proto__', '%']) {
      assert.match(code(red, path, '--path-as-is'), /^40[04]$/, path)
    }
  })
})

test('root of the host connects to a guest, which sees the address of metadata', async () => {
  const [web, db] = red.guests
  const way = new URL('../../src/vm/guest-way.ts', import.meta.url).href
  const script = `
    import { connectGuest, wayTo } from '${way}'
    const socket = await connectGuest(wayTo(process.argv[1], process.argv[2]), Number(process.argv[3]), 10_000)
    socket.end('from the host')
    for await (const chunk of socket) process.stdout.write(chunk)`
  const ask = (guest: Guest, port: number): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--input-type=module', '-e', script, host.runDir, guest.port, String(port)], { encoding: 'utf8' })
  const listen = ['timeout', '30', 'busybox', 'nc', '-l', '-p', '2222', '-e', 'sh', '-c', 'ss -Htn; cat']
  const listener = spawn('ip', ['netns', 'exec', web!.netns, ...listen], { stdio: 'ignore' })
  await until(() => web!.run('ss', '-Htln').includes(':2222'))
  const { stdout, stderr } = ask(web!, 2222)
  assert.match(stdout, /10\.0\.0\.5\]?:2222 .*169\.254\.169\.254\]?:10\d\d[^]*from the host$/, stderr)
  listener.kill()
  assert.match(ask(db!, 2223).stderr, /cannot connect to port 2223 of the guest at 10\.0\.0\.6: nobody listens there/)
  const nobody = generateId('vpcp')
  // A file that is still being written names no port: it would lead to another guest.
  const half = join(host.runDir, 'guests/metadata/77.new')
  writeFileSync(half, JSON.stringify({ id: nobody, incarnation: 1, addresses: ['10.0.0.77'] }))
  assert.match(ask({ ...db!, port: nobody }, 22).stderr, /no way leads from this host to the guest of port/)
  rmSync(half)
})

describe('a stock cloud-init', () => {
  test('takes it for EC2: keys, host name, and a script as user data', () => {
    const [web] = red.guests
    const booted = boot(web!, 'root=/dev/vda', 'datasource_list: [Ec2]\ndatasource: {Ec2: {strict_id: false}}')
    assert.match(booted.datasource, /^DataSourceEc2: /)
    assert.deepEqual([booted.instance, booted.hostname, booted.done], [idOf(web!.port), 'web', 'it is mine: ä'])
    for (const key of keys) assert.ok(booted.authorizedKeys.includes(key), booted.authorizedKeys)
  })

  test('takes it for NoCloud, by nothing but the command line', async () => {
    const [web] = blue.guests
    await using port = await host.vpc.openPort(web!.port, { write: true })
    await port.setSshKeys(keys[0]!)
    await port.setUserData('#cloud-config\nssh_genkeytypes: [ed25519]\nwrite_files: [{path: /srv/done, content: written}]\n')
    const booted = boot(web!, `root=/dev/vda ds=nocloud-net;s=http://${metadataAt[0]}/nocloud/`, '')
    assert.match(booted.datasource, /^DataSourceNoCloud.*: /)
    assert.deepEqual([booted.instance, booted.hostname, booted.done], [idOf(web!.port), 'web', 'written'])
    assert.ok(booted.authorizedKeys.includes(keys[0]!), booted.authorizedKeys)
    assert.ok(!booted.authorizedKeys.includes('bob'))
  })
})

/** What curl gets in a container behind a guest, which forwards its packets under its own address. */
function fromBehind(guest: Guest, path: string, ...options: string[]): string {
  const script = `set -e
    sysctl -qw net.ipv4.ip_forward=1
    ip link add behind type veth peer name inner
    ip address add 172.31.0.1/24 dev behind
    ip link set behind up
    nft 'add table ip behind; add chain ip behind out { type nat hook postrouting priority 100; }; add rule ip behind out ip saddr 172.31.0.0/24 masquerade'
    unshare --net sleep 20 & sleeper=$!
    trap 'ip link delete behind; nft delete table ip behind; kill $sleeper' EXIT
    until ip link set inner netns $sleeper 2>/dev/null && ! ip link show inner >/dev/null 2>&1; do sleep 0.05; done
    inside() { nsenter --net=/proc/$sleeper/ns/net "$@"; }
    inside ip address add 172.31.0.2/24 dev inner
    inside ip link set inner up
    inside ip route add default via 172.31.0.1
    inside curl -s --noproxy '*' --max-time 3 "$@" || [ $? = 28 ] && exit 0`
  const { stdout, stderr, status } = guest.try('sh', '-c', script, 'sh', ...options, `http://${metadataAt[0]}/${path}`)
  assert.equal(status, 0, stderr)
  return stdout === '' ? 'no answer' : stdout
}

test('a change counts at once; the setting off refuses', async () => {
  const [web] = red.guests
  await using port = await host.vpc.openPort(web!.port, { write: true })
  await port.setHostname('www')
  await until(() => web!.get('latest/meta-data/hostname') === 'www.red.example')
  await using subnet = await host.vpc.openSubnet(red.subnet, { write: true })
  await subnet.setMetadata(false)
  assert.notEqual(web!.try('curl', '-s', '--max-time', '2', `http://${metadataAt[0]}/`).status, 0)
  await subnet.setMetadata(true)
  await until(() => web!.try('curl', '-sf', '--max-time', '2', `http://${metadataAt[0]}/latest/meta-data/hostname`).status === 0)
})

const processOf = (name: string): { pid: number } => JSON.parse(readFileSync(join(host.runDir, `${name}.process`), 'utf8'))

test('the processes have no privileges and get none, in all threads, and the files are for each alone', () => {
  for (const [name, id] of [
    ['metadata', 1_899_990_001],
    ['dns', 1_899_990_002],
  ] as const) {
    const tasks = `/proc/${processOf(name).pid}/task`
    assert.ok(readdirSync(tasks).length > 1)
    for (const task of readdirSync(tasks)) {
      const status = readFileSync(join(tasks, task, 'status'), 'utf8')
      assert.match(status, new RegExp(`^Uid:\\s+${id}\\s+${id}\\s+${id}`, 'm'))
      assert.match(status, new RegExp(`^Gid:\\s+${id}\\s`, 'm'))
      assert.match(status, /^Groups:\s*$/m)
      for (const set of ['Prm', 'Eff', 'Amb']) assert.match(status, new RegExp(`^Cap${set}:\\s+0+$`, 'm'))
      assert.match(status, /^NoNewPrivs:\s+1$/m)
      assert.match(status, /^Seccomp:\s+2$/m)
    }
  }
  const { uid, gid, mode } = statSync(join(host.runDir, 'guests/metadata'))
  assert.deepEqual([uid, gid, mode & 0o777], [0, 1_899_990_001, 0o750])
})

test('an audit has nothing to say, finds what is amiss, and a repair mends it', async () => {
  await using mgmt = await host.vpc.mgmt({ write: true })
  assert.deepEqual((await mgmt.audit()).items, [])
  host.ip('link', 'set', 'vpcsvc0', 'down')
  assert.deepEqual(
    (await mgmt.audit()).items.map(({ what, part }) => `${what} ${part}`),
    ['vpcsvc0 up'],
  )
  assert.deepEqual((await mgmt.repair()).items, [])
  host.ip('link', 'delete', 'vpcsvc0')
  await until(() => red.guests[0]!.try('curl', '-sf', '--max-time', '2', `http://${metadataAt[0]}/`).status === 0)
  assert.deepEqual((await mgmt.audit()).items, [])
})

test('a killed process: guests fail fast, and it comes back', async () => {
  const [web] = red.guests
  const before = processOf('metadata').pid
  process.kill(before, 'SIGKILL')
  const began = performance.now()
  await until(() => {
    const { status } = web!.try('curl', '-s', '--max-time', '5', `http://${metadataAt[0]}/latest/meta-data/hostname`)
    assert.ok(status === 0 || status === 7 || status === 56 || status === 52, `refused, not silent: ${status}`)
    return status === 0 && processOf('metadata').pid !== before
  })
  assert.ok(performance.now() - began < 20_000)
  // Each has a log of its own, and that of the one before is kept.
  for (const name of ['dns.log', 'metadata.log', 'metadata.log.1'])
    assert.deepEqual(checkLog(name, readFileSync(join(host.runDir, name), 'utf8')), ['ready'])
})

test('with vpcd killed, guests go on; the next vpcd replaces the processes', async () => {
  const [web] = red.guests
  const before = processOf('metadata').pid
  process.kill(daemon.pid, 'SIGKILL')
  await daemon.ended
  assert.equal(web!.get('latest/meta-data/hostname'), 'www.red.example')
  assert.equal(blue.guests[0]!.get('latest/meta-data/hostname'), 'web.blue.example')
  process.kill(before, 'SIGKILL')
  await until(() => web!.try('curl', '-s', '--max-time', '5', `http://${metadataAt[0]}/`).status === 7)
  daemon = await host.start()
  await until(() => web!.try('curl', '-sf', '--max-time', '2', `http://${metadataAt[0]}/`).status === 0)
  assert.notEqual(processOf('metadata').pid, before)
  await using mgmt = await host.vpc.mgmt({ write: true })
  assert.deepEqual((await mgmt.audit()).items, [])
})

test('the last subnet without services ends them', async () => {
  await using subnet = await host.vpc.openSubnet(red.subnet, { write: true })
  await subnet.setMetadata(false)
  await subnet.setResolver(false)
  assert.ok(host.devices().includes('vpcsvc0'))
  await using last = await host.vpc.openSubnet(blue.subnet, { write: true })
  await last.destroy()
  await until(() => !host.devices().includes('vpcsvc0'))
  await using mgmt = await host.vpc.mgmt({ write: true })
  assert.deepEqual((await mgmt.audit()).items, [])
})
