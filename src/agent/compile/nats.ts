/** Public addresses: a NAT for each item, on the wire of this host or by the host that has the wire. */
import type { NatItem } from '#feed/item.ts'
import type { Draft, HostFacts, Plain } from './draft.ts'
import { muxId, natId, routerId } from './ids.ts'
import type { Items } from './items.ts'
import { isStation, isWithin, joinedOf, type Joined } from './joined.ts'
import { thisHost, vtepsOf, type Vteps } from './underlay.ts'

const anyStation = '00:00:00:00:00:00'

export function addNats(draft: Draft, items: Items, facts: HostFacts): void {
  const host = thisHost(items)
  if (host === undefined) return
  const vteps = vtepsOf(items, facts)
  for (const nat of items.of('nat')) {
    const router = routerId(nat.vpc)
    if (draft.object(router) === undefined) {
      draft.refuse(nat, 'failed', `vpc ${nat.vpc} has public addresses and no router: make one that joins its subnets`)
      continue
    }
    const place = nat.wire === null ? byHost(nat, vteps) : { ethlink: draft.ethlink(host.id, nat.wire.interface, nat), ...wireOf(nat) }
    if (place === undefined) {
      const { code, text } = vteps.closed.get(nat.via!) ?? { code: 'failed', text: `the API has not sent host ${nat.via}` }
      draft.refuse(nat, code, `${text}; that host has the wire of public addresses`)
      continue
    }
    const floats = floatsOf(draft, items, nat)
    draft.add('nats', nat, {
      id: natId(nat.id),
      router,
      ...place,
      pool: [...nat.pools],
      floats,
      shared: [...nat.shared],
      ...(nat.kept !== undefined && knowsKept(facts) && { kept: [...nat.kept] }),
    })
    if (typeof place.via === 'string') expect(draft, items, nat, { host: host.id, vtep: place.via, isFar: vteps.far.has(nat.via!) })
  }
}

/** An older vpcd gives all ports anew: better than no NAT. */
const knowsKept = ({ vpcd }: HostFacts): boolean => vpcd === undefined || vpcd.settings?.has('vpcnat.kept') === true

const wireOf = ({ wire }: NatItem): Plain => ({ prefix4: wire!.prefix4, gateway4: wire!.gateway4 })

function byHost({ via }: NatItem, vteps: Vteps): Plain | undefined {
  const vtep = vteps.at.get(via ?? '')
  return vtep === undefined ? undefined : { via: vtep }
}

/** A floating address that cannot be is a problem of its own: others go on. */
function floatsOf(draft: Draft, items: Items, nat: NatItem): string[] {
  const joined = joinedOf(draft, items, nat.vpc)
  return nat.floats.flatMap(({ address, inside }) => {
    const problem = problemOf(joined, address, inside)
    if (problem === undefined) return [`${address} to ${inside}`]
    draft.refuse(nat, 'failed', `cannot have floating address ${address} for ${inside}: ${problem}`)
    return []
  })
}

function problemOf(joined: Joined, address: string, inside: string): string | undefined {
  if (!isStation(joined, inside)) return `the router of the vpc does not join the subnet of ${inside}; add it to the router`
  return isWithin(joined, address) ? 'a subnet of the vpc has that address itself; take another pool' : undefined
}

interface Gateway {
  readonly host: string
  readonly vtep: string
  readonly isFar: boolean
}

/** The host of the wire sends into every VNI of the vpc. An entry for broadcasts makes its packets welcome. */
function expect(draft: Draft, items: Items, nat: NatItem, { host, vtep, isFar }: Gateway): void {
  const entries = (draft.object(muxId(host))?.entries ?? []) as readonly Plain[]
  for (const subnet of items.of('subnet')) {
    if (subnet.vpc !== nat.vpc || (isFar && subnet.apart === true)) continue
    const entry = { vni: subnet.vni, mac: anyStation, vtep }
    const isThere = entries.some(({ vni, mac, vtep: at }) => vni === entry.vni && mac === entry.mac && at === vtep)
    if (!isThere) draft.addTo(muxId(host), 'entries', subnet, entry)
  }
}
