/** What items are made from: the objects of the mirror, where vnics are, and the time. */
import type { Objects } from '../model/objects.ts'
import { hostsWith, type ObjectRecord, type Spec, type Stored } from '../model/record.ts'
import type { Left } from './left.ts'
import type { HeldBlocks } from './held-blocks.ts'
import type { Publics } from './publics.ts'
import type { Resolutions } from './resolutions.ts'
import type { Places } from './places.ts'
import type { Place, Transits } from '../model/transits.ts'

export interface View {
  readonly objects: Objects
  readonly places: Places
  readonly left: Left
  readonly resolutions: Resolutions
  readonly publics: Publics
  readonly transits: Transits
  /** Who has which blocks of public ports of a NAT's item. */
  blocksOf(nat: string): HeldBlocks | undefined
  /** By HostStatuses.elapsed. */
  readonly now: number
}

/** Objects of a kind whose field names an id. */
export const childrenOf = ({ objects }: View, kind: string, field: string, id: string): ObjectRecord[] =>
  objects
    .usersOf(id, kind)
    .filter(({ record }) => record.spec[field] === id)
    .map(({ record }) => record)
    .sort((a, b) => (a.id < b.id ? -1 : 1))

/** The spec of an object, if it is there. */
export const specOf = ({ objects }: View, kind: string, id: string): Spec | undefined => objects.get(kind, id)?.record.spec

/** What a subnet is in the facility of a host; undefined: packets of it do not come there. */
export function placeOf(view: View, host: string, subnet: string): Place | undefined {
  const facility = specOf(view, 'host', host)?.facility as string | undefined
  return facility === undefined ? undefined : view.transits.placeOf(subnet, facility)
}

/** Vnics of a vpc, wherever they are. */
export const vnicsOf = (view: View, vpc: string): ObjectRecord[] =>
  childrenOf(view, 'subnet', 'vpc', vpc).flatMap(({ id }) => childrenOf(view, 'vnic', 'subnet', id))

/** Vnics that are plugged in on a host. */
export const localVnics = ({ objects }: View, host: string): ObjectRecord[] =>
  objects.usersOf(host, 'vnic').flatMap(({ record }: Stored) => (hostsWith(record).includes(host) ? [record] : []))

/** Peerings of a vpc to which both sides have agreed, with the other side. */
export const peersOf = ({ objects }: View, vpc: string): { readonly peering: string; readonly vpc: string }[] =>
  objects.usersOf(vpc, 'peering').flatMap(({ record: { id, spec } }) => {
    if (spec.accepted !== true) return []
    return [{ peering: id, vpc: (spec.vpc === vpc ? spec.peerVpc : spec.vpc) as string }]
  })

/** Hosts with vnics in a group. */
export const localHostsOf = ({ objects }: View, group: string): Set<string> =>
  new Set(objects.usersOf(group, 'vnic').flatMap(({ record }) => hostsWith(record)))
