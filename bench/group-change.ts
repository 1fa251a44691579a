/**
 * What a change of a large group does to traffic: guests ping each other as fast as `ping` can, while addresses join a
 * group of 100 000 members that the receiver's rules name. `node bench/group-change.ts` takes a minute.
 */
import { generateId } from '#abi/id.ts'
import { Bed, type Namespace } from './bed.ts'
import type { Cost } from './cost.ts'
import { plan, type Conditions } from './peer.ts'
import { makeSwitch, plugGuest, startVpcd } from './peers/vpc.ts'

const MEMBERS = 100_000
const CHANGES = 40
const SECONDS = 10

const conditions: Conditions = { scope: 'same-host', mtu: 1450, offload: true, entries: 1 }
const member = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
const at = (sorted: readonly number[], part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN

interface Delays {
  readonly sent: number
  readonly lost: number
  readonly p50Us: number
  readonly p99Us: number
  readonly mostUs: number
}

/** Round trips, a millisecond apart. */
async function ping(bed: Bed, client: Namespace): Promise<Delays> {
  const { stdout } = await bed.runAsync(client, [
    'timeout',
    String(6 * SECONDS),
    'ping',
    '-n',
    '-i',
    '0.001',
    '-c',
    String(SECONDS * 1000),
    plan.guests[1].address,
  ])
  const times = [...stdout.matchAll(/time=([\d.]+) ms/g)].map(([, ms]) => Number(ms) * 1000).sort((a, b) => a - b)
  const sent = Number(/(\d+) packets transmitted/.exec(stdout)?.[1] ?? NaN)
  return { sent, lost: sent - times.length, p50Us: at(times, 0.5), p99Us: at(times, 0.99), mostUs: at(times, 1) }
}

/** Milliseconds of each change, and the round trips without any and meanwhile. */
async function groupChange(bed: Bed): Promise<{ readonly ms: readonly number[]; readonly quiet: Delays; readonly meanwhile: Delays }> {
  const host = bed.namespace('h1')
  const vpc = await startVpcd(bed, host)
  const switchId = await makeSwitch(vpc)
  const client = await plugGuest(bed, vpc, switchId, host, 0, conditions)
  await plugGuest(bed, vpc, switchId, host, 1, conditions)
  await using clients = await vpc.openGroup(generateId('group'), { create: true, write: true })
  await clients.setSwitch(switchId)
  await clients.commit()
  await clients.addMembers(Array.from({ length: MEMBERS }, (_, i) => member(i + 1)))
  await clients.addMembers([plan.guests[0].address])
  await using servers = await vpc.openGroup(generateId('group'), { create: true, write: true })
  await servers.setSwitch(switchId)
  await servers.addRules([{ id: '1', direction: 'in', protocol: 'icmp', peers: [clients.id] }])
  await servers.commit()
  await using mgmt = await vpc.mgmt()
  const info = (await mgmt.describeAll('vpcp')).find((each) => JSON.stringify(each).includes(plan.guests[1].address))
  if (info === undefined) throw new Error('no port of the second guest')
  await using port = await vpc.openPort(info.id, { write: true })
  await port.setGroups([servers.id])
  const quiet = await ping(bed, client)
  const ms: number[] = []
  const running = ping(bed, client)
  for (let i = 0; i < CHANGES; i++) {
    const start = performance.now()
    await clients.addMembers([member(200_000 + i)])
    ms.push(performance.now() - start)
  }
  return { ms: ms.sort((a, b) => a - b), quiet, meanwhile: await running }
}

/** What comes of it, as rows of the group costs. */
export async function changeCosts(): Promise<Cost[]> {
  await using bed = new Bed('change')
  const { ms, quiet, meanwhile } = await groupChange(bed)
  const of = (what: string, { sent, lost, p99Us, mostUs }: Delays): Cost[] => [
    { what: `half a ping ${what}, p99 of ${sent}`, value: p99Us / 2, unit: 'µs' },
    { what: `the longest of them`, value: mostUs / 2, unit: 'µs' },
    { what: `lost of them`, value: lost, unit: 'packets' },
  ]
  return [
    {
      what: `a member more of a group of ${MEMBERS} in vpcd under traffic, until it counts, p50 of ${CHANGES}`,
      value: at(ms, 0.5),
      unit: 'ms',
    },
    { what: 'the longest of these', value: at(ms, 1), unit: 'ms' },
    ...of('meanwhile', meanwhile),
    ...of('without changes', quiet),
  ]
}

if (import.meta.main) for (const { what, value, unit } of await changeCosts()) console.log(`${what}: ${value.toFixed(1)} ${unit}`)
