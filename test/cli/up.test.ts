/**
 * A cloud in a handful of commands: `vpc up`, `vpc host create`, `vpc join`, `vpc vnic attach` and `vpc vm create` on
 * two hosts with real daemons; and what happens when containers, guests and daemons end.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { ownUsers } from '#abi/own-users.ts'
import { isRunning } from '#system/process-mark.ts'
import { checkLog } from '../log-lines.ts'
import { guestImage } from '../vm/guest-image.ts'
import type { GuestShell } from '../vm/guest-shell.ts'
import { movesThereAndBack, outlivesDeaths, staysWithItsDisk } from './guest-moves.ts'
import {
  addressOf,
  asUser,
  container,
  guestShell,
  ip,
  joinMachines,
  Machine,
  machines,
  pings,
  removeMachines,
  twoMachines,
  until,
} from './machines.ts'

let h1: Machine, h2: Machine
before(() => {
  ;[h1, h2] = twoMachines()
})
const sockets: Socket[] = []
after(() => {
  for (const socket of sockets) socket.destroy()
  return removeMachines()
})

let web: string, db: string

test('two machines: up, host create, join, up, attach; and the containers reach each other', () => {
  assert.match(h1.ok('up --name=h1'), /^started vpcd, issuer, api, agent;[^]*vpc vnic attach/)
  const again = h1.ok('up --name=h1')
  assert.deepEqual(
    [again.startsWith('unchanged: everything runs'), /\nthe console is at/.test(again), /next/.test(again)],
    [true, true, false],
  )
  const line = h1.ok('host create h2').trim().split('\n').at(-1)!
  h2.ok(line.replace(/^vpc /, ''))
  assert.match(h2.ok('up'), /^started vpcd, agent/)
  h2.ok(`login --server=https://198.18.7.1:7473 --token-file=${join(h1.state, 'admin-token')}`)
  web = container('web')
  db = container('db')
  assert.match(h1.ok(`vnic attach web1 --subnet=default --netns=${web}`), /^vnic web1 .* is eth0 in \S+: 10\.0\.0\.\d+\/24 fd/)
  assert.match(h1.ok(`vnic attach web1 --netns=${web}`), /^unchanged/)
  assert.match(h1.ok('vnic create spare --subnet=default'), /^created vnic spare/)
  assert.match(h1.ok('cloud group create app'), /^created group app/)
  h1.ok('account create other --org=default')
  h1.ok('cloud subnet create second --vpc=default --network4=10.1.0.0/24')
  assert.match(h1.run(`vnic attach web1 --subnet=second --netns=${web}`).err, /vnic web1 exists in another subnet than second/)
  assert.match(h1.ok('hostif list'), new RegExp(` ${web} +hostif0 `))
  assert.match(h1.run('cloud group create db').err, /--account is required: name the account of the group; there are default, other/)
  h2.ok(`vnic attach db1 --subnet=default --netns=${db}`)
  assert.ok(pings(web, addressOf(db)!))
  const onH2 = h1.ok('vnic list --host=h2')
  assert.deepEqual([/db1/.test(onH2), /web1/.test(onH2), h1.ok('cloud vm list --host=h2').includes('vm')], [true, false, false])
})

test('why one reaches the other, and what keeps it from doing so', async () => {
  const there = h1.ok('why web1 db1')
  assert.match(
    there,
    /a ping from default\/web1 \(10\.0\.0\.\d+\) to default\/db1.*\n.*programs +of this host: sent to 198\.18\.7\.2.*\nreachable: the packet arrives/s,
  )
  const address = addressOf(db)!
  h1.ok('vnic set db1 --group=app')
  await until('h2 has closed the door', () => !pings(web, address))
  const closed = h1.run('why web1 db1')
  assert.deepEqual(
    [closed.code, /blocked: .*\n.*stands in the way: vnic default\/db1: no rule for in of group default\/app allows icmp/.test(closed.out)],
    [1, true],
    closed.out,
  )
  const { obstacle, verdict } = JSON.parse(h1.run('why web1 db1 --json').out)
  assert.deepEqual([verdict, obstacle.code], ['blocked', 'group-in'])
  const [, command] = /to allow it: vpc (.*)/.exec(closed.out)!
  h1.ok('', ...[...command!.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", '')))
  await until('what the answer says opens the door', () => pings(web, address))
  assert.match(h1.ok('why web1 db1'), /reachable/)
  assert.match(h1.ok('why --all=vpc/default'), /subnet default.*in no group \(1\) +subnet default.*, in group default\/app \(1\) +icmp/)
  assert.match(h1.run('why web1').err, /give FROM and TO, or --all=VPC/)
  assert.match(h1.run('why --all=vpc/default --tcp=80').err, /--all tells all that passes in a vpc; leave --tcp out/)
  assert.match(h1.run('why web1 nobody').err, /no vnic nobody/)
  h1.ok('vnic set db1 --unset=groups')
  await until('the door is open', () => pings(web, address))
})

test('agent, API and issuer run as users of their own; the API may not read the key, the issuer may not write the store', () => {
  for (const [name, uid] of [
    ['agent', ownUsers.agent],
    ['api', ownUsers.api],
    ['issuer', ownUsers.issuer],
  ] as const) {
    const status = readFileSync(`/proc/${h1.processes()[name]!.pid}/status`, 'utf8')
    assert.match(status, new RegExp(`^Uid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'))
    assert.match(status, new RegExp(`^Gid:\\s+${uid}\\s+${uid}\\s+${uid}\\s+${uid}$`, 'm'))
    assert.match(status, /^Groups:\s*$/m)
    assert.match(status, /^CapEff:\s+0+$/m)
  }
  const key = join(h1.state, 'issuer/ca/ca.key')
  const socket = join(h1.state, 'issuer/issuer.sock')
  const stores = ['', '-wal', '-shm'].map((end) => join(h1.state, `api/control.db${end}`))
  assert.deepEqual(asUser(0, 'r', key), 'done')
  assert.deepEqual([asUser(ownUsers.api, 'r', key), asUser(ownUsers.agent, 'r', key)], ['EACCES', 'EACCES'])
  for (const store of stores) {
    assert.deepEqual([asUser(ownUsers.issuer, 'r', store), asUser(ownUsers.issuer, 'r+', store)], ['done', 'EACCES'])
    assert.equal(asUser(ownUsers.agent, 'r', store), 'EACCES')
  }
  for (const path of ['admin-token', 'audit']) assert.equal(asUser(ownUsers.issuer, 'r', join(h1.state, 'api', path)), 'EACCES')
  assert.deepEqual(
    [asUser(ownUsers.issuer, 'w', join(h1.state, 'api/new')), asUser(ownUsers.api, 'w', join(h1.state, 'new'))],
    ['EACCES', 'EACCES'],
  )
  assert.deepEqual([asUser(ownUsers.api, 'connect', socket), asUser(ownUsers.agent, 'connect', socket)], ['done', 'EACCES'])
  assert.match(readFileSync(join(h1.state, 'agent-policy.yaml'), 'utf8'), /rights: \[read, write, create\]$/m)
})

test('a container that starts anew has its interface again, and all daemons may be killed', async () => {
  const address = addressOf(web)
  ip('netns', 'del', web)
  ip('netns', 'add', web)
  await until('the interface is back', () => addressOf(web) === address)
  for (const { pid } of Object.values(h1.processes())) process.kill(pid, 'SIGKILL')
  await until('they have ended', () => !Object.values(h1.processes()).some(isRunning))
  const key = readFileSync(join(h1.state, 'issuer/ca/ca.key'), 'utf8')
  h1.asBefore()
  assert.ok(pings(web, addressOf(db)!), 'packets flow without any daemon')
  assert.match(h1.ok('up --name=h1'), /^started vpcd, issuer, api, agent/)
  assert.equal(readFileSync(join(h1.state, 'issuer/ca/ca.key'), 'utf8'), key)
  assert.equal(asUser(ownUsers.api, 'r', join(h1.state, 'issuer/ca/ca.key')), 'EACCES')
  await until('packets flow', () => pings(web, addressOf(db)!))
  assert.match(h1.ok(`vnic attach web1 --netns=${web}`), /^unchanged/)
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
  assert.match(h1.ok('vnic detach web1'), /^unchanged/)
})

test('a vmnic is there for a hypervisor of somebody else', () => {
  const text = h1.ok('vnic attach nic1 --subnet=default --vmnic')
  const [, unit, id] = /^vnic nic1 \S+ is (vmnic\d+) of this host, which vpc vmnic exec --vmnic-id=(\S+) gives/.exec(text)!
  assert.ok(h1.devices().includes(unit!))
  const mac = JSON.parse(h1.ok('vnic get nic1 --json')).mac
  assert.equal(h1.ok(`vmnic exec --vmnic-id=${id} -- printenv VPC_VMNIC_MAC`).trim(), mac)
  assert.match(h1.ok('vnic attach nic1 --vmnic'), /^unchanged/)
  assert.match(h1.run(`vnic attach nic1 --vmnic --netns=${web}`).err, /--vmnic takes no --netns, --pid or --container/)
  h1.ok('vnic detach nic1')
  assert.ok(!h1.devices().includes(unit!))
})

test('with a router, containers have a way to the other subnet', async () => {
  const far = container('far')
  h2.ok(`vnic attach far1 --subnet=second --netns=${far}`)
  h1.ok(`vnic attach web1 --netns=${web}`)
  assert.ok(!pings(web, addressOf(far)!))
  h1.ok('cloud router create r1 --vpc=default --interface=subnet=default --interface=subnet=second --wait')
  // Those that were attached before get the way by a repeat.
  h1.ok(`vnic attach web1 --netns=${web}`)
  h2.ok(`vnic attach far1 --netns=${far}`)
  assert.match(ip('-n', web, 'route'), /^default via 10\.0\.0\.1 dev eth0/m)
  await until('packets are routed', () => pings(web, addressOf(far)!))
  h1.ok('vnic detach web1')
})

test('a host that is drained, or not there, is named with what to do', async () => {
  h1.ok('host drain h2')
  const drained = h2.run(`vnic attach late1 --subnet=default --netns=${db} --as=late0`).err
  assert.match(drained, /host h2 takes no new guests while it is drained; choose another host, or vpc host undrain h2/)
  assert.match(h2.run('vm create late1 --subnet=default', ...bootWords()).err, /while it is drained/)
  h1.ok('host undrain h2')
  process.kill(h2.processes().agent!.pid, 'SIGKILL')
  const away = h2.run(`vnic attach late1 --subnet=default --netns=${db} --as=late0 --timeout=2`).err
  assert.match(away, /this host has not plugged it in: its agent is not connected; vpc agent status there says more/)
  assert.match(
    h2.run('vm create late1 --subnet=default --timeout=2', ...bootWords()).err,
    /h2 has not plugged it in: its agent is not connected/,
  )
  // The other host goes on, and says who does not know yet. A busy one may need more than the two seconds.
  const attach = (): ReturnType<Machine['run']> => h1.run(`vnic attach late1 --subnet=default --netns=${web} --as=late0 --timeout=2`)
  let other = attach()
  for (let i = 0; i < 10 && other.code !== 0; i++) other = attach()
  assert.deepEqual([other.code, /host h2 is late: its agent is not connected/.test(other.err)], [0, true], other.err)
  h1.ok('vnic detach late1 --timeout=1')
  assert.match(h2.ok('up'), /^started agent/)
  assert.doesNotMatch(h1.ok('cloud vm list'), /late1/)
})

/** Options of a guest of the test. */
function bootWords(): string[] {
  const { kernel, initrd } = guestImage()
  return ['--kernel', kernel, '--initrd', initrd, '--append', 'console=ttyS0 quiet', '--memory', '192', '--accel', 'tcg']
}

