/** `vpc attach`: a container in a switch by one command, for a host without a cloud. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeCgroup } from '../container-cgroup.ts'
import { PrivateVpcd } from './private-vpcd.ts'

const tag = `va${process.pid}`
const [web, db] = [`${tag}-web`, `${tag}-db`] as const
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
const pings = (netns: string, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '1', '-W', '1', address]).status === 0

let vpcd: PrivateVpcd
before(async () => {
  vpcd = await PrivateVpcd.start()
  for (const netns of [web, db]) ip('netns', 'add', netns)
  vpcd.ok('switch', 'create', 'red', '--switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468')
  vpcd.ok('switch', 'create', '--switch-id=da64aaaa-095d-91e5-df01-5aabcfc52469')
})
after(async () => {
  for (const netns of [web, db]) spawnSync('ip', ['netns', 'del', netns])
  await vpcd[Symbol.asyncDispose]()
})

test('two containers reach each other after a command each; repeated, changed and taken back', () => {
  const attachWeb = ['attach', 'red', `--netns=${web}`, '--address=10.0.0.1/24'] as const
  assert.match(vpcd.ok(...attachWeb), /^hostif0 is eth0 in \S+: 10\.0\.0\.1\/24/)
  assert.match(vpcd.ok(...attachWeb), /^unchanged: hostif0/)
  assert.match(vpcd.ok(...attachWeb, '--address=10.0.0.1/24'), /^unchanged: hostif0/)
  vpcd.ok('attach', 'da64c', `--netns=${db}`, '--address=10.0.0.2/24', '--gateway=10.0.0.254')
  assert.ok(pings(web, '10.0.0.2'))
  // Containers say on their own who they are and what they listen to (DAD, MLD, router solicitations).
  assert.equal(vpcd.ok('drops'), 'no packet was dropped\n')
  assert.match(ip('-n', db, 'route'), /default via 10\.0\.0\.254 dev eth0/)
  vpcd.ok('attach', 'vpcsw0', `--netns=${web}`, '--address=10.0.0.3/24')
  assert.ok(pings(db, '10.0.0.3'))
  assert.doesNotMatch(ip('-n', web, 'addr'), /10\.0\.0\.1\//)
  assert.doesNotMatch(vpcd.ok('switch', 'neighbour', 'list', '--switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468'), /10\.0\.0\.1 /)
  assert.match(vpcd.ok('detach', 'vpcsw0', `--netns=${web}`), /^detached eth0/)
  assert.match(vpcd.ok('detach', 'vpcsw0', `--netns=${web}`), /^unchanged/)
  assert.doesNotMatch(ip('-n', web, '-o', 'link'), /eth0/)
})

/** Try for 20 s at most. */
async function until(what: string, holds: () => boolean): Promise<void> {
  for (const end = performance.now() + 20_000; !holds(); await sleep(20)) assert.ok(performance.now() < end, what)
}

