/** Guests that libvirt starts: their interfaces are there before they start, and go when they end. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { addressOf, container, guestShell, pings, removeMachines, twoMachines, until, type Machine } from '../cli/machines.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { guestImage } from '../vm/guest-image.ts'
import { GuestShell } from '../vm/guest-shell.ts'
import { Libvirtd } from './libvirtd.ts'

let h1: Machine
let libvirtd: Libvirtd
let directory: string
let cloudBox: string, laneBox: string
const sockets: Socket[] = []

before(async () => {
  ;[h1] = twoMachines()
  h1.ok('up --name=h1')
  h1.ok('switch create lan --vni=7001')
  ;[cloudBox, laneBox] = [container('c1'), container('c2')]
  h1.ok(`vnic attach c1 --subnet=default --netns=${cloudBox}`)
  h1.ok(`attach lan --netns=${laneBox} --address=10.9.0.1/24`)
  directory = join(h1.directory, 'libvirt')
  for (const name of ['', 'home', 'bin']) mkdirSync(join(directory, name), { recursive: true })
  const [home, bin] = [join(h1.directory, 'home'), join(h1.directory, 'bin')]
  for (const each of [home, bin]) mkdirSync(each)
  symlinkSync(join(h1.directory, 'config'), join(home, '.config'))
  symlinkSync(vpcPath, join(bin, 'vpc'))
  libvirtd = await Libvirtd.start({
    netns: h1.netns,
    directory,
    env: { ...process.env, HOME: home, PATH: `${bin}:${process.env.PATH}` },
    config: `socket: ${join(h1.directory, 'run/vpcd.sock')}\nagent-state-dir: ${h1.agentDir}\n`,
  })
  // Where the user of libvirt's QEMU can read them.
  chmodSync(directory, 0o755)
  for (const name of ['kernel', 'initrd'] as const) copyFileSync(guestImage()[name], join(directory, name))
})
after(async () => {
  for (const socket of sockets) socket.destroy()
  await libvirtd?.[Symbol.asyncDispose]()
  await removeMachines()
})

interface Interface {
  readonly dev: string
  readonly mac: string
  readonly queues?: number
  readonly more?: string
}

const macs = { web1: '52:54:00:00:00:01', 'web1-lan': '52:54:00:00:00:02' } as const

/** A domain of the test guest. */
function domainXml(name: string, uuid: string, metadata: string, interfaces: readonly Interface[]): string {
  const elements = interfaces.map(
    ({ dev, mac, queues = 2, more = '' }) => `<interface type='ethernet'><mac address='${mac}'/><target dev='${dev}' managed='no'/>
      <model type='virtio'/><driver name='qemu' queues='${queues}'/>${more}</interface>`,
  )
  return `<domain type='qemu'>
    <name>${name}</name><uuid>${uuid}</uuid>
    <metadata><vpc:interfaces xmlns:vpc='urn:vpc:libvirt'>${metadata}</vpc:interfaces></metadata>
    <memory unit='MiB'>160</memory><vcpu>1</vcpu>
    <os><type arch='x86_64' machine='pc'>hvm</type><kernel>${directory}/kernel</kernel><initrd>${directory}/initrd</initrd>
      <cmdline>console=ttyS0 quiet</cmdline></os>
    <features><acpi/></features><on_reboot>destroy</on_reboot>
    <devices>${elements.join('')}
      <serial type='unix'><source mode='bind' path='${directory}/${name}.sock'/></serial><memballoon model='none'/></devices>
  </domain>`
}

const uuid = randomUUID()
const web1 = (metadata: string, interfaces: readonly Interface[]): string => {
  const file = join(directory, 'web1.xml')
  writeFileSync(file, domainXml('web1', uuid, metadata, interfaces))
  return file
}
const both = `<vpc:interface dev='web1' subnet='default/default'/>
  <vpc:interface dev='web1-lan' switch='lan' addresses='10.9.0.2'/>`
const ofBoth: Interface[] = [
  { dev: 'web1', mac: macs.web1 },
  { dev: 'web1-lan', mac: macs['web1-lan'] },
]

