/**
 * The host's own stack, and agents that set every device up or down: what they do to devices of ours reaches no guest,
 * and vpcd undoes it.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import type { AuditReport } from '#abi/audit.ts'
import { openFlag } from '#abi/command.ts'
import { generateId } from '#abi/id.ts'
import { chainOf, detachFrom } from '#datapath/chain.ts'
import { statsNone, unitMark } from '#datapath/layout.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { sendFrame } from '#kernel/packet-socket.ts'
import { ethernetFrame } from '#wire/frames.ts'
import { broadcastMac, macFrom } from '#wire/mac.ts'
import { Container } from './container.ts'
import { json } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'
import { eventually } from './underlay.ts'
import { world } from './world.ts'

const frame = ethernetFrame({ srcMac: macFrom('02:00:00:00:00:99'), dstMac: broadcastMac, type: 0x88b5 }, new Uint8Array(50))

function report(host: ScratchHost, operation: 'mgmtAudit' | 'mgmtRepair'): AuditReport {
  const mgmt = host.open('mgmt', generateId('mgmt'), openFlag.create | openFlag.read | openFlag.write)
  try {
    return json(mgmt.do(operation)) as AuditReport
  } finally {
    mgmt.handle.close()
  }
}

const told = (host: ScratchHost): string[] =>
  report(host, 'mgmtAudit').items.map(({ kind, what, part, problem }) => [kind, what, part, problem].filter(Boolean).join(' '))

const received = (container: Container, device: string): number => {
  const text = execFileSync('nsenter', [`--net=/run/netns/${container.name}`, 'ip', '-s', '-j', 'link', 'show', device], {
    encoding: 'utf8',
  })
  return (JSON.parse(text) as { stats64: { rx: { packets: number } } }[])[0]!.stats64.rx.packets
}

/** Send as an agent of the host does. That the frame was dropped at once is no error of the test. */
function sendAsHost(ifindex: number): void {
  try {
    sendFrame(ifindex, frame)
  } catch (error) {
    if (!(error instanceof KernelError && [errno.ENOBUFS, errno.ENETDOWN].includes(error.errno))) throw error
  }
}

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
const hostStackDrops = (host: ScratchHost): number => host.datapath.tables.drops.read(statsNone)['host_stack'] ?? 0
const isUp = (host: ScratchHost, name: string): boolean => host.netlink.linkByName(name)!.up
const openPorts = (): string => execFileSync('ss', ['-lunH'], { encoding: 'utf8' })

/** A host of whose hostifs one is in a container, so that there is a room. */
async function withContainer(use: (host: ScratchHost, container: Container) => Promise<void>): Promise<void> {
  await using host = new ScratchHost()
  world(host)
  // What the kernel sends of its own accord comes in by the uplink too.
  ip('link', 'set', 'wire0-wire', 'down')
  using container = new Container()
  // The guest asks no router: an answer is a frame more than those that the test sends.
  execFileSync('nsenter', [`--net=/run/netns/${container.name}`, 'sysctl', '-qw', 'net.ipv6.conf.default.accept_ra=0'])
  container.take(host.netlink, 'hostif0', '10.0.0.1')
  await eventually(() => host.netlink.linkByName('vpcroom0-in')?.master !== undefined)
  await use(host, container)
}

