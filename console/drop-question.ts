/** The question why a packet was dropped, from what a host says of it. Pure functions. */
import type { SeenDrop } from '#feed/counters.ts'
import type { Resource } from './api.ts'

/** A packet that a host has dropped. */
export type Drop = Pick<SeenDrop, 'time' | 'vnic' | 'reason'> & Partial<SeenDrop>

/** The headers in the words of a summary: `… IPv4 10.0.0.4:4000 > 10.0.0.5:80 TCP S len 60`. */
const packet = /\bIPv[46] ([0-9a-f:.]+) > ([0-9a-f:.]+) (\w+)/
const arp = /\bARP who-has ([0-9.]+) tell ([0-9.]+)/
const withPorts = /\bIPv[46] (?:\[([0-9a-f:.]+)\]|([0-9.]+)):\d+ > (?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d+) (\w+)/

const protocols: Readonly<Record<string, string>> = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp', ICMP: 'icmp', ICMPv6: 'icmp' }

/** Words for the page Why?; undefined: nothing is known that could be asked. */
export function questionOf({ text = '', peer, direction }: Drop, vnic: Resource | undefined): Record<string, string> | undefined {
  const vpc = typeof vnic?.vpc === 'string' ? { vpc: vnic.vpc } : {}
  const [, from6, from4, to6, to4, port, name] = withPorts.exec(text) ?? []
  if (name !== undefined) return { from: (from6 ?? from4)!, to: (to6 ?? to4)!, ...asked(name, port), ...vpc }
  const [, from, to, word] = packet.exec(text) ?? []
  if (from !== undefined && to !== undefined) return { from, to, ...asked(word ?? '', undefined), ...vpc }
  const [, wanted, asker] = arp.exec(text) ?? []
  if (wanted !== undefined && asker !== undefined) return { from: asker, to: wanted, protocol: 'icmp', ...vpc }
  if (!peer || vnic === undefined) return undefined
  return direction === 'in' ? { from: peer, to: vnic.id, ...vpc } : { from: vnic.id, to: peer, ...vpc }
}

function asked(name: string, port: string | undefined): Record<string, string> {
  const protocol = protocols[name] ?? 'icmp'
  return port === undefined || protocol === 'icmp' ? { protocol } : { protocol, port }
}
