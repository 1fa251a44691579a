/** A real vpcd in a network namespace: what outlives it, what does not, and who is refused. Needs root. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { generateId, type Id } from '#abi/id.ts'
import type { ObjectInfo } from '#abi/info.ts'
import { VpcError } from '#client/error.ts'
import { vpcProgram as vpcCommand } from '#system/background.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { until } from './echo-server.ts'
import { TestHost } from './test-host.ts'

let clean: Snapshot
before(() => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
})
after(() => assertNoLeaks(clean))

interface Made {
  readonly sw: Id
  readonly ports: readonly Id[]
  readonly hostif: Id
  readonly vmnic: Id
  readonly ethlink: Id
  readonly mux: Id
}

/** One of everything, committed and joined. */
async function makeObjects({ vpc }: TestHost): Promise<Made> {
  const made: Made = {
    sw: generateId('vpcsw'),
    ports: [generateId('vpcp'), generateId('vpcp')],
    hostif: generateId('hostif'),
    vmnic: generateId('vmnic'),
    ethlink: generateId('ethlink'),
    mux: generateId('vpcmux'),
  }
  const create = { create: true }
  await using sw = await vpc.openSwitch(made.sw, create)
  await using hostif = await vpc.openHostif(made.hostif, create)
  await using vmnic = await vpc.openVmnic(made.vmnic, create)
  await using ethlink = await vpc.openEthlink(made.ethlink, create)
  await using mux = await vpc.openMux(made.mux, create)
  await sw.setVni(5001)
  for (const [i, id] of made.ports.entries()) {
    await sw.addPort(id)
    await using port = await vpc.openPort(id, { write: true })
    await port.connect([made.hostif, made.vmnic][i]!)
    await port.setAddresses([`10.0.0.${i + 1}`, `2001:db8::${i + 1}`])
    await port.commit()
  }
  await sw.setNeighbours([{ vni: 5001, address: '10.0.0.2', mac: '02:00:00:00:00:02' }])
  await ethlink.connect('wan')
  await mux.connect(made.ethlink)
  await mux.listen('192.0.2.1:4789')
  await mux.setEntries([
    { vni: 5001, mac: '02:00:00:00:00:09', vtep: '192.0.2.2' },
    { vni: 5001, mac: '00:00:00:00:00:00', vtep: '192.0.2.3' },
  ])
  for (const object of [sw, hostif, vmnic, ethlink, mux]) await object.commit()
  return made
}

/** vpcd's descriptions of its objects, sorted, without the asking descriptor. */
async function describeAll({ vpc }: TestHost): Promise<ObjectInfo[]> {
  await using mgmt = await vpc.mgmt()
  const objects = await mgmt.describeAll()
  return objects.map((object) => ({ ...object, descriptors: 0 })).sort((a, b) => (a.id < b.id ? -1 : 1))
}

const committedDevices = ['ethlink0', 'hostif0', 'sw-hostif0', 'vmnic0', 'vpcmux0', 'vpcsw0']

