/**
 * A document of many objects holds nobody up: reads go on, changes wait for its end, and all of it is done or nothing.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import type { HostDocument } from '#abi/host-file.ts'
import { VpcError } from '#client/error.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { TestHost, type Daemon } from './test-host.ts'

let clean: Snapshot
let host: TestHost
let daemon: Daemon
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  daemon = await host.start()
})
after(async () => {
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

/** A switch of many ports, and hostifs in some of them. */
function document(ports: number, hostifs: number): HostDocument {
  const ids = Array.from({ length: hostifs }, () => generateId('hostif'))
  const plugged = (i: number): object => (i < hostifs ? { interface: ids[i] } : {})
  const all = Array.from({ length: ports }, (_, i) => ({ id: generateId('vpcp'), vni: 5001, ...plugged(i) }))
  return { version: 1, hostifs: ids.map((id) => ({ id })), switches: [{ id: generateId('vpcsw'), ports: all }] } as HostDocument
}

const count = (): Promise<number> => host.vpc.mgmt().then(async (mgmt) => mgmt.count('any').finally(() => mgmt.close()))

test('reads go on while a large document is applied, changes and what tells of the whole wait for it', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await using reader = await host.vpc.mgmt()
  await using writer = await host.vpc.mgmt({ write: true })
  await using whole = await host.vpc.mgmt()
  const order: string[] = []
  const ends = (what: string) => (): void => void order.push(what)
  const before = await reader.count('any')
  const applied = writer.apply(document(1500, 60)).finally(ends('apply'))
  const seen = new Set<number>()
  const read = async (): Promise<void> => {
    const { up } = await sw.describe()
    const made = (await reader.count('any')) - before
    seen.add(made)
    assert.ok(up || made >= 1561, `it was set down when ${made} objects were made`)
  }
  // How many objects there are once one more can be made.
  const created = async (): Promise<number> => {
    await using _hostif = await host.vpc.openHostif(generateId('hostif'), { create: true })
    ends('create')()
    return (await reader.count('any')) - before
  }
  while (seen.size < 3 && order.length === 0) await read()
  assert.deepEqual(order, [], 'it takes many turns')
  const rest = [sw.setUp(false).finally(ends('change')), created(), whole.export().finally(ends('export'))] as const
  while (order.length === 0) await read()
  const changes = await applied
  const [, madeThen, exported] = await Promise.all(rest)
  assert.ok(madeThen >= 1562, `a hostif was made when there were ${madeThen} objects`)
  assert.equal(changes.length, 1561)
  assert.deepEqual(order.toSorted(), ['apply', 'change', 'create', 'export'])
  assert.ok([...seen].filter((count) => count > 0 && count < 1561).length >= 2, 'reads were answered meanwhile')
  assert.equal((exported['switches'] as { ports: unknown[] }[])[0]!.ports.length, 1500)
  assert.equal((await sw.describe()).up, false)
})

test('one that fails at its end takes back all of it, little by little', async () => {
  await using writer = await host.vpc.mgmt({ write: true })
  await writer.apply({ version: 1 } as HostDocument)
  const bad = document(800, 30) as unknown as { hostifs: object[]; ethlinks?: object[]; switches: { ports: { interface?: string }[] }[] }
  // A port's interface that is in another port already.
  bad.switches[0]!.ports.at(-1)!.interface = bad.switches[0]!.ports[0]!.interface!
  const before = await count()
  await assert.rejects(writer.apply(bad as unknown as HostDocument), VpcError)
  assert.equal(await count(), before)
  assert.deepEqual((await writer.audit()).items, [])
  assert.deepEqual(host.devices(), [])
})

test('a vpcd that stops meanwhile takes back what it has done', async () => {
  await using writer = await host.vpc.mgmt({ write: true })
  await using reader = await host.vpc.mgmt()
  const applied = writer.apply(document(1500, 60)).then(
    () => 'done',
    (error: VpcError) => error.code,
  )
  while ((await reader.count('any')) < 10);
  process.kill(daemon.pid, 'SIGTERM')
  assert.notEqual(await applied, 'done')
  assert.equal(await daemon.ended, 0)
  assert.deepEqual(host.devices(), [])
  daemon = await host.start()
  assert.equal(await count(), 0)
})
