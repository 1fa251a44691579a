/** VTEPs that a mux reaches by a way of their own: a narrower one, or under IPsec alone. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync, writeFileSync } from 'node:fs'
import { suite, test, type MockTracker } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AuditReport } from '#abi/audit.ts'
import { handleType, operations } from '#abi/command.ts'
import { generateId, idBytes, type Id } from '#abi/id.ts'
import type { MuxInfo } from '#abi/info.ts'
import { encodeSteps } from '#abi/session.ts'
import { guards as guardsInKernel } from '#datapath/host-rules/guards.ts'
import { muxFlag } from '#datapath/layout.ts'
import { observeSteps } from '#datapath/step.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, macFrom } from '#wire/mac.ts'
import { entry, json, jsonText, none, sockaddr, text, u16, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { eventually, underlay, VNI, ways, type Underlay } from './underlay.ts'

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' })

/** Policies for addresses, as `ip` lists them: direction, source, destination, port, action. */
function policies(): string[] {
  const found = ip('xfrm', 'policy', 'list').matchAll(/^src (\S+) dst (\S+) proto udp dport (\d+).*\n\s+dir (\w+)(?: action (\w+))?/gm)
  return [...found].map(([, from, to, port, way, action = 'allow']) => `${way} ${from} ${to} ${port} ${action}`).sort()
}

/** The two that keep a VTEP's packets from passing in plain. */
const guards = (vtep: string, port = 4789): string[] => [
  `in ${vtep}/32 192.0.2.1/32 ${port} block`,
  `out 192.0.2.1/32 ${vtep}/32 ${port} block`,
]

/** What becomes of a packet that a program of the host sends to a VTEP: a policy refuses it, or it is sent. */
const send = (address: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.bind(0, '192.0.2.1', () =>
      socket.send('x', 4789, address, (error) => {
        socket.close()
        resolve((error as NodeJS.ErrnoException | null)?.code ?? 'sent')
      }),
    )
  })

/** A mux in service, with entries behind 192.0.2.2 (MAC 01) and 192.0.2.3 (MAC 03). */
function inService(host: ScratchHost): Underlay {
  const one = underlay(host)
  for (const step of ['connect', 'listen', 'entry']) ways[step]!(one)
  one.mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:03', '192.0.2.3'))
  return one
}

/** MTUs by MAC, and whether packets may bypass the host's stack. */
function tablesOf({ datapath: { tables } }: ScratchHost): unknown[] {
  const mtu = (last: string): number | undefined => tables.fdb.get({ segment: VNI, mac: macFrom(`02:00:00:00:00:${last}`) })?.mtu
  const isDirect = tables.muxes.entries().some(([, { flags }]) => (flags & (muxFlag.directOut | muxFlag.directIn)) !== 0)
  return [mtu('01'), mtu('03'), isDirect]
}

/** How many packets of this network namespace a policy has dropped on their way out. */
const blocked = (): number => Number(/^XfrmOutPolBlock\s+(\d+)$/m.exec(readFileSync('/proc/thread-self/net/xfrm_stat', 'utf8'))?.[1])

/** A guest in the VNI. It sends a packet to a MAC. */
function guest(host: ScratchHost): (mac: string) => void {
  const [sw, hostif, id] = [host.create('vpcsw'), host.create('hostif'), generateId('vpcp')]
  sw.do('vpcswVniSet', vni(VNI))
  sw.do('vpcswPortAdd', idBytes(id))
  host.open('vpcp', id).do('vpcpConnect', idBytes(hostif.id))
  ip('link', 'set', 'hostif0', 'up')
  const { ifindex, mac } = host.netlink.linkByName('hostif0')!
  const ends = { srcMac: asMac(mac), src: ipFrom('10.0.0.1'), dst: ipFrom('10.0.0.3'), srcPort: 7, dstPort: 9 }
  return (to) => sendFrame(ifindex, udpFrame({ ...ends, dstMac: macFrom(to) }))
}

const far = (...lines: string[]): Uint8Array => text(JSON.stringify(lines))

