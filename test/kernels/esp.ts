/**
 * ESP in transport mode for VXLAN's port between the two hosts of a pair, as an operator sets it with `ip xfrm`, with
 * keys that stand here.
 */
import type { PairHost } from './pair.ts'

/** The addresses of a host and of the other one. */
const ends = ({ number }: PairHost): { own: string; peer: string } => ({ own: `192.0.2.${number}`, peer: `192.0.2.${3 - number}` })

/** Of a security association; `keys` is the number of its keys. */
const spi = (from: string, keys: number): string => `0x${keys}0${from.slice(-1)}`
const key = (from: string, keys: number): string =>
  `0x${Buffer.from(`${from}-${keys}-a-key-of-a-test-in-esp-0123456789`).subarray(0, 20).toString('hex')}`

const state = (src: string, dst: string, keys: number): string =>
  `ip xfrm state add src ${src} dst ${dst} proto esp spi ${spi(src, keys)} mode transport aead 'rfc4106(gcm(aes))' ${key(src, keys)} 128`
const noState = (src: string, dst: string, keys: number): string =>
  `ip xfrm state delete src ${src} dst ${dst} proto esp spi ${spi(src, keys)}`
const selector = (src: string, dst: string, direction: 'in' | 'out'): string =>
  `src ${src} dst ${dst} proto udp dport 4789 dir ${direction}`
const template = (src: string, dst: string): string => `tmpl src ${src} dst ${dst} proto esp mode transport`

/** What a host gets for packets that it takes, and for those that it sends. */
export const addStates = {
  in: (host: PairHost, keys = 1): string => state(ends(host).peer, ends(host).own, keys),
  out: (host: PairHost, keys = 1): string => state(ends(host).own, ends(host).peer, keys),
}
export const deleteStates = {
  in: (host: PairHost, keys = 1): string => noState(ends(host).peer, ends(host).own, keys),
  out: (host: PairHost, keys = 1): string => noState(ends(host).own, ends(host).peer, keys),
}
export const addPolicies = {
  in: (host: PairHost): string => policyOf(host, 'in'),
  out: (host: PairHost): string => policyOf(host, 'out'),
}
export const deletePolicies = {
  in: (host: PairHost): string => `ip xfrm policy delete ${selector(ends(host).peer, ends(host).own, 'in')}`,
  out: (host: PairHost): string => `ip xfrm policy delete ${selector(ends(host).own, ends(host).peer, 'out')}`,
}

function policyOf(host: PairHost, direction: 'in' | 'out'): string {
  const { own, peer } = ends(host)
  const [src, dst] = direction === 'in' ? [peer, own] : [own, peer]
  return `ip xfrm policy add ${selector(src, dst, direction)} ${template(src, dst)}`
}

/** All of a host: what it takes, and what it sends. */
export const espCommands = (host: PairHost): string[] => [
  addStates.out(host),
  addStates.in(host),
  addPolicies.out(host),
  addPolicies.in(host),
]

/** What the kernel of a host has counted of packets that IPsec concerns, by the names of /proc/net/xfrm_stat. */
export async function xfrmCounts({ machine }: PairHost): Promise<ReadonlyMap<string, number>> {
  const lines = (await machine.must('cat /proc/net/xfrm_stat')).split('\n')
  return new Map(lines.map((line) => line.trim().split(/\s+/)).map(([name = '', count]) => [name, Number(count)]))
}