let guest: GuestShell
let guestId: string

/** The same, with a disk that both machines have. */
function wordsOfVm1(): string[] {
  const disk = join(h1.directory, 'shared.raw')
  if (!existsSync(disk)) writeFileSync(disk, Buffer.alloc(4 << 20))
  return [...bootWords(), '--disk', disk, '--disk-format', 'raw']
}

test('a virtual machine in one command: repeated, it changes nothing, and the guest reaches containers on both hosts', async () => {
  const made = JSON.parse(h1.ok('vm create vm1 --subnet=default --group=app --json', ...wordsOfVm1()))
  assert.deepEqual([made.changed, made.vm.type, made.machine.state], [true, 'kvm', 'running'])
  guestId = made.vm.id
  guest = await guestShell(h1, guestId, sockets)
  await guest.must('ip link set eth0 up')
  for (const address of made.addresses) await guest.must(`ip addr add ${address} dev eth0`)
  // Its group lets nothing in, and answers to what it began.
  await guest.must(`ping -c 3 -W 5 ${addressOf(db)}`)
  assert.match(h1.ok('vm create vm1 --subnet=default --group=app', ...wordsOfVm1()), /^unchanged: vm vm1 \S+ runs on host h1: 10\.0\.0\./)
  assert.match(h1.ok('vm list'), new RegExp(`vm1 +\\S+ +running +${made.addresses[0].split('/')[0]} `))
  const { vnics } = JSON.parse(h1.ok('cloud vm get vm1 --json'))
  assert.equal(vnics.length, 1)
  assert.match(h2.run('vm create vm1 --subnet=default', ...wordsOfVm1()).err, /vm vm1 is on host h1, not on h2; run this there/)
  assert.match(h2.run('vm destroy vm1').err, /vm vm1 is on host h1, and this is h2; destroy it there/)
  assert.match(h1.run('vnic detach vm1').err, /the vnic is in vm vm1/)
})