test('the MTU of a far VTEP counts, and the kernel drops what IPsec does not protect', async () => {
  await using host = new ScratchHost()
  const { mux } = inService(host)
  mux.do('vpcmuxDirectSet', u16(2))
  assert.deepEqual([tablesOf(host), policies(), await send('192.0.2.2')], [[1550, 1550, true], [], 'sent'])
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 mtu=1400 ipsec'))
  assert.deepEqual([tablesOf(host), policies()], [[1350, 1550, false], guards('192.0.2.2')])
  assert.deepEqual([await send('192.0.2.2'), await send('192.0.2.3')], ['EPERM', 'sent'])
  // A policy of the operator for the same packets is one more, and comes first.
  const own = ['src', '192.0.2.1', 'dst', '192.0.2.2', 'proto', 'udp', 'dport', '4789', 'dir', 'out']
  ip('xfrm', 'policy', 'add', ...own)
  assert.equal(await send('192.0.2.2'), 'sent')
  ip('xfrm', 'policy', 'del', ...own)
  assert.equal(await send('192.0.2.2'), 'EPERM')
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2'))
  assert.deepEqual([tablesOf(host), policies(), await send('192.0.2.2')], [[1550, 1550, true], [], 'sent'])
  const twice = refused(() => mux.do('vpcmuxFarVtepsSet', far('192.0.2.2', '192.0.2.2 ipsec')))
  assert.match(twice.message, /192\.0\.2\.2 is in the list already/)
  const small = refused(() => mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 mtu=100')))
  assert.match(small.message, /an MTU of 100 bytes is not one of 1280/)
})

test('a far VTEP that is named with the port of the mux is the one without a port', async () => {
  await using host = new ScratchHost()
  const { mux } = inService(host)
  mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:04', '192.0.2.4', 4789))
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2:4789 mtu=1400', '192.0.2.3:4790 mtu=1300', '192.0.2.4 mtu=1350'))
  const mtu = (last: string): number | undefined =>
    host.datapath.tables.fdb.get({ segment: VNI, mac: macFrom(`02:00:00:00:00:${last}`) })?.mtu
  assert.deepEqual(['01', '03', '04'].map(mtu), [1350, 1550, 1300])
  // When the mux listens elsewhere, its VTEPs have other ports.
  mux.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
  assert.deepEqual(['01', '03', '04'].map(mtu), [1550, 1250, 1550])
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2:4790 mtu=1400', '192.0.2.2 mtu=1350'))
  assert.equal(mtu('01'), 1300, 'the smaller of two')
})

/** Give a setting of an interface a value. */
const sysctl = (device: string, name: string, value: 0 | 1): void => writeFileSync(`/proc/sys/net/ipv4/conf/${device}/${name}`, `${value}`)

test('a mux relies on no policies that the host lets packets pass by', async () => {
  await using host = new ScratchHost()
  const { mux, ethlink } = inService(host)
  const sends = (): boolean => host.datapath.tables.muxes.entries().length > 0
  const audit = (): string[] => {
    const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8)
    const { items } = json(mgmt.do('mgmtAudit')) as AuditReport
    mgmt.handle.close()
    return items.filter(({ kind }) => kind === 'interface').map(({ what, part, found }) => `${what} ${part}=${found}`)
  }
  for (const [device, name] of [
    ['under0', 'disable_xfrm'],
    ['all', 'disable_policy'],
  ] as const) {
    sysctl(device, name, 1)
    const { message } = refused(() => mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 ipsec')))
    const setting = `net.ipv4.conf.${device}.${name}`
    assert.ok(message.includes(`without IPsec (${setting})`) && message.includes(`sysctl -w ${setting}=0`), message)
    assert.deepEqual([policies(), mux.describe<MuxInfo>().farVteps, sends()], [[], [], true])
    sysctl(device, name, 0)
  }
  // A list for all hosts names this one, too, and its loopback has both settings from the start.
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.1 ipsec', '192.0.2.2 ipsec'))
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 ipsec'))
  assert.equal(await send('192.0.2.2'), 'EPERM')
  sysctl('under0', 'disable_xfrm', 1)
  assert.equal(await send('192.0.2.2'), 'sent', 'the kernel asks no policy')
  assert.deepEqual(audit(), ['vpcmux0 net.ipv4.conf.under0.disable_xfrm=1'])
  await eventually(() => !sends())
  assert.match(mux.describe<MuxInfo>().trouble ?? '', /sysctl -w net\.ipv4\.conf\.under0\.disable_xfrm=0/)
  // Also after a start.
  for (const each of [mux, ethlink]) each.do('metaCommit')
  await host.restart()
  assert.ok(!sends())
  sysctl('under0', 'disable_xfrm', 0)
  await eventually(sends)
  assert.deepEqual(audit(), [])
})

test('policies against packets in plain outlive vpcd, come back, follow the mux and go with it', async () => {
  await using host = new ScratchHost()
  const { mux, ethlink } = inService(host)
  // Of the other family, for the day on which the mux listens there.
  const lines = ['192.0.2.2 mtu=1400 ipsec', '2001:db8::2 ipsec', '[2001:db8::3]:4790 mtu=1400']
  mux.do('vpcmuxFarVtepsSet', far(...lines))
  mux.do('metaCommit')
  ethlink.do('metaCommit')
  const { id } = mux
  await host.stop()
  assert.deepEqual(policies(), guards('192.0.2.2'))
  ip('xfrm', 'policy', 'flush')
  host.start()
  const again = host.open('vpcmux', id)
  assert.deepEqual([policies(), again.describe<MuxInfo>().farVteps], [guards('192.0.2.2'), lines])
  // Within turns of the event loop, before any timer: all policies, and one that is named by its index.
  const index = (): string => /dir out.*index (\d+)/.exec(ip('-s', 'xfrm', 'policy'))![1]!
  for (const less of [() => ['flush'], () => ['delete', 'dir', 'out', 'index', index()]]) {
    ip('xfrm', 'policy', ...less())
    for (let turn = 0; turn < 10; turn++) await nextTurn()
    assert.deepEqual(policies(), guards('192.0.2.2'))
  }
  again.do('vpcmuxListen', sockaddr('192.0.2.1', 4790))
  assert.deepEqual(policies(), guards('192.0.2.2', 4790))
  const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8)
  const { muxes, ...rest } = json(mgmt.do('mgmtExport')) as { muxes: object[] }
  const anew = { ...muxes[0], listen: '192.0.2.1:4789', 'far-vteps': ['192.0.2.3 ipsec'] }
  mgmt.do('mgmtApply', jsonText({ ...rest, muxes: [anew] }))
  mgmt.handle.close()
  assert.deepEqual(policies(), guards('192.0.2.3'), 'of neither the old port nor the old VTEP')
  assert.deepEqual(
    host.lines.filter(({ message }) => message.includes('could not remove policies')),
    [],
  )
  again.do('metaDestroy')
  assert.deepEqual(policies(), [])
})