for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
  test(`after ${signal} the datapath is there, and a restart finds everything`, async () => {
    await using host = TestHost.create()
    const first = await host.start()
    const made = await makeObjects(host)
    const before = await describeAll(host)
    assert.equal(before.length, 7)
    await using fleeting = await host.vpc.openVmnic(generateId('vmnic'), { create: true })
    assert.deepEqual(host.devices(), [...committedDevices, 'vmnic1'].sort())

    process.kill(first.pid, signal)
    assert.equal(await first.ended, signal === 'SIGKILL' ? 'SIGKILL' : 0, first.lines.join('\n'))
    assert.equal(existsSync(host.socketPath), signal === 'SIGKILL')
    await assert.rejects(fleeting.mac(), (error) => error instanceof VpcError && error.code === 'ECONNRESET')
    for (const device of committedDevices) assert.ok(host.devices().includes(device), `${device} is gone`)

    const second = await host.start()
    assert.deepEqual(host.devices(), committedDevices)
    assert.deepEqual(await describeAll(host), before)
    await using mux = await host.vpc.openMux(made.mux)
    assert.equal((await mux.entries()).length, 2)
    await using sw = await host.vpc.openSwitch(made.sw, { write: true })
    assert.deepEqual(
      (await sw.neighbours()).map(({ address }) => address),
      ['10.0.0.2'],
    )
    await sw.setNeighbours([{ vni: 5001, address: '10.0.0.3', mac: '02:00:00:00:00:03' }])
    // A container's interface brings the room along, which no object owns.
    let inBox = (..._: string[]): string => ''
    if (signal === 'SIGTERM') {
      inBox = host.guest('box', 'hostif0', '10.0.0.1/24')
      dress(inBox)
      await until(() => host.devices().includes('vpcroom0'))
    }
    process.kill(second.pid, 'SIGTERM')
    assert.equal(await second.ended, 0, second.lines.join('\n'))
    if (signal === 'SIGINT') return
    if (signal === 'SIGKILL') {
      // Nothing can be noted: it clears the kernel all the same.
      mkdirSync(join(host.stateDir, 'moved.json'))
      host.guest('box', 'hostif0', '10.0.0.1/24')
      assert.match(clear(host), /could not note which interfaces are in containers/)
      return assert.deepEqual(host.devices(), [])
    }
    clear(host)
    assert.deepEqual(host.devices(), [])
    assert.equal(existsSync(join(host.bpffs, 'vpc')), false)
    assert.equal(host.ip('-d', 'link', 'show', 'wan').includes('promiscuity 0'), true)
    // Somebody else has moved it: it is back there, and a later start moves nothing.
    const place = JSON.parse(readFileSync(join(host.stateDir, 'moved.json'), 'utf8')) as { units: object }
    assert.deepEqual(Object.keys(place.units), [made.hostif])
    const third = await host.start()
    const here = committedDevices.filter((device) => device !== 'hostif0')
    const isHere = (device: string): boolean => !device.startsWith('vpcroom')
    assert.deepEqual(host.devices().filter(isHere), here)
    assertDressed(inBox)
    assert.equal(existsSync(join(host.stateDir, 'moved.json')), false)
    const isMoved = async (): Promise<unknown> => (await describeAll(host)).find((each) => each.type === 'hostif')?.moved
    assert.equal(await isMoved(), true)
    inBox('ip', 'link', 'set', 'eth0', 'name', 'hostif0', 'netns', `/proc/${process.pid}/ns/net`)
    execFileSync('ip', ['link', 'set', 'hostif0', 'netns', host.netns])
    process.kill(third.pid, 'SIGKILL')
    await third.ended
    await host.start()
    assert.deepEqual(host.devices().filter(isHere), committedDevices)
    assert.equal(await isMoved(), false)
    await using after = await host.vpc.openMux(made.mux)
    assert.equal((await after.entries()).length, 2)
    assert.throws(() => clear(host), /another vpcd, process \d+, uses/)
    assert.deepEqual(host.devices().filter(isHere), committedDevices)
  })
}

/** As a container manager does: another name, IPv6 on this interface alone, and default routes. */
function dress(inside: (...command: string[]) => string): void {
  inside('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1')
  inside('ip', 'link', 'set', 'hostif0', 'down')
  inside('ip', 'link', 'set', 'hostif0', 'name', 'eth0')
  inside('sysctl', '-qw', 'net.ipv6.conf.eth0.disable_ipv6=0')
  inside('ip', 'link', 'set', 'eth0', 'up')
  inside('ip', 'address', 'add', '2001:db8::1/64', 'nodad', 'dev', 'eth0')
  inside('ip', 'route', 'add', 'default', 'via', '10.0.0.254')
  inside('ip', '-6', 'route', 'add', 'default', 'via', '2001:db8::ff')
}

function assertDressed(inside: (...command: string[]) => string): void {
  assert.match(inside('ip', '-o', 'address', 'show', 'dev', 'eth0'), /10\.0\.0\.1\/24.*2001:db8::1\/64/s)
  assert.match(inside('ip', '-o', 'link', 'show', 'dev', 'eth0'), /[<,]UP[,>]/)
  assert.match(inside('ip', 'route'), /default via 10\.0\.0\.254 dev eth0/)
  assert.match(inside('ip', '-6', 'route'), /default via 2001:db8::ff dev eth0/)
}

/** `vpc daemon --clear`. Gives what it says. */
function clear({ netns, runDir, stateDir, bpffs }: TestHost): string {
  const places = ['--run-dir', runDir, '--state-dir', stateDir, '--bpffs', join(bpffs, 'vpc')]
  const args = [`--net=/run/netns/${netns}`, ...vpcCommand, 'daemon', '--clear', ...places]
  const { status, stderr } = spawnSync('nsenter', args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`exit status ${status}: ${stderr}`)
  return stderr
}