describe('what the host itself sends on devices of ours', () => {
  test('comes out in no guest, is counted, and no UDP port is opened', () =>
    withContainer(async (host, container) => {
      const switchSide = host.netlink.linkByName('sw-hostif0')!.ifindex
      const before = received(container, 'hostif0')
      for (const name of ['sw-hostif0', 'vmnic0', 'vpcroom0', 'vpcroom0-in']) {
        ip('link', 'set', name, 'addrgenmode', 'eui64')
        // Down and up, so that the kernel makes its address, asks for duplicates and routers, and reports its groups.
        if (name.startsWith('hostif') || name.startsWith('vmnic')) ip('link', 'set', name, 'down')
        ip('link', 'set', name, 'up')
        sendAsHost(host.netlink.linkByName(name)!.ifindex)
      }
      await eventually(() => !isUp(host, 'vpcroom0') && !isUp(host, 'vpcroom0-in'))
      sendAsHost(switchSide)
      // A frame with the datapath's mark comes through, after all the frames without it.
      sendFrame(switchSide, frame, unitMark)
      await eventually(() => received(container, 'hostif0') > before)
      assert.equal(received(container, 'hostif0'), before + 1)
      assert.ok(hostStackDrops(host) >= 3, `${hostStackDrops(host)} drops`)
      assert.doesNotMatch(openPorts(), /:1 /)
      assert.deepEqual(
        told(host).filter((line) => line.startsWith('program')),
        [],
      )
    }))

  test('a guard that somebody takes off is told and put back, also by a start', () =>
    withContainer(async (host) => {
      const takeOff = (name: string, direction: 'ingress' | 'egress'): void => {
        const { ifindex } = host.netlink.linkByName(name)!
        for (const program of chainOf(ifindex, direction)) if (program.name === 'vpc_unit_out') detachFrom(ifindex, program)
      }
      takeOff('vmnic0', 'egress')
      takeOff('vpcroom0', 'ingress')
      assert.deepEqual(
        told(host).toSorted(),
        ['program vpcroom0 guard of ingress missing', 'program vmnic0 guard of egress missing'].sort(),
      )
      assert.deepEqual(report(host, 'mgmtRepair').items, [])
      takeOff('vmnic0', 'egress')
      await host.restart()
      assert.deepEqual(told(host), [])
    }))
})

describe('a device of ours that somebody sets down', () => {
  test('is up again, logged, told by an audit until a repair', () =>
    withContainer(async (host) => {
      for (const [device, what] of [
        ['vpcmux0', 'vpcmux0'],
        ['sw-hostif0', 'hostif0'],
        ['vmnic0', 'vmnic0'],
      ] as const) {
        ip('link', 'set', device, 'down')
        await eventually(() => isUp(host, device))
        assert.ok(
          host.lines.some(({ level, message }) => level === 'warn' && message.includes(`somebody set ${device} down; it is up again`)),
        )
        assert.deepEqual(told(host), [`device ${what} up different`])
        const { items, mended } = report(host, 'mgmtRepair')
        assert.deepEqual([items.length, mended.length], [0, 1])
        assert.deepEqual(told(host), [])
      }
    }))

  test('again and again is set up again no faster than once a second, and at last', () =>
    withContainer(async (host) => {
      const began = performance.now()
      for (let i = 0; i < 2; i++) {
        ip('link', 'set', 'vmnic0', 'down')
        await eventually(() => isUp(host, 'vmnic0'))
      }
      assert.ok(performance.now() - began >= 1000, 'the second time, a second after the first')
      assert.equal(host.lines.filter(({ message }) => message.includes('somebody set vmnic0 down')).length, 2)
    }))

  test('and cannot be set up again has no entries, so that nothing counts as sent', () =>
    withContainer(async (host) => {
      const { muxes } = host.datapath.tables
      const { ifindex } = host.netlink.linkByName('vpcmux0')!
      assert.ok(muxes.get(ifindex))
      // A device of somebody else takes the UDP port while ours is down.
      ip('link', 'add', 'theirs', 'type', 'vxlan', 'id', '7', 'dstport', '4789', 'remote', '192.0.2.9', 'dev', 'under0')
      const script = 'ip link set vpcmux0 down && ip link set theirs up'
      execFileSync('sh', ['-c', script])
      await eventually(() => muxes.get(ifindex) === undefined)
      assert.ok(host.lines.some(({ level, message }) => level === 'error' && /vpcmux0 down, and it cannot be set up again/.test(message)))
      ip('link', 'del', 'theirs')
      assert.deepEqual(report(host, 'mgmtRepair').items, [])
      await eventually(() => muxes.get(ifindex) !== undefined)
    }))
})