test('an apply that takes ipsec away lets nothing pass in plain until it has happened, whatever else changes', async () => {
  await using host = new ScratchHost()
  const { mux, ethlink } = inService(host)
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 ipsec'))
  for (const each of [mux, ethlink]) each.do('metaCommit')
  using mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8).handle
  const { muxes, ...rest } = json(mgmt.ctl(operations.mgmtExport.command, none)) as { muxes: object[] }
  // So many objects that it takes many turns.
  const ports = Array.from({ length: 600 }, () => ({ id: generateId('vpcp') }))
  const document = jsonText({ ...rest, muxes: [{ ...muxes[0], 'far-vteps': [] }], switches: [{ id: generateId('vpcsw'), ports }] })
  /** Apply that; the journal's write fails. `meanwhile` is done once the mux has no far VTEP under ipsec. */
  async function fail(meanwhile: () => void): Promise<void> {
    const request = { hasEnded: false }
    observeSteps((what) => {
      if (what === 'journal begin') throw new KernelError(what, errno.ENOSPC)
    })
    try {
      const failed = assert.rejects(async () => await mgmt.request(operations.mgmtApply.command, document), /journal begin/)
      void failed.catch(() => undefined).finally(() => (request.hasEnded = true))
      while (!request.hasEnded && mux.describe<MuxInfo>().farVteps.length > 0) await nextTurn()
      meanwhile()
      for (let turn = 0; turn < 10; turn++) await nextTurn()
      for (; !request.hasEnded; await nextTurn()) assert.equal(guardsInKernel().size, 2)
      await failed
    } finally {
      observeSteps(undefined)
    }
    assert.deepEqual([policies(), mux.describe<MuxInfo>().farVteps], [guards('192.0.2.2'), ['192.0.2.2 ipsec']])
  }
  await fail(() => ip('xfrm', 'policy', 'flush'))
  await fail(() => {
    ip('route', 'add', '198.51.100.0/24', 'via', '192.0.2.9')
    // No turn ends before vpcd is due to look at the host's rules and routes.
    for (const until = performance.now() + 200; performance.now() < until;) policies()
  })
  await mgmt.request(operations.mgmtApply.command, document)
  assert.deepEqual(policies(), [])
})

test('packets to a VTEP with a UDP port of its own do not pass in plain, either', async () => {
  await using host = new ScratchHost()
  const { mux } = inService(host)
  mux.do('vpcmuxFteSet', entry(VNI, '02:00:00:00:00:04', '192.0.2.4', 4790))
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.4:4790 ipsec'))
  // The kernel's policies see the mux's port: the VTEP's is written last.
  assert.deepEqual(policies(), guards('192.0.2.4'))
  const sendTo = guest(host)
  const before = blocked()
  sendTo('02:00:00:00:00:04')
  await eventually(() => blocked() > before)
})