test('a guest that does not start leaves nothing, neither here nor in the cloud', () => {
  const before = [h1.ok('vnic list --json'), h1.ok('cloud vm list --json'), h1.ok('vm list --json')].map((text) => JSON.parse(text).length)
  const refused = h1.run(`vm create vm2 --subnet=default --kernel=${join(h1.directory, 'context.json')} --accel=tcg`)
  assert.match(refused.err, /--kernel: there is no file/)
  writeFileSync(join(h1.directory, 'no-kernel'), 'no kernel')
  const failed = h1.run(`vm create vm2 --subnet=default --kernel=${join(h1.directory, 'no-kernel')} --accel=tcg`)
  assert.match(failed.err, /QEMU did not start/)
  assert.doesNotMatch(failed.err, /could not undo/)
  const after = [h1.ok('vnic list --json'), h1.ok('cloud vm list --json'), h1.ok('vm list --json')].map((text) => JSON.parse(text).length)
  assert.deepEqual(after, before)
  assert.match(h1.run('vm create db1 --subnet=default', ...bootWords()).err, /vnic db1 is the interface of a container/)
})

test('a guest for another host is started there by the same command; destroyed, nothing of it is left', () => {
  assert.match(
    h1.ok('vm create vm3 --subnet=default --host=h2'),
    /vm vm3 \S+ is plugged in on host h2: .*; the same command there starts it/,
  )
  const image = join(h2.directory, 'image.raw')
  writeFileSync(image, 'an image'.padEnd(1 << 16, '\0'))
  const { changed, vm, vnic, machine } = JSON.parse(h2.ok(`vm create vm3 --subnet=default --image=${image} --json`, ...bootWords()))
  assert.deepEqual([changed, vm.name, machine.state], [true, 'vm3', 'running'])
  // It boots from a disk: cloud-init is told its name and addresses. The disk is its own.
  assert.equal(JSON.parse(machine.cloudInit.metaData)['local-hostname'], 'vm3')
  assert.match(machine.cloudInit.networkConfig, new RegExp(`${vnic.mac}[^]*${vnic.addresses[0]}/24`))
  assert.equal(readFileSync(machine.disk, 'latin1').slice(0, 8), 'an image')
  assert.match(h2.ok('vm destroy vm3'), /^destroyed vm vm3/)
  assert.deepEqual([existsSync(machine.disk), existsSync(image)], [false, true])
  assert.match(h2.ok('vm destroy vm3'), /^unchanged/)
  // With an image that has a name, metadata tells it.
  const images = `--image-dir=${join(h2.directory, 'images')}`
  h2.ok(`vm image import ${image} --name=debian-13 ${images}`)
  const key = join(h2.directory, 'key.pub')
  writeFileSync(key, 'ssh-ed25519 AAAA me\n')
  const create = `vm create vm3 --subnet=default --image=debian-13 --accel=tcg --memory=64 --ssh-key=${key} ${images} --json`
  const told = JSON.parse(h2.ok(create))
  assert.deepEqual([told.vm.sshKeys, told.machine.seed, told.machine.cloudInit], [['ssh-ed25519 AAAA me'], 'metadata', null])
  assert.equal(JSON.parse(h2.ok(create)).changed, false)
  writeFileSync(key, 'ssh-ed25519 AAAA you\n')
  assert.match(h2.run(create).err, /vm vm3 exists with other keys or user data; vpc cloud vm set vm3 changes them/)
  h2.ok('vm destroy vm3')
  h1.ok('cloud subnet set default --metadata=false')
  assert.match(h2.run(create).err, /subnet default has no metadata, .*; vpc cloud subnet set default --metadata=true gives it/)
  h1.ok('cloud subnet set default --metadata=true')
  assert.doesNotMatch(h1.ok('vnic list'), /vm3/)
  assert.doesNotMatch(h2.devices().join(' '), /vmnic/)
})

