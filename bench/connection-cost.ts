/**
 * What security groups cost a short TCP connection, packet by packet, by BPF_PROG_TEST_RUN: both ends are units of one
 * host, so a packet asks the groups of both ports. `node bench/connection-cost.ts` takes ten seconds.
 */
import { tcpFrame } from '#wire/frames.ts'
import type { Cost } from './cost.ts'
import { GroupScene } from '../test/datapath/group-scene.ts'
import { stations } from '../test/datapath/scene.ts'

const CONNECTIONS = 3000
const SERVICE = 9
const { a, b } = stations

/** What a connection with one byte each way consists of, as the metric `connections` makes them. */
const steps: readonly (readonly [what: string, from: 'a' | 'b', flags: number, bytes: number])[] = [
  ['SYN', 'a', 2, 0],
  ['SYN-ACK', 'b', 18, 0],
  ['ACK', 'a', 16, 0],
  ['request', 'a', 24, 1],
  ['its ACK', 'b', 16, 0],
  ['answer', 'b', 24, 1],
  ['FIN', 'b', 17, 0],
  ['RST', 'a', 20, 0],
]

const median = (values: readonly number[]): number => values.toSorted((x, y) => x - y)[values.length >> 1]!

function frameOf(from: 'a' | 'b', flags: number, bytes: number, port: number): Uint8Array {
  const [source, dest] = from === 'a' ? [a, b] : [b, a]
  const [srcPort, dstPort] = from === 'a' ? [port, SERVICE] : [SERVICE, port]
  const ends = { srcMac: source.mac, dstMac: dest.mac, src: source.v4, dst: dest.v4, srcPort, dstPort }
  return tcpFrame({ ...ends, flags }, new Uint8Array(bytes))
}

/** ns of each step. */
function costs({ scene }: GroupScene): number[] {
  const times: number[][] = steps.map(() => [])
  for (let i = 0; i < CONNECTIONS; i++)
    for (const [at, [, from, flags, bytes]] of steps.entries())
      times[at]!.push(scene.bench.measure('unit', frameOf(from, flags, bytes, 1024 + i), { ifindex: scene.devices[from] }, 1))
  return times.map(median)
}

/** Each step with groups of both ports, and what that is more than without. */
export function connectionCosts(): Cost[] {
  const groups = new GroupScene()
  using _ = groups
  groups.ports.a.maxFlows = groups.ports.b.maxFlows = 65_536
  const without = costs(groups)
  const group = groups.group({ id: '1', direction: 'in', protocol: 'tcp', ports: [String(SERVICE)] })
  groups.join('a', group)
  groups.join('b', group)
  groups.settle()
  const guarded = costs(groups)
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
  const rows = steps.map(([what], i): Cost => ({
    what: `${what} of a connection, groups of both (${Math.round(without[i]!)} without)`,
    value: guarded[i]!,
    unit: 'ns',
  }))
  return [...rows, { what: 'what groups of both add to a connection', value: sum(guarded) - sum(without), unit: 'ns' }]
}

if (import.meta.main) for (const { what, value, unit } of connectionCosts()) console.log(`${what}: ${Math.round(value)} ${unit}`)
