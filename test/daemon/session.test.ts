/**
 * Many objects through one connection, and several changed as one: against a real vpcd, also one that is killed and
 * started anew. Needs root.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readText } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateId } from '#abi/id.ts'
import { VpcError } from '#client/error.ts'
import { TestHost, type Daemon } from './test-host.ts'

let host: TestHost
let daemon: Daemon
before(async () => {
  host = TestHost.create()
  daemon = await host.start()
})
after(() => host[Symbol.asyncDispose]())

const code =
  (expected: string, message = /./) =>
  (error: unknown) => {
    assert.ok(error instanceof VpcError, String(error))
    assert.equal(error.code, expected, error.message)
    assert.match(error.message, message)
    return true
  }

/** Devices of objects: rooms come and go behind the operations. */
const devicesOfObjects = (): string[] => host.devices().filter((name) => !name.startsWith('vpcroom'))

test('a session holds many objects by one connection of vpcd', async () => {
  await using mgmt = await host.vpc.mgmt()
  // With its first device, vpcd opens descriptors that all later ones need.
  await (await host.vpc.openSwitch(generateId('vpcsw'), { create: true })).close()
  const before = host.descriptorsOf(daemon)
  await using session = await host.vpc.session()
  const sw = await session.openSwitch(generateId('vpcsw'), { create: true })
  await sw.setVni(5001)
  const ports = await Promise.all(Array.from({ length: 50 }, () => generateId('vpcp')).map((id) => session.openPort(id, { create: true })))
  await ports[0]!.setVlan(7)
  assert.equal(await ports[0]!.vlan(), 7)
  assert.equal(await sw.vni(), 5001)
  assert.equal(session.size, 51)
  assert.equal(await mgmt.count('vpcp'), 50)
  assert.ok(host.descriptorsOf(daemon) <= before + 1, `${host.descriptorsOf(daemon) - before} descriptors more`)
  await ports[0]!.close()
  await assert.rejects(ports[0]!.vlan(), code('EBADF', /is closed/))
  assert.equal(await mgmt.count('vpcp'), 49, 'its last descriptor was closed')
  await assert.rejects(session.openPort(ports[0]!.id), code('ENOENT'))
  assert.throws(() => sw.fd, code('EOPNOTSUPP', /open it by itself to pass it on/))
  await session.close()
  assert.equal(await mgmt.count('any'), 0)
})

test('rights are those of each descriptor', async () => {
  await using session = await host.vpc.session()
  const id = generateId('vmnic')
  await using made = await session.openVmnic(id, { create: true })
  await using reader = await session.openVmnic(id)
  await assert.rejects(reader.setMtu(1400), code('EPERM', /WRITE/))
  await made.limit({ operations: ['metaMtuSet'] })
  await made.setMtu(1400)
  await assert.rejects(made.commit(), code('EPERM'))
  assert.equal(await reader.mtu(), 1400)
})

test('a management handle that is not a session has none of its operations', async () => {
  await using mgmt = await host.vpc.mgmt({ write: true })
  const number = Buffer.alloc(4)
  await assert.rejects(mgmt.ctl('mgmtHandleClose', number), code('EPERM', /flag SESSION \(0x100\)/))
  await assert.rejects(mgmt.ctl('mgmtTransaction'), code('EPERM', /this descriptor is none/))
})

test('events come to the descriptor that subscribed', async () => {
  await using session = await host.vpc.session()
  const hostif = await session.openHostif(generateId('hostif'), { create: true })
  const [quiet, asked] = (await Promise.all(
    [6001, 6002].map(async (vni) => {
      const sw = await session.openSwitch(generateId('vpcsw'), { create: true })
      await sw.setVni(vni)
      return sw
    }),
  )) as [Awaited<ReturnType<typeof session.openSwitch>>, Awaited<ReturnType<typeof session.openSwitch>>]
  const portId = generateId('vpcp')
  await asked.addPort(portId)
  const port = await session.openPort(portId, { write: true })
  await port.connect(hostif.id)
  const stop = new AbortController()
  const [none, some] = [quiet, asked].map((sw) => sw.listen(stop.signal).next()) as [
    Promise<IteratorResult<any>>,
    Promise<IteratorResult<any>>,
  ]
  const guest = host.guest('asks', (await hostif.describe()).device, '10.0.0.1/24')
  const asking = spawn('nsenter', [`--net=/run/netns/${host.guestName('asks')}`, 'ping', '-c', '5', '-W', '1', '10.0.0.2'], {
    stdio: 'ignore',
  })
  const { value } = await some
  assert.deepEqual([value.question, value.vni], ['arp', 6002])
  asking.kill('SIGKILL')
  await once(asking, 'exit')
  stop.abort()
  assert.equal((await none).done, true)
  assert.match(guest('true'), /^$/)
})