test('a running guest with two vnics moves to the other host and back under traffic: no packet is lost', async () => {
  h1.ok('cloud group set app --wait', '--rule', 'direction=in protocol=icmp')
  h1.ok(`vnic attach web1 --netns=${web}`)
  guest = await movesThereAndBack({ h1, h2, web, db, guest, id: guestId, sockets })
  assert.match(h1.ok('vm migrate vm1 --to=h1'), /^unchanged/)
  h1.ok('vnic detach web1')
})

test('whatever dies while a guest moves: it lives on one host alone, and the same command again does the rest', async () => {
  guest = await outlivesDeaths({ h1, h2, web, db, guest, id: guestId, sockets })
})

test('a guest that the other host does not take runs on here', async () => {
  const failed = h1.run('vm migrate vm1 --to=h2', '--shell=false')
  assert.match(failed.err, /the other host did not take the guest: its command ended/)
  assert.doesNotMatch(failed.err, /could not undo/)
  assert.equal((await guest.must('cat /tmp/mark')).trim(), 'mark')
  assert.deepEqual([h1.ok('vnic list --host=h1').includes('vm1'), /vmnic/.test(h2.devices().join(' '))], [true, false])
  await staysWithItsDisk({ h1, h2, web, db, guest, id: guestId, sockets })
})

