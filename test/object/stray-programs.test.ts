/**
 * Programs of ours that this vpcd did not pin: another bpffs, one that hides the first, another build. An audit and a
 * start look at the devices.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { AuditReport } from '#abi/audit.ts'
import { openFlag } from '#abi/command.ts'
import { generateId } from '#abi/id.ts'
import type { MuxInfo } from '#abi/info.ts'
import { chainOf, detachFrom, directions } from '#datapath/chain.ts'
import { Datapath } from '#datapath/datapath.ts'
import { hooks, type Hook } from '#datapath/hook.ts'
import { loadPassOn } from '#kernel/bpf-load.ts'
import { close } from '#kernel/libc.ts'
import { mountBpffs, unmount } from '#kernel/mount.ts'
import { attachTcx } from '#kernel/tcx.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import { PrivateBpffs } from '../bpf/private-bpffs.ts'
import { json } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'
import { eventually } from './underlay.ts'
import { world } from './world.ts'

function report(host: ScratchHost, operation: 'mgmtAudit' | 'mgmtRepair'): AuditReport {
  const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  try {
    return json(mgmt.do(operation)) as AuditReport
  } finally {
    mgmt.handle.close()
  }
}

/** What runs, by device and side. */
const running = (host: ScratchHost): Record<string, string[]> =>
  Object.fromEntries(
    host.netlink.links().flatMap(({ name, ifindex }) =>
      directions.flatMap((direction) => {
        const chain = chainOf(ifindex, direction).map((program) => `${program.name} ${program.progId}`)
        return chain.length === 0 ? [] : [[`${name} ${direction}`, chain]]
      }),
    ),
  )

/**
 * The programs that this vpcd has loaded, each alone on its side but for those of an underlay that is an uplink or has
 * public addresses as well.
 */
function assertOwnAlone(host: ScratchHost): void {
  const loaded = new Set((Object.keys(hooks) as Hook[]).map((hook) => host.datapath.programId(hook)))
  const chains = Object.entries(running(host))
  assert.ok(chains.length >= 6, JSON.stringify(chains))
  for (const [where, chain] of chains) {
    const ids = chain.map((text) => Number(text.split(' ')[1]))
    assert.deepEqual([...new Set(ids)], ids, where)
    for (const id of ids) assert.ok(loaded.has(id), `${where}: ${chain.join(', ')}`)
  }
}

describe('programs that another vpcd left', () => {
  test('a bpffs that is mounted over the first hides the pins; the next start takes the links over', async () => {
    await using host = new ScratchHost()
    world(host)
    const before = Object.keys(running(host))
    await host.kill()
    mountBpffs(host.bpffs.path)
    try {
      host.start()
      assertOwnAlone(host)
      assert.deepEqual(Object.keys(running(host)), before)
      assert.deepEqual(report(host, 'mgmtAudit').items, [])
    } finally {
      await host.stop()
      Datapath.destroy(join(host.bpffs.path, 'vpc'))
      unmount(host.bpffs.path)
    }
    host.start()
    assertOwnAlone(host)
  })

  test('a bpffs that is mounted over that of a vpcd that runs is told and mended', async () => {
    await using host = new ScratchHost()
    world(host)
    mountBpffs(host.bpffs.path)
    try {
      const { items } = report(host, 'mgmtAudit')
      assert.ok(items.some(({ kind, problem }) => kind === 'program' && problem === 'missing'))
      assert.ok(items.some(({ kind, problem }) => kind === 'pin' && problem === 'missing'))
      const { items: left, failures } = report(host, 'mgmtRepair')
      assert.deepEqual([left, failures], [[], []])
      assertOwnAlone(host)
    } finally {
      await host.stop()
      Datapath.destroy(join(host.bpffs.path, 'vpc'))
      unmount(host.bpffs.path)
    }
    host.start()
  })

  test('what another build attached to a device is told by an audit, and taken off by a repair or a start', async () => {
    await using host = new ScratchHost()
    world(host)
    using elsewhere = PrivateBpffs.mount()
    const other = Datapath.load({ bpffs: join(elsewhere.path, 'vpc'), objectDir: builtObjects() })
    const { ifindex } = host.netlink.linkByName('wire0')!
    const leave = (): void => {
      other.attach('unit', ifindex, 'left')
      other.attach('ethlink-egress', ifindex, 'left-out')
    }
    const strange = (): string[] =>
      report(host, 'mgmtAudit').items.map(({ kind, what, part, problem }) => [kind, what, part, problem].join(' '))
    leave()
    assert.deepEqual(strange(), ['program wire0 ingress strange', 'program wire0 egress strange'])
    assert.deepEqual(report(host, 'mgmtRepair').items, [])
    assertOwnAlone(host)
    leave()
    await host.restart()
    assertOwnAlone(host)
    assert.ok(host.lines.some(({ level, message }) => level === 'warn' && /detached program vpc_unit from wire0/.test(message)))
    other.destroyAll()
  })
})

describe('foreign programs', () => {
  test('before ours are noted by an audit; behind ours on the ingress of an underlay they close the direct way', async () => {
    await using host = new ScratchHost()
    const { mux } = world(host)
    const passOn = loadPassOn()
    const [wire, under] = ['wire0', 'under0'].map((name) => host.netlink.linkByName(name)!.ifindex) as [number, number]
    assert.deepEqual(report(host, 'mgmtAudit').notes, [])
    // Ours comes back behind it.
    for (const program of chainOf(wire, 'ingress')) detachFrom(wire, program)
    attachTcx(passOn, wire, 'ingress')
    assert.deepEqual(report(host, 'mgmtRepair').items, [])
    const [note, ...others] = report(host, 'mgmtAudit').notes
    assert.match(note!, /^foreign program .* runs before ours on the ingress of wire0, and may end the chain there$/)
    assert.deepEqual(others, [])
    attachTcx(passOn, under, 'ingress')
    await eventually(() => mux.describe<MuxInfo>().objections.in.length > 0)
    assert.match(mux.describe<MuxInfo>().objections.in.join(), /^tcx: program .* on the ingress of the interface, behind ours$/)
    assert.match(report(host, 'mgmtAudit').notes.join('\n'), /vpcmux0: packets that come in go through the host's stack/)
    for (const program of chainOf(under, 'ingress')) if (!program.ours) detachFrom(under, program)
    await eventually(() => mux.describe<MuxInfo>().objections.in.length === 0)
    close(passOn)
  })
})
