/** Items of security groups and prefix lists. */
import type { GroupItem, GroupPeer, GroupRule, PrefixListItem } from '#feed/item.ts'
import type { Spec } from '../../model/record.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { childrenOf, localVnics, specOf, type View } from '../view.ts'

interface RuleSpec {
  readonly id: string
  readonly direction: GroupRule['direction']
  readonly protocol: GroupRule['protocol']
  readonly ports: readonly string[]
  readonly icmp?: { readonly type: number; readonly code?: number }
  readonly peers: readonly Readonly<Record<string, string>>[]
}

/** Groups and prefix lists that the rules of a group name. */
export function namedIn(spec: Spec | undefined): { readonly groups: string[]; readonly lists: string[] } {
  const rules = (spec?.rules ?? []) as readonly RuleSpec[]
  const of = (field: string): string[] => rules.flatMap(({ peers }) => peers.flatMap((peer) => peer[field] ?? []))
  return { groups: of('group'), lists: of('prefixList') }
}

/** A group. One that no vnic of this host is in has no rules here: others name it, and its members count. */
export function groupItem(view: View, host: string, id: string): GroupItem | undefined {
  const spec = specOf(view, 'group', id) as { readonly account: string; readonly rules: readonly RuleSpec[] } | undefined
  if (spec === undefined) return undefined
  const rules = view.places.isIn(host, id) ? spec.rules.map((rule) => ruleOf(view, spec.account, rule)) : []
  return { kind: 'group', id, account: spec.account, rules }
}

function ruleOf(view: View, account: string, { id, direction, protocol, ports, icmp, peers }: RuleSpec): GroupRule {
  return {
    id,
    direction,
    protocol,
    ports,
    icmp: icmp === undefined ? null : { type: icmp.type, code: icmp.code ?? null },
    peers: peers.map((peer) => peerOf(view, account, peer)),
  }
}

function peerOf(view: View, account: string, peer: Readonly<Record<string, string>>): GroupPeer {
  if (peer.vpc !== undefined) return { networks: networksOf(view, peer.vpc) }
  if (peer.az !== undefined) return { networks: addressesIn(view, account, peer.az) }
  return peer as GroupPeer
}

const networksOf = (view: View, vpc: string): string[] =>
  childrenOf(view, 'subnet', 'vpc', vpc).flatMap(({ spec }) =>
    [spec.network4, spec.network6].flatMap((each) => (each ? [each as string] : [])),
  )

/** The addresses of an account's vnics on the hosts of a zone: others' are none of its business. */
const addressesIn = (view: View, account: string, az: string): string[] =>
  childrenOf(view, 'host', 'az', az)
    .flatMap(({ id }) => localVnics(view, id))
    .filter((vnic) => vnic.account === account)
    .flatMap(({ spec }) => spec.addresses as readonly string[])
    .map((ip) => `${ip}/${ipFrom(ip).length === 4 ? 32 : 128}`)
    .sort()

/** A prefix list. */
export function prefixListItem(view: View, _: string, id: string): PrefixListItem | undefined {
  const spec = specOf(view, 'prefix-list', id)
  return spec === undefined ? undefined : { kind: 'prefix-list', id, entries: spec.entries as readonly string[] }
}