test('a guest is destroyed with its vnic, unless it is protected', () => {
  // Its second one was made by itself, and stays.
  assert.match(h1.run('vnic detach more1 --vm=web').err, /there is no vm web/)
  assert.match(h1.ok('vnic detach more1 --vm=vm1'), /^vnic more1 \S+ is no longer in vm vm1/)
  assert.match(h1.ok('vnic detach more1 --vm=vm1'), /^unchanged/)
  assert.equal(JSON.parse(h1.ok('vnic get more1 --json')).binding, null)
  h1.ok('vm set vm1 --protect')
  assert.match(h1.run('vm destroy vm1').err, /protected/)
  h1.ok('vm set vm1 --unprotect')
  assert.match(h1.ok('vm destroy vm1'), /^destroyed vm vm1/)
  assert.doesNotMatch(h1.ok('cloud vm list'), /vm1/)
  assert.doesNotMatch(h1.ok('vnic list'), /vm1/)
  assert.equal(existsSync(join(h1.vmDir, guestId)), false)
})

test('a machine whose port is taken, and one that never was a host, say so', async () => {
  const h3 = new Machine('h3')
  machines.push(h3)
  assert.match(h3.run('vnic attach x --netns=y').err, /there is no network namespace y/)
  assert.match(h3.run(`vnic attach x --netns=${db}`).err, /this machine is not a host of a cloud/)
  assert.match(h3.ok('down'), /^unchanged: nothing is up/)
  assert.match(h3.run('up --address=nosuch0').err, /is neither an address nor an interface/)
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

test('down takes all away, up brings it back, also after a power failure; purge leaves nothing', async () => {
  const config = join(h2.directory, 'config/vpc/contexts.json')
  const before = readFileSync(config, 'utf8')
  h1.ok(`vnic attach web1 --netns=${web}`)
  h2.ok(`vnic attach db1 --netns=${db}`)
  const address = addressOf(db)
  assert.ok(address !== undefined && pings(web, address))
  // The logs of all daemons have one form, and nothing else is in them.
  const said = ['vpcd', 'api', 'issuer', 'agent'].map((name) => checkLog(name, readFileSync(join(h1.state, `log/${name}.log`), 'utf8')))
  for (const [i, message] of ['ready', 'listening', 'signed a certificate', 'the feed is open'].entries())
    assert.ok(said[i]!.includes(message))
  assert.match(h2.ok('down'), /^stopped agent, vpcd/)
  assert.equal(readFileSync(config, 'utf8'), before)
  assert.deepEqual(h2.devices(), ['lo', 'u2'])
  assert.equal(existsSync(h2.bpffs), false)
  assert.equal(addressOf(db), undefined)
  h2.ok('up')
  assert.equal(addressOf(db), address)
  await until('packets flow', () => pings(web, address))
  assert.match(h2.ok(`vnic attach db1 --netns=${db}`), /^unchanged/)
  // The other machine loses its power, and its containers start again with it.
  await h1.loseMemory()
  joinMachines(h1, h2)
  ip('netns', 'del', web)
  ip('netns', 'add', web)
  h1.ok('up --name=h1')
  await until('the interface is back', () => addressOf(web) !== undefined)
  await until('packets flow', () => pings(web, address))
  writeFileSync(join(h1.state, 'mine'), '')
  assert.match(h1.ok('down --purge'), /removed their data/)
  assert.deepEqual(h1.devices(), ['lo', 'u1'])
  assert.match(h1.ok('context list'), /^ *NAME/)
  assert.deepEqual(readdirSync(h1.state), ['mine'])
  assert.equal(existsSync(h1.agentDir), false)
  assert.equal(existsSync(join(h1.state, 'mine')), true)
})
