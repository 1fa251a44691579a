/** What many flows of one port cost: memory, the lookup of one among them, and looking for idle ones. */
import { readFileSync } from 'node:fs'
import { flowCheck } from '#datapath/flow-table.ts'
import { expire, flow, flowKey, flowState, youngKey, type FlowKey } from '#datapath/policy-layout.ts'
import { flowSeconds } from '#datapath/pickups.ts'
import { runSyscallProgram } from '#kernel/bpf-program.ts'
import { toMapped, type Ip } from '#wire/ip-address.ts'
import { udpFrame } from '#wire/frames.ts'
import type { Cost } from './cost.ts'
import { GroupScene } from '../test/datapath/group-scene.ts'
import { stations } from '../test/datapath/scene.ts'

const RUNS = 5000
const BATCH = 8192
const { b } = stations
const port = 2

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!

/** Peers of 10.1.0.0/16 and on, each with 16 flows. */
const peerOf = (i: number): Ip => Uint8Array.of(10, 1 + (i >> 20), (i >> 12) & 255, (i >> 4) & 255) as Ip
const portOf = (i: number): number => 1024 + (i & 15)

/** Established flows that hold by the rules as they are, whose last packet was so many seconds ago. */
function fill(groups: GroupScene, count: number, idle = 0): void {
  const { policy } = groups.scene.tables
  using map = policy.flows.openMap(port)!
  using epochs = groups.scene.bench.map('peer_epochs')
  const epoch = new DataView(epochs.lookup(new Uint8Array(4))!.buffer).getUint32(0, true)
  const judged = { rule: 0, policy: policy.portPolicies.get(port)!.in, epoch }
  const nowS = flowSeconds()
  const none = { ...judged, tick: 0, check: 0, fins: 0, confirmed: 1, birth: 1, packets: [0n, 0n], bytes: [0n, 0n] }
  const value = flow.encode({ ...none, lastS: nowS - idle, createdS: nowS, tcpIdleS: 7200, state: flowState.established, initiator: 1 })
  for (let at = 0; at < count; at += BATCH) {
    const size = Math.min(BATCH, count - at)
    const [keys, values] = [new Uint8Array(size * flowKey.size), new Uint8Array(size * flow.size)]
    for (let i = 0; i < size; i++) {
      const ends = { inside: toMapped(b.v4), outside: toMapped(peerOf(at + i)), insidePort: 9, outsidePort: portOf(at + i) }
      const key = youngKey.encode({ port, flow: { protocol: 17, icmpType: 0, ...ends } as FlowKey })
      keys.set(key.subarray(youngKey.offsets.flow), i * flowKey.size)
      values.set(value, i * flow.size)
      new DataView(values.buffer, i * flow.size).setUint32(flow.offsets.check, flowCheck(key), true)
    }
    map.updateBatch(keys, values)
  }
}

/** A datagram of one of the flows, from a unit without a list of addresses. */
const datagram = (i: number): Uint8Array =>
  udpFrame({
    srcMac: stations.free.mac,
    dstMac: b.mac,
    src: peerOf(i) as never,
    dst: b.v4,
    srcPort: portOf(i),
    dstPort: 9,
  })

/** Packets of flows that no CPU knows, each of another one. */
function lookup({ scene }: GroupScene, count: number): number {
  const context = { ifindex: scene.devices.free }
  let at = 1
  return median(
    Array.from({ length: RUNS }, () => {
      at = (at * 48_271) % 2_147_483_647
      return scene.bench.measure('unit', datagram(at % count), context, 1)
    }),
  )
}

/** Bytes of the port's map, as the kernel counts them. */
const memoryOf = (fd: number): number => Number(/memlock:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))![1])

function removeIdle({ scene }: GroupScene): { readonly ms: number; readonly expired: number } {
  const { fd } = scene.bench.program('flows', 'vpc_expire')
  const start = performance.now()
  const { expired } = expire.decode(runSyscallProgram(fd, expire.encode({ port, expired: 0 })))
  return { ms: performance.now() - start, expired }
}

/** Read those that had a packet within six seconds, as a flow log asks for every four. Gives ms of a processor. */
function lookFor({ scene }: GroupScene): { readonly ms: number; readonly found: number } {
  const { flows } = scene.tables.policy
  const before = process.cpuUsage()
  const found = flows.ofPort(port, flows.uncounted(), flowSeconds() - 6)
  const { user, system } = process.cpuUsage(before)
  return { ms: (user + system) / 1000, found: found.length }
}

/** All of it, for so many flows. */
export function flowCosts(count: number): Cost[] {
  const groups = new GroupScene()
  using _ = groups
  groups.ports.b.maxFlows = count
  groups.join('b', groups.group({ id: '1', direction: 'in', protocol: 'udp', ports: ['9'] }))
  groups.settle()
  fill(groups, 1000)
  const few = lookup(groups, 1000)
  fill(groups, count)
  using map = groups.scene.tables.policy.flows.openMap(port)!
  const many = lookup(groups, count)
  const memory = memoryOf(map.fd) / 2 ** 20
  const kept = removeIdle(groups)
  fill(groups, count, 10_000)
  const idle = lookFor(groups)
  fill(groups, count / 100)
  const active = lookFor(groups)
  if (idle.found !== 0 || active.found !== count / 100) throw new Error(`${idle.found} and ${active.found} flows were active`)
  fill(groups, count / 100, 10_000)
  const gone = removeIdle(groups)
  if (kept.expired !== 0 || gone.expired !== count) throw new Error(`${kept.expired} and ${gone.expired} flows were idle`)
  const name = `of ${count / 1e6} million flows of a port`
  return [
    { what: 'a packet of a flow of 1000 that its CPU does not know', value: few, unit: 'ns' },
    { what: `the same ${name}`, value: many, unit: 'ns' },
    { what: `memory ${name}`, value: memory, unit: 'MiB' },
    { what: `looking for idle ones ${name}`, value: kept.ms, unit: 'ms' },
    { what: `removing all ${name}`, value: gone.ms, unit: 'ms' },
    { what: `a look of a flow log, none active, ${name}`, value: idle.ms, unit: 'ms' },
    { what: `the same, one of a hundred active, ${name}`, value: active.ms, unit: 'ms' },
  ]
}
