/** A rule of a group as `vpc cloud group set --rule` takes it. */
import type { Cloud } from './cloud.ts'
import type { RuleSpec } from './groups.ts'
import type { Names } from './names.ts'

const kindOfPeer: Readonly<Record<string, string>> = { group: 'group', vpc: 'vpc', subnet: 'subnet', az: 'az', prefixList: 'prefix-list' }

/** `direction=in protocol=tcp ports=80,443 peers=group=shop/web`. */
export function ruleText(names: Names, cloud: Cloud, { direction, protocol, ports, icmp, peers, note }: RuleSpec): string {
  const of = (peer: Readonly<Record<string, string>>): string[] =>
    Object.entries(peer).map(([key, value]) => {
      const record = kindOfPeer[key] === undefined ? undefined : cloud.get(kindOfPeer[key], value)
      return `peers=${key}=${record === undefined ? value : names.path(record)}`
    })
  return [
    `direction=${direction}`,
    ...(protocol === 'any' ? [] : [`protocol=${protocol}`]),
    ...(ports.length === 0 ? [] : [`ports=${ports.join(',')}`]),
    ...(icmp === undefined ? [] : [`icmp type ${icmp.type}${icmp.code === undefined ? '' : ` code ${icmp.code}`}`]),
    ...peers.flatMap(of),
    ...(note === undefined ? [] : [`(${note})`]),
  ].join(' ')
}