/** Run something while a container of an id runs, as podman names its cgroup. */
async function withContainer(id: string, run: () => void): Promise<void> {
  const cgroup = makeCgroup(`libpod-${id}.scope`)
  const child = spawn('sh', ['-c', `echo $$ > '${cgroup}/cgroup.procs' && exec unshare --net sleep 600`], { stdio: 'ignore' })
  try {
    await until('it is apart', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    run()
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
    await until('its cgroup is empty', () => readFileSync(join(cgroup, 'cgroup.procs'), 'utf8') === '')
    rmdirSync(cgroup)
  }
}

test('a container that is made anew has its interface again, and one that is gone is detached', async () => {
  const idFile = join(vpcd.directory, 'container-id')
  for (const name of ['podman', 'docker'])
    writeFileSync(join(vpcd.directory, 'bin', name), `#!/bin/sh\nexec cat ${idFile}\n`, { mode: 0o755 })
  const before = vpcd.ok('list')
  const attachShop = ['attach', 'red', '--container=shop', '--address=10.0.0.7/24'] as const
  const units = new Set<string>()
  for (const digit of ['a', 'b']) {
    const id = String(process.pid).padStart(64, digit)
    writeFileSync(idFile, `${id}\n`)
    await withContainer(id, () => {
      const [, unit] = /^(hostif\d+) is eth0 in container shop/.exec(vpcd.ok(...attachShop)) ?? []
      units.add(unit!)
      assert.match(vpcd.ok(...attachShop), /^unchanged/)
    })
  }
  assert.equal(units.size, 1, [...units].join(' '))
  rmSync(idFile)
  assert.match(vpcd.ok('detach', 'red', '--container=shop'), /^detached eth0/)
  assert.equal(vpcd.ok('list'), before)
})

test('what a process had that has ended is said, and detached by its number', async () => {
  const before = vpcd.ok('list')
  const child = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  let unit: string
  try {
    await until('it is apart', () => readFileSync(`/proc/${child.pid}/comm`, 'utf8') === 'sleep\n')
    vpcd.ok('attach', 'red', `--pid=${child.pid}`, '--address=10.0.0.8/24')
    const listed: { unit: string; guest: { netns: string } | null }[] = JSON.parse(vpcd.ok('hostif', 'list', '--json'))
    unit = listed.find(({ guest }) => guest?.netns.startsWith('pid:'))!.unit
    assert.match(vpcd.ok('list'), new RegExp(` ${unit} .* pid:${child.pid}\\n`))
  } finally {
    child.kill('SIGKILL')
    await exited
  }
  // First that its device is gone, and then, once vpcd has tried to make it again, why it cannot.
  const told = new RegExp(` trouble +cannot hand it over to pid:${child.pid}: process ${child.pid} has ended; start the container`)
  await until('it says why it has no interface', () => told.test(vpcd.ok('hostif', 'get', unit)))
  const detachEnded = ['detach', 'red', `--pid=${child.pid}`] as const
  assert.match(vpcd.refused(2, ...detachEnded, `--netns=${web}`), /give one of --netns, --pid and --container/)
  assert.match(vpcd.ok(...detachEnded), /^detached eth0/)
  assert.match(vpcd.ok(...detachEnded), /^unchanged: there is no eth0 of the namespace of process \d+ in this switch/)
  assert.equal(vpcd.ok('list'), before)
})

test('what cannot be is refused, and leaves nothing', () => {
  const count = (): string => vpcd.ok('list')
  const before = count()
  assert.match(vpcd.refused(1, 'attach', 'vpcsw7', `--netns=${web}`), /there is no switch vpcsw7/)
  assert.match(vpcd.refused(2, 'attach', 'da64', `--netns=${web}`), /da64 is ambiguous: it stands for vpcsw0 \(da64c3f3-\S+, red\), vpcsw1/)
  assert.match(vpcd.refused(1, 'attach', 'vpcsw0', '--netns=none-such'), /no network namespace none-such/)
  assert.match(vpcd.refused(1, 'attach', 'red', '--container=none-such'), /there is no running container none-such; start it/)
  for (const [address, told] of [
    ['10.0.0.9', /has no prefix length; write 10\.0\.0\.9\/24/],
    ['fd00::9', /has no prefix length; write fd00::9\/64/],
    ['::ffff:10.0.0.9/120', /is an IPv4 address in the form of IPv6; write 10\.0\.0\.9 and/],
    ['10.0.0.9/33', /from 0 to 32/],
    ['10.0.0.0/24', /is the network itself; write one of its addresses, such as 10\.0\.0\.1\/24/],
    ['10.0.0.255/24', /has the broadcast address of its network; write one/],
    ['224.0.0.1/24', /has an address that no unit can send from; choose another/],
    ['240.0.0.1/24', /has an address that no unit can send from; choose another/],
    ['ff02::1/64', /has an address that no unit can send from; choose another/],
  ] as const)
    assert.match(vpcd.refused(2, 'attach', 'red', `--netns=${web}`, `--address=${address}`), told)
  assert.match(vpcd.refused(2, 'attach', 'red', `--netns=${web}`, '--pid=1'), /give one of --netns, --pid and --container/)
  assert.match(vpcd.refused(4, 'attach', 'vpcsw0', `--pid=${process.pid}`), /in this host's own network namespace/)
  assert.match(vpcd.refused(1, 'attach', 'vpcsw0', `--netns=${web}`, '--as=eth1', '--address=10.0.0.9/24', '--gateway=10.9.0.1'), /gateway/)
  assert.equal(count(), before)
})

test('objects are named, made by name, found by name, unit or the beginning of the id, and the flags of the original stay', () => {
  const json = (...args: string[]): any => JSON.parse(vpcd.ok(...args, '--json'))
  const made = json('switch', 'create', 'green', '--vni', '5003')
  assert.deepEqual([made.changed, made.object.name, made.object.vni], [true, 'green', 5003])
  const { id } = made.object
  assert.equal(json('switch', 'create', 'green', '--vni', '5003').changed, false)
  assert.match(vpcd.refused(4, 'switch', 'create', 'green', '--vni', '5004'), /exists with other settings; change it with vpc switch set/)
  const port = json('switch', 'port', 'add', 'green', 'p1')
  assert.equal(port.changed, true)
  assert.equal(json('switch', 'port', 'add', '--switch-id', 'green', 'p1').changed, false)
  vpcd.ok('hostif', 'create', 'h1')
  vpcd.ok('switch', 'port', 'connect', 'p1', 'h1')
  const info = json('switch', 'port', 'list', 'green').find((each: { name: string }) => each.name === 'p1')
  assert.equal(json('hostif', 'get', 'h1').port, info.id)
  assert.deepEqual(json('switch', 'port', 'list', `--switch-id=${id}`), [info])
  assert.match(vpcd.refused(2, 'hostif', 'list', 'h1'), /hostif list does not take 'h1'; vpc hostif get h1 shows one$/)
  assert.deepEqual(json('hostif', 'get', '-H', 'h1'), json('hostif', 'get', `--hostif-id=${json('hostif', 'get', 'h1').id}`))
  assert.equal(json('hostif', 'get', json('hostif', 'get', 'h1').id.slice(0, 13)).name, 'h1')
  const listed = vpcd.ok('list')
  assert.match(listed, new RegExp(`^ vpcp +\\S+ +${info.unit} +p1 +vpcsw2\\b`, 'm'))
  assert.match(listed, new RegExp(`^ hostif +\\S+ +hostif\\d+ +h1 +${info.unit} `, 'm'))
  // Names of groups belong to a switch; that of a port is unique on the host.
  for (const sw of ['red', 'green']) vpcd.ok('group', 'create', sw, 'web')
  assert.equal(json('group', 'create', 'green', 'web').changed, false)
  assert.deepEqual([json('group', 'list', '--switch-id=green').length, json('subnet', 'list', '--switch-id=green').length], [1, 0])
  assert.match(vpcd.refused(2, 'group', 'get', 'web'), /web is ambiguous: it stands for group0 .*, group1/)
  vpcd.ok('switch', 'port', 'set', 'p1', '--group', 'group1')
  // Peers of rules by name, too; what is neither a name nor an address is refused as what it looks like.
  vpcd.ok('address-set', 'create', 'green', 'offices')
  const rule = (peer: string): string[] => ['group', 'rule', 'add', 'group1', '--rule=7', '--direction=in', `--peer=${peer}`]
  const { rule: added } = json(...rule('offices'), '--peer=10.9.0.0/16')
  assert.deepEqual(added.peers, [json('address-set', 'get', 'offices').id, '10.9.0.0/16'])
  assert.match(vpcd.refused(2, ...rule('web')), /web is ambiguous: it stands for group0 .*, group1/)
  assert.match(vpcd.refused(1, ...rule('nobody')), /there is no security group or address set or subnet nobody on this host/)
  assert.match(vpcd.refused(2, ...rule('10.0.0.300')), /10\.0\.0\.300/)
  assert.match(vpcd.refused(2, ...rule('10.0.0.1/8')), /10\.0\.0\.1\/8/)
  vpcd.ok('switch', 'port', 'add', 'green', 'office', '--uplink', '--l2-name=em0')
  vpcd.ok('switch', 'port', 'remove', 'green', 'office')
  assert.match(vpcd.ok('name', 'p1', 'p2'), /is named p2/)
  assert.equal(json('name', 'p2', 'p2').changed, false)
  assert.match(
    vpcd.refused(4, 'name', 'vpcsw1', 'green'),
    /another switch has that name; choose another, or rename that one first: vpc list shows it/,
  )
  assert.match(vpcd.refused(2, 'name', 'vpcsw1', 'beef'), /looks like the beginning of an id/)
  assert.match(vpcd.refused(2, 'switch', 'create', 'vpcsw9'), /looks like a unit name/)
  assert.match(vpcd.refused(1, 'switch', 'set', 'p2', '--vni', '1'), /there is no switch p2 on this host/)
  assert.match(vpcd.refused(2, 'switch', 'set', 'vpcp0', '--vni', '1'), /vpcp0 is a port, not a switch/)
  assert.match(vpcd.ok('switch', 'destroy', 'purple'), /^unchanged: there is no switch purple/)
  vpcd.ok('switch', 'destroy', 'green')
  assert.match(vpcd.ok('hostif', 'destroy', 'h1'), /^destroyed/)
})