test('a second vpcd on either directory is refused, naming the first', async () => {
  await using host = TestHost.create()
  const first = await host.start()
  const elsewhere = join(host.directory, 'elsewhere')
  for (const options of [{}, { runDir: elsewhere }, { stateDir: elsewhere }]) {
    const second = host.spawn(options)
    assert.equal(await second.ended, 1)
    assert.match(
      second.lines.join('\n'),
      new RegExp(`vpc: another vpcd, process ${first.pid}, uses ${host.directory}/(run|state); stop it first`),
    )
  }
  await using other = TestHost.create()
  const third = other.spawn({ args: ['--bpffs', join(host.bpffs, 'vpc')] })
  assert.equal(await third.ended, 1)
  assert.match(third.lines.join('\n'), /vpc: another vpcd uses .*\/bpffs\/vpc; stop it first, or choose another directory with --bpffs/)
  await using mgmt = await host.vpc.mgmt()
  assert.equal((await mgmt.info()).pid, first.pid)
})

test('a second vpcd in a network namespace is refused before it touches anything, and not for what a stranger holds', async () => {
  await using host = TestHost.create()
  const elsewhere = { runDir: join(host.directory, 'run2'), stateDir: join(host.directory, 'state2') }
  const first = await host.start()
  await using hostif = await host.vpc.openHostif(generateId('hostif'), { create: true })
  await hostif.commit()
  const second = host.spawn({ ...elsewhere, args: ['--bpffs', join(host.bpffs, 'other')] })
  assert.equal(await second.ended, 1)
  assert.match(second.lines.at(-1)!, new RegExp(`another vpcd, process ${first.pid}, runs in this network namespace`))
  assert.match(host.ip('link', 'show', 'hostif0'), /hostif0/)
  process.kill(first.pid, 'SIGTERM')
  await first.ended
  const squat = "require('net').createServer().listen('\\0vpcd', () => console.log('held'))"
  const inside = [`--net=/run/netns/${host.netns}`, 'setpriv', '--reuid=65534', '--clear-groups', process.execPath, '-e', squat]
  const stranger = spawn('nsenter', inside, { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(stranger.stdout, 'data')
    const { lines } = await host.start()
    assert.ok(lines.some((line) => line.includes('another user has the abstract socket')))
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('a journal that cannot be read is left alone, and said', async () => {
  await using host = TestHost.create()
  const first = await host.start()
  process.kill(first.pid, 'SIGTERM')
  await first.ended
  const journal = join(host.stateDir, 'state.db')
  writeFileSync(journal, 'not a database at all, but someone wrote it here'.repeat(100))
  const second = host.spawn()
  assert.equal(await second.ended, 1)
  assert.match(second.lines.at(-1)!, /^vpc: journal .*state.db cannot be read: .*; restore it, or move it away/)
  assert.match(readFileSync(journal, 'utf8'), /^not a database/)
})

test('a journal without room refuses a change as a whole and says so; what was there stays, and it goes on', async () => {
  await using host = TestHost.create()
  mkdirSync(host.stateDir, { mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m,mode=700', 'tmpfs', host.stateDir])
  try {
    const first = await host.start()
    await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
    await sw.setVni(5001)
    await sw.commit()
    const some = (from: number) =>
      Array.from({ length: 4000 }, (_, i) => ({ vni: 5001, address: `10.${from}.${i >> 8}.${i & 255}`, mac: '02:00:00:00:00:02' }))
    await sw.setNeighbours(some(0).slice(0, 10))
    const before = await sw.neighbours()
    const filler = join(host.stateDir, 'filler')
    try {
      for (;;) writeFileSync(filler, Buffer.alloc(4096), { flag: 'a' })
    } catch {
      // Now it is full.
    }
    const full = (error: unknown): boolean =>
      error instanceof VpcError &&
      error.code === 'ENOSPC' &&
      /the disk of the journal is full; nothing was changed; make room/.test(error.message)
    await assert.rejects(sw.setNeighbours(some(1)), full)
    assert.deepEqual(await sw.neighbours(), before)
    // A start needs no room.
    process.kill(first.pid, 'SIGKILL')
    await first.ended
    const second = await host.start()
    await using still = await host.vpc.openSwitch(sw.id, { write: true })
    assert.deepEqual(await still.neighbours(), before)
    await assert.rejects(still.setNeighbours(some(1)), full)
    rmSync(filler)
    await still.setNeighbours(some(1))
    const after = await still.neighbours()
    assert.equal(after.length, 4010)
    process.kill(second.pid, 'SIGKILL')
    await second.ended
    await host.start()
    await using again = await host.vpc.openSwitch(sw.id, { write: true })
    assert.deepEqual(await again.neighbours(), after)
    await again.destroy()
  } finally {
    execFileSync('umount', ['-l', host.stateDir])
  }
})

test('vpcd tells of itself', async () => {
  await using host = TestHost.create()
  const { pid } = await host.start()
  await using mgmt = await host.vpc.mgmt()
  const { settings = [], ipsec, ...info } = await mgmt.info()
  // Whether the kernel has it.
  assert.equal(typeof ipsec, 'boolean')
  assert.ok(settings.includes('vpcsw.vni'), settings.join(' '))
  assert.deepEqual(
    { ...info, version: '', startedAt: '' },
    {
      version: '',
      pid,
      startedAt: '',
      runDir: host.runDir,
      stateDir: host.stateDir,
      bpffs: join(host.bpffs, 'vpc'),
      objects: 0,
      descriptors: 1,
    },
  )
  // Whether the clock of the machine is in step is unknown on most.
  const failed = (await mgmt.probe()).filter(({ state }) => state !== 'ok' && state !== 'unknown')
  assert.deepEqual(failed, [])
  assert.equal(await mgmt.count('any'), 0)
})

/** A client as user nobody, that loaded its modules before it gave root away. */
async function asNobody(socketPath: string): Promise<string> {
  const program = `const { Vpc } = await import('#client/vpc.ts')
    process.setgroups([]), process.setgid(65534), process.setuid(65534)
    await new Vpc({ socketPath: '${socketPath}' }).mgmt().then(() => console.log('let in'), (error) => console.log(error.code, error.message))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  return text(child.stdout!)
}

test('another user is kept out by the socket, and by vpcd when the socket lets him', async () => {
  await using host = TestHost.create()
  await host.start()
  chmodSync(host.directory, 0o755)
  assert.match(await asNobody(host.socketPath), /^EACCES cannot reach vpcd on .*vpcd.sock: this user may not use it; run this as root/)
  chmodSync(host.socketPath, 0o666)
  assert.match(await asNobody(host.socketPath), /^EPERM user 65534 \(process \d+\) may not open objects of this host; run as root/)
  await using mgmt = await host.vpc.mgmt()
  assert.equal((await mgmt.info()).descriptors, 1)
})

test('a descriptor that root opened works for another user', async () => {
  await using host = TestHost.create()
  await host.start()
  const vmnic = await host.vpc.openVmnic(generateId('vmnic'), { create: true })
  const program = `const { Descriptor } = await import('#client/descriptor.ts')
    process.setgroups([]), process.setgid(65534), process.setuid(65534)
    await using d = await Descriptor.fromFd(3)
    await d.setMtu(1400)
    console.log((await d.describe()).mtuBytes)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', vmnic.fd] })
  await vmnic.close()
  assert.equal(await text(child.stdout!), '1400\n')
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.deepEqual(host.devices(), [])
})

test('thousands of descriptors come and go, and vpcd is as it was', async () => {
  await using host = TestHost.create()
  const daemon = await host.start()
  await using mgmt = await host.vpc.mgmt()
  const before = host.descriptorsOf(daemon)
  for (let batch = 0; batch < 20; batch++) {
    const open = await Promise.all(Array.from({ length: 100 }, () => host.vpc.openPort(generateId('vpcp'), { create: true })))
    assert.equal(new Set((await Promise.all(open.map((port) => port.describe()))).map(({ unit }) => unit)).size, 100)
    await Promise.all(open.map((port) => port.close()))
  }
  await until(() => host.descriptorsOf(daemon) <= before)
  assert.equal(await mgmt.count('any'), 0)
  assert.equal((await mgmt.info()).descriptors, 1)
  const resident = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${daemon.pid}/status`, 'utf8'))![1])
  assert.ok(resident < 400_000, `${resident} kB`)
})

test('guests keep talking while vpcd is killed and comes back', async () => {
  await using host = TestHost.create()
  const first = await host.start()
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await sw.setVni(77)
  await sw.setFloodUnknown(true)
  await sw.commit()
  for (const name of ['a', 'b']) {
    await using hostif = await host.vpc.openHostif(generateId('hostif'), { create: true })
    await using port = await host.vpc.openPort(generateId('vpcp'), { create: true })
    await sw.addPort(port.id)
    await port.connect(hostif.id)
    await Promise.all([hostif.commit(), port.commit()])
    host.guest(name, (await hostif.describe()).device, name === 'a' ? '10.0.0.1/24' : '10.0.0.2/24')
  }
  const ping = spawn('ip', ['netns', 'exec', host.guestName('a'), 'ping', '-n', '-i', '0.02', '-c', '150', '-W', '1', '10.0.0.2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const output = text(ping.stdout!)
  await new Promise((resolve) => setTimeout(resolve, 300))
  process.kill(first.pid, 'SIGKILL')
  await first.ended
  await host.start()
  if (ping.exitCode === null) await once(ping, 'close')
  assert.match(await output, /150 packets transmitted, 150 received/)
  const again = spawnSync('ip', ['netns', 'exec', host.guestName('b'), 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.1'])
  assert.equal(again.status, 0)
})