/** Objects of the host, without what changes by itself. */
const objects = (): string[] => (JSON.parse(h1.ok('list --json')) as { type: string; id: string }[]).map(({ id }) => id).sort()
const vnicNamed = (name: string): any => (JSON.parse(h1.ok('vnic list --json')) as { name: string }[]).find((each) => each.name === name)
const audit = (): void => assert.equal(h1.run('audit').code, 0)

async function consoleOf(name: string): Promise<GuestShell> {
  const socket = connect(join(directory, `${name}.sock`))
  sockets.push(socket)
  await once(socket, 'connect')
  const shell = new GuestShell(socket)
  await shell.alive()
  return shell
}
const nameByMac = (mac: string): string => `$(basename $(dirname $(grep -l ${mac} /sys/class/net/*/address)))`
async function configure(shell: GuestShell, mac: string, address: string): Promise<void> {
  await shell.must(`ip link set ${nameByMac(mac)} up && ip addr add ${address}/24 dev ${nameByMac(mac)}`)
}

test('what cannot be made keeps the guest from starting, with our words, and leaves nothing', () => {
  const were = objects()
  const one = ofBoth.slice(0, 1)
  const nothing = (): void => assert.deepEqual([objects(), h1.ok('libvirt list --json')], [were, '[]\n'])
  const { code, err } = libvirtd.virsh('create', web1(both, one))
  assert.equal(code, 1)
  assert.match(err, /vpc: interface web1-lan of domain web1 is in its metadata alone; give it .*; virsh edit web1 changes it/)
  nothing()
  // The hook by itself: the same words, and quicker.
  const refused = (metadata: string, interfaces: readonly Interface[], why: RegExp): void => {
    const said = libvirtd.hook(readFileSync(web1(metadata, interfaces), 'utf8'), 'web1', 'prepare', 'begin', '-')
    assert.notEqual(said.code, 0)
    assert.match(said.err, why)
    nothing()
  }
  refused(`<vpc:interface dev='web1' subnet='default/none'/>`, one, /vpc: cannot find subnet default\/none/)
  refused(`<vpc:interface dev='web1' swich='lan'/>`, one, /unknown attribute 'swich'; expected one of dev, vnic/)
  refused(`<vpc:interface dev='web1' switch='nowhere'/>`, one, /there is no switch nowhere on this host/)
  refused(both, [...one, { ...ofBoth[1]!, queues: 1 }], /needs 2 to 16 queues/)
  const lan = both.split('\n')[1]!
  refused(lan, [{ ...ofBoth[1]!, more: `<mtu size='9999'/>` }], /an MTU of 9999, and vmnic\d+ takes \d+/)
  // A domain may be called like an option.
  const migrate = libvirtd.hook(readFileSync(web1(lan, ofBoth), 'utf8'), '--web1', 'migrate', 'begin', '-')
  assert.deepEqual([migrate.code, /do not move with a guest of libvirt/.test(migrate.err)], [1, true], migrate.err)
  const other = libvirtd.hook('<domain><name>x</name><uuid>0</uuid></domain>', 'x', 'prepare', 'begin', '-')
  assert.deepEqual(other, { code: 0, out: '', err: '' })
})

let shell: GuestShell
let were: string[]

test('a guest of virsh has an interface of the cloud and one of a switch, and reaches containers there', async () => {
  were = objects()
  libvirtd.ok('create', web1(both, ofBoth))
  shell = await consoleOf('web1')
  const vnic = vnicNamed('web1')
  assert.deepEqual([vnic.mac, vnic.state], [macs.web1, 'ready'])
  await configure(shell, macs.web1, vnic.addresses[0])
  await configure(shell, macs['web1-lan'], '10.9.0.2')
  await shell.must(`ping -A -c 2 -W 5 ${addressOf(cloudBox)} && ping -A -c 2 -W 5 10.9.0.1`)
  assert.ok(pings(laneBox, '10.9.0.2'))
  audit()
  const { hostname, addresses } = JSON.parse(h1.ok('switch port list --json')).find((each: any) => each.name === 'web1-lan')
  assert.deepEqual([hostname, addresses], ['web1', ['10.9.0.2']])
  // Another domain cannot have the vnic meanwhile.
  const thief = domainXml('thief', randomUUID(), `<vpc:interface dev='thief' vnic='web1'/>`, [{ dev: 'thief', mac: macs.web1 }])
  assert.match(libvirtd.hook(thief, 'thief', 'prepare', 'begin', '-').err, /another guest has vmnic\d+ of thief/)
  await shell.must(`ping -A -c 2 -W 5 ${addressOf(cloudBox)}`)
})

