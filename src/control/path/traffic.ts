/** What traffic rules allow, as ports: of one rule, of all, and of both ends together. */
import type { RuleSpec } from './groups.ts'
import { rangeOf } from './groups.ts'

type Range = readonly [first: number, last: number]

const withPorts = ['tcp', 'udp', 'sctp'] as const

/** Pings, and ports by protocol: in order, without overlaps. `isAll`: everything, other protocols too. */
export interface Traffic {
  readonly isAll: boolean
  readonly icmp: boolean
  readonly tcp: readonly Range[]
  readonly udp: readonly Range[]
  readonly sctp: readonly Range[]
}

const allPorts: readonly Range[] = [[0, 65_535]]

/** Everything. */
export const allTraffic: Traffic = { isAll: true, icmp: true, tcp: allPorts, udp: allPorts, sctp: allPorts }

/** What some rules allow of a family. */
export function trafficOf(rules: readonly RuleSpec[], family: 4 | 6): Traffic {
  if (rules.some(({ protocol }) => protocol === 'any')) return allTraffic
  const echo = family === 4 ? 8 : 128
  const isPing = ({ protocol, icmp }: RuleSpec): boolean =>
    protocol === 'icmp' && (icmp === undefined || (icmp.type === echo && (icmp.code ?? 0) === 0))
  const ports = (asked: string): readonly Range[] => {
    const own = rules.filter(({ protocol }) => protocol === asked)
    return own.some((rule) => rule.ports.length === 0) ? allPorts : merged(own.flatMap((rule) => rule.ports.map(rangeOf)))
  }
  return { isAll: false, icmp: rules.some(isPing), tcp: ports('tcp'), udp: ports('udp'), sctp: ports('sctp') }
}

/** What both allow. */
export function both(a: Traffic, b: Traffic): Traffic {
  if (a.isAll) return b
  if (b.isAll) return a
  const ports = (protocol: (typeof withPorts)[number]): Range[] =>
    merged(
      a[protocol].flatMap(([first, last]) =>
        b[protocol].flatMap(([from, to]): Range[] => {
          const [begin, end] = [Math.max(first, from), Math.min(last, to)]
          return begin <= end ? [[begin, end]] : []
        }),
      ),
    )
  return { isAll: false, icmp: a.icmp && b.icmp, tcp: ports('tcp'), udp: ports('udp'), sctp: ports('sctp') }
}

/** One packet of it; undefined: it is nothing. */
export function oneOf(traffic: Traffic): { readonly protocol: 'icmp' | 'tcp' | 'udp' | 'sctp'; readonly port: number | null } | undefined {
  if (traffic.icmp) return { protocol: 'icmp', port: null }
  const protocol = withPorts.find((each) => traffic[each].length > 0)
  return protocol === undefined ? undefined : { protocol, port: traffic[protocol][0]![0] }
}

/** `tcp 22,80-90; icmp`, or `all`. */
export function trafficText(traffic: Traffic): string {
  if (traffic.isAll) return 'all'
  const parts = withPorts.flatMap((protocol) => (traffic[protocol].length === 0 ? [] : [`${protocol}${portsText(traffic[protocol])}`]))
  return [...parts, ...(traffic.icmp ? ['icmp'] : [])].join('; ')
}

const portsText = (ranges: readonly Range[]): string =>
  ranges === allPorts || (ranges[0]![0] === 0 && ranges[0]![1] === 65_535)
    ? ''
    : ` ${ranges.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',')}`

function merged(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = []
  for (const [first, last] of ranges.toSorted(([a], [b]) => a - b)) {
    const before = result.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else result.push([first, last])
  }
  return result
}