test('a mux whose policies the kernel does not take after a start sends nothing, until it takes them', async () => {
  await using host = new ScratchHost()
  const { mux, ethlink } = inService(host)
  mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 ipsec'))
  for (const each of [mux, ethlink]) each.do('metaCommit')
  const { id } = mux
  const sends = (): boolean => host.datapath.tables.muxes.entries().length > 0
  assert.ok(sends())
  try {
    await host.restart(() => {
      ip('xfrm', 'policy', 'flush')
      observeSteps((what) => {
        if (what === 'XFRM_MSG_NEWPOLICY') throw new KernelError(what, errno.EPROTONOSUPPORT)
      })
    })
    assert.match(host.open('vpcmux', id).describe<MuxInfo>().trouble ?? '', /this kernel has no IPsec/)
    assert.ok(!sends())
    // Nothing that brings a mux back to life does so to this one.
    const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8)
    mgmt.do('mgmtRepair')
    mgmt.handle.close()
    assert.ok(!sends())
    ip('link', 'set', 'vpcmux0', 'down')
    await eventually(() => host.lines.some(({ message }) => message.includes('somebody set vpcmux0 down')))
    assert.ok(!sends())
    // vpcd goes on to follow the host's rules, for other muxes.
    const said = (words: string): number => host.lines.filter(({ message }) => message.includes(words)).length
    await eventually(() => said('could not set policies of IPsec') > 0)
    assert.equal(said("could not read the host's rules"), 0)
  } finally {
    observeSteps(undefined)
  }
  await eventually(() => sends() && policies().length === 2)
  assert.deepEqual(policies(), guards('192.0.2.2'))
})

suite('a mux that sends nothing for lack of policies', () => {
  /** Start vpcd anew on a kernel that takes no policies, and let it try for a while. Timers go by the test's clock. */
  async function without(mock: MockTracker, test: (host: ScratchHost, id: Id, sends: () => boolean, tries: () => number) => void) {
    await using host = new ScratchHost()
    const { mux, ethlink } = inService(host)
    mux.do('vpcmuxFarVtepsSet', far('192.0.2.2 ipsec'))
    for (const each of [mux, ethlink]) each.do('metaCommit')
    const sends = (): boolean => host.datapath.tables.muxes.entries().length > 0
    const tries = (): number => host.lines.filter(({ message }) => message.includes('is not as it should be')).length
    try {
      await host.restart(() => {
        ip('xfrm', 'policy', 'flush')
        mock.timers.enable({ apis: ['setTimeout'] })
        observeSteps((what) => {
          // Each try fails for another reason than the one before, so the log has all.
          if (what === 'XFRM_MSG_NEWPOLICY') throw new KernelError(what, tries() % 2 === 0 ? errno.EPROTONOSUPPORT : errno.EPERM)
        })
      })
      // vpcd tries again after longer and longer waits.
      for (const wait of [1000, 1000, 2000, 4000]) mock.timers.tick(wait)
      assert.ok(tries() >= 5 && !sends(), `${tries()} tries`)
      test(host, mux.id, sends, tries)
    } finally {
      observeSteps(undefined)
      mock.timers.reset()
    }
  }

  test('sends soon after it needs none', ({ mock }) =>
    without(mock, (host, id, sends) => {
      host.open('vpcmux', id).do('vpcmuxFarVtepsSet', far())
      mock.timers.tick(1000)
      assert.ok(sends())
    }))

  test('sends soon after a transaction of a session has it need none, and is not tried with each other change', ({ mock }) =>
    without(mock, (host, id, sends, tries) => {
      const before = tries()
      const mgmt = host.open('mgmt', generateId('mgmt'), 1 | 4 | 8 | 0x100)
      using _ = mgmt.handle
      const document = json(mgmt.do('mgmtExport')) as object
      for (let second = 0; second < 15; second++) {
        mgmt.do('mgmtApply', jsonText({ ...document, switches: [{ id: generateId('vpcsw') }] }))
        mock.timers.tick(1000)
      }
      const more = tries() - before
      assert.ok(more >= 1 && more <= 5, `${more} tries in 15 seconds with a change each`)
      assert.ok(!sends())
      const open = { number: 1, pad: 0, id: idBytes(id), handleType: handleType('vpcmux'), flags: 2n | 4n | 8n }
      const { command } = operations.vpcmuxFarVtepsSet
      mgmt.do(
        'mgmtTransaction',
        encodeSteps([
          { kind: 'open', open },
          { kind: 'ctl', number: 1, command, input: far() },
        ]),
      )
      mock.timers.tick(1000)
      assert.ok(sends())
    }))
})