test('a transaction opens and changes several objects as one', async () => {
  await using session = await host.vpc.session()
  const [switchId, portId, vmnicId] = [generateId('vpcsw'), generateId('vpcp'), generateId('vmnic')]
  const vmnic = await session.openVmnic(vmnicId, { create: true })
  const { sw, port } = await session.transaction(async (tx) => {
    const sw = await tx.openSwitch(switchId, { create: true })
    await sw.setVni(7001)
    await sw.addPort(portId)
    const port = await tx.openPort(portId, { write: true })
    await port.setAddresses(['10.0.0.5'])
    await port.connect(vmnicId)
    await sw.commit()
    await tx.with(vmnic).commit()
    await assert.rejects(port.vlan(), code('EOPNOTSUPP', /in a transaction: it gives something/))
    return { sw, port }
  })
  assert.equal(await port.peer(), vmnicId)
  assert.equal((await vmnic.describe()).committed, true)
  assert.equal((await sw.describe()).committed, true)
  await session.transaction(async (tx) => {
    for (const object of [sw, vmnic]) await tx.with(object).destroy()
  })
})

test('a step that is refused takes the others back, and says its place', async () => {
  await using mgmt = await host.vpc.mgmt()
  await using session = await host.vpc.session()
  const sw = await session.openSwitch(generateId('vpcsw'), { create: true })
  const devices = devicesOfObjects()
  const vmnicId = generateId('vmnic')
  let left: Awaited<ReturnType<typeof session.openVmnic>> | undefined
  const failed = session.transaction(async (tx) => {
    left = await tx.openVmnic(vmnicId, { create: true })
    await left.setMtu(1400)
    await tx.with(sw).setVni(8001)
    await tx.with(sw).deletePort(generateId('vpcp'))
  })
  await assert.rejects(failed, code('ENOENT', /^step 4 of 4: cannot /))
  assert.equal(await sw.vni(), 0)
  assert.deepEqual(devicesOfObjects(), devices)
  assert.deepEqual(await mgmt.headers('vmnic'), [])
  await assert.rejects(left!.mtu(), code('ENOENT'))
  await assert.rejects(
    session.transaction(async () => {
      throw new Error('no')
    }),
    /^Error: no$/,
  )
})

test('a descriptor that was inherited is taken over as what it is', async () => {
  const sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  const program = `const { adopt, adoptAs } = await import('#client/adopt.ts')
    const sw = await adopt(3)
    await sw.setVni(9001)
    console.log(sw.constructor.name, await sw.vni())
    await adoptAs(4, 'vmnic').catch((error) => console.log(error.code, error.message))
    await sw.close()`
  const other = await host.vpc.openPort(generateId('vpcp'), { create: true })
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', sw.fd, other.fd] })
  await Promise.all([sw.close(), other.close()])
  const said = await readText(child.stdout!)
  assert.match(said, /^Switch 9001\nEINVAL descriptor 4 is of a port \(.*\), not of a vmnic\n$/)
})

test('a session that reconnects opens what it holds again', async () => {
  await using session = await host.vpc.session({ reconnect: true })
  const [kept, lost] = [generateId('vmnic'), generateId('vmnic')]
  const committed = await session.openVmnic(kept, { create: true })
  await committed.commit()
  await committed.limit({ operations: ['metaMtuGet', 'metaMtuSet', 'metaDestroy'] })
  const uncommitted = await session.openVmnic(lost, { create: true })
  const sw = await session.openSwitch(generateId('vpcsw'), { create: true })
  await sw.commit()
  const questions = sw.listen().next()
  // Subscribed when a later request is answered.
  await sw.vni()
  const broken = assert.rejects(questions, code('ECONNRESET'))
  process.kill(daemon.pid, 'SIGKILL')
  await daemon.ended
  await broken
  const waits = committed.mtu()
  await sleep(0)
  daemon = await host.start()
  assert.equal(await waits, 1500)
  await committed.setMtu(1450)
  await assert.rejects(committed.mac(), code('EPERM'), 'it is narrowed as before')
  await assert.rejects(uncommitted.mtu(), code('ENOENT', new RegExp(lost)))
  const again = sw.listen()
  const stop = again.return()
  await stop
  await committed.destroy()
  await (await session.openSwitch(sw.id, { write: true })).destroy()
})

test('a session that has reconnected gets events, and reconnects again', async () => {
  await using session = await host.vpc.session({ reconnect: true })
  const vmnic = await session.openVmnic(generateId('vmnic'), { create: true })
  await vmnic.commit()
  await using mgmt = await session.mgmt()
  for (const mtu of [1400, 1401]) {
    process.kill(daemon.pid, 'SIGKILL')
    await daemon.ended
    daemon = await host.start()
    const changes = mgmt.followChanges({ signal: AbortSignal.timeout(20_000) })
    await changes.next()
    await vmnic.setMtu(mtu)
    const { value } = await changes.next()
    assert.ok(JSON.stringify(value ?? null).includes(vmnic.id), JSON.stringify(value))
    await changes.return()
  }
  await vmnic.destroy()
})

test('a session that does not reconnect ends with its vpcd', async () => {
  await using session = await host.vpc.session()
  const vmnic = await session.openVmnic(generateId('vmnic'), { create: true })
  process.kill(daemon.pid, 'SIGKILL')
  await daemon.ended
  await assert.rejects(vmnic.mtu(), code('ECONNRESET'))
  daemon = await host.start()
  await assert.rejects(vmnic.mtu(), code('ECONNRESET'))
})
