/** Whether packets get from a host's facility to that of another host. */
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, subnetSpec, type Cloud } from './cloud.ts'
import type { Walk } from './context.ts'

/** Two hosts, and the subnet whose VNI the packets have; undefined: each subnet's own. */
export interface Ends {
  readonly one: ObjectRecord
  readonly two: ObjectRecord
  readonly subnet: ObjectRecord | undefined
}

/** Whether transits join the facilities of two hosts, and carry the subnet. */
export function crosses(walk: Walk, { one, two, subnet }: Ends): boolean {
  const { cloud, trail, way } = walk
  const { transits } = cloud.view
  const [from, to] = [one, two].map(({ spec }) => spec.facility as string) as [string, string]
  if (from === to) return true
  const crossing = transits.crossing(from, to)
  if (crossing === undefined) return noTransit(walk, from, to)
  const records = crossing.transits.map((id) => cloud.must('transit', id))
  trail.use(...records)
  const isApart = subnet !== undefined && [from, to].some((each) => transits.placeOf(subnet.id, each)?.isApart !== false)
  if (isApart) return noOneVni(walk, subnet)
  const { mtu, ipsec } = crossing
  const how = [...(ipsec ? ['under IPsec'] : []), ...(mtu === null ? [] : [`with an MTU of ${mtu}`])].join(', ')
  const text = 'transits join the facilities of the two hosts'
  const said = how === '' ? text : `${text}, ${how}`
  if (!trail.steps.some((step) => step.way === way && step.text === said)) trail.pass(way, 'host', said, records[0])
  return true
}

/** What VXLAN adds to a guest's packet: Ethernet, VXLAN, UDP, and IP of the underlay. */
const overheadBytes = { 4: 50, 6: 70 } as const

/** The largest packet of guests that a transit carries from a host to another one; undefined: none says. */
export function crossingMtu({ view, must }: Cloud, from: string, to: string): number | undefined {
  const [one, two] = [must('host', from), must('host', to)]
  const mtu = view.transits.crossing(one.spec.facility as string, two.spec.facility as string)?.mtu ?? undefined
  const [first] = (two.spec.underlay ?? []) as readonly { readonly address: string }[]
  return mtu === undefined || first === undefined ? undefined : mtu - overheadBytes[familyOf(first.address)]
}

/** Each host takes packets from hosts alone that it sends to, so one way is none. */
function noTransit({ cloud, trail, way }: Walk, from: string, to: string): false {
  const { names } = trail
  const pairs = [
    [from, to],
    [to, from],
  ] as const
  const [first, second] = pairs.find(([a, b]) => cloud.view.transits.between(a, b) === undefined)!
  const [a, b] = [cloud.must('facility', first), cloud.must('facility', second)]
  if (!names.mayRead(a)) {
    trail.stop(way, 'host', 'facility', 'the two hosts are in different facilities, which nothing joins')
    return false
  }
  const options = [`--from=${names.path(a)}`, `--to=${names.path(b)}`]
  const name = `${a.name}-to-${b.name}`.slice(0, 63)
  const command = names.mayWrite(a) ? names.command('transit', 'create', name, ...options) : undefined
  // Nobody has changed what is not there.
  trail.stop(way, 'host', 'facility', `no transit leads from ${names.text(a)} to ${names.text(b)}`, undefined, command)
  return false
}

/** Packets cross with the VNI that they have. */
function noOneVni({ trail, way }: Walk, subnet: ObjectRecord): false {
  const { names } = trail
  const what = subnetSpec(subnet).network4 ?? subnetSpec(subnet).network6 ?? ''
  const text = `${names.text(subnet)} (${what}) has not one VNI alone in all facilities that transits join, so its packets cross none`
  trail.stop(way, 'host', 'facility', text, subnet)
  return false
}