test('a guest of vpc vm beside it has a user of its own, also where libvirt has made one', async () => {
  const { kernel, initrd } = guestImage()
  const boot = [`--kernel=${kernel}`, `--initrd=${initrd}`, '--append=console=ttyS0 quiet', '--memory=160', '--accel=tcg']
  const { vm, vnic, machine } = JSON.parse(h1.ok('vm create vm1 --subnet=default --json', ...boot))
  assert.match(readFileSync('/etc/passwd', 'utf8'), /^libvirt-qemu:/m)
  assert.ok(Number(machine.running.user) >= 1_900_000_000, JSON.stringify(machine))
  const beside = await guestShell(h1, vm.id, sockets)
  await configure(beside, vnic.mac, vnic.addresses[0])
  await shell.must(`ping -A -c 2 -W 5 ${vnic.addresses[0]}`)
  h1.ok('vm destroy vm1')
})

test('an interface is plugged into a running guest and out of it, and nothing of it stays', async () => {
  const before = objects()
  const attach = 'libvirt attach web1 web1-more --subnet=default'
  const options = [`--agent-state-dir=${h1.agentDir}`]
  assert.match(h1.run('libvirt attach web1 web1-more --switch=lan --subnet=default', ...options).err, /it can be in one alone/)
  assert.match(h1.run('libvirt attach none web1-more --subnet=default', ...options).err, /failed to get domain 'none'/)
  h1.ok(attach, ...options)
  const { mac, addresses } = vnicNamed('web1-more')
  assert.match(h1.ok(attach, ...options), /^unchanged/)
  await shell.must(`until grep -q ${mac} /sys/class/net/*/address; do sleep 0.1; done`)
  // The guest has one interface of this subnet at a time.
  await shell.must(`ip link set ${nameByMac(macs.web1)} down`)
  await configure(shell, mac, addresses[0])
  await shell.must(`ping -A -c 2 -W 5 ${addressOf(cloudBox)}`)
  h1.ok('libvirt detach web1 web1-more', ...options)
  assert.match(h1.ok('libvirt detach web1 web1-more', ...options), /^unchanged/)
  assert.equal(vnicNamed('web1-more'), undefined)
  await until('its vmnic is gone', () => objects().join() === before.join())
  await shell.must(`ip link set ${nameByMac(macs.web1)} up`)
  audit()
})

test('a guest is saved and restored, and goes on where it was', async () => {
  const { addresses } = vnicNamed('web1')
  await shell.must('echo mark > /tmp/mark')
  const file = join(directory, 'saved')
  libvirtd.ok('save', 'web1', file)
  assert.deepEqual([vnicNamed('web1').state, h1.ok('libvirt list --json')], ['unplugged', '[]\n'])
  libvirtd.ok('restore', file)
  shell = await consoleOf('web1')
  assert.equal((await shell.must('cat /tmp/mark')).trim(), 'mark')
  await shell.must(`ping -A -c 2 -W 5 ${addressOf(cloudBox)} && ping -A -c 2 -W 5 10.9.0.1`)
  assert.deepEqual(vnicNamed('web1').addresses, addresses)
})

test('libvirtd is started anew, the guest ends, and what it had goes', async () => {
  h1.ok('libvirt attach web1 web1-more --switch=lan --address=10.9.0.3', `--agent-state-dir=${h1.agentDir}`)
  const pid = libvirtd.pidOf('web1')
  await libvirtd.stop()
  await libvirtd.run()
  assert.equal(libvirtd.ok('domstate', 'web1'), 'running')
  assert.equal(libvirtd.pidOf('web1'), pid)
  await shell.must('ping -A -c 2 -W 5 10.9.0.1')
  assert.match(h1.run('libvirt release web1', `--agent-state-dir=${h1.agentDir}`).err, /domain web1 runs/)
  libvirtd.ok('destroy', 'web1')
  assert.deepEqual([vnicNamed('web1').state, h1.ok('libvirt list --json')], ['unplugged', '[]\n'])
  await until('its objects are gone', () => objects().join() === were.join())
  audit()
  assert.ok(!existsSync(`/var/lib/vpc/libvirt/${uuid}`))
})
