/**
 * What is known about a mux's VXLAN packets in advance, by bytes and by the metadata that nftables uses. It serves to
 * judge which rules of the host may concern them. A value is of one of three kinds: known; the same for all packets of
 * a VTEP; different from packet to packet.
 */
import { nftFamily } from '#kernel/nftables.ts'

/** The direction of packets, and where they pass. */
export interface TunnelPackets {
  readonly direction: 'out' | 'in'
  /** The interface that carries them. */
  readonly device: string
  /** The mux's own address, IPv4. */
  readonly address: Uint8Array
  /** UDP destination ports that they may have. */
  readonly ports: readonly number[]
}

/**
 * All possible values; `constant`: one that is the same for all packets of a VTEP; `varying`: different from packet to
 * packet.
 */
export type Known = readonly Uint8Array[] | 'constant' | 'varying'

const both = (packets: TunnelPackets, end: 'out' | 'in'): Known => (packets.direction === end ? [packets.address] : 'constant')
const pair = (value: number): Uint8Array => Uint8Array.of(value >> 8, value & 0xff)

type Field = readonly [offset: number, length: number, known: (packets: TunnelPackets) => Known]
const IPPROTO_UDP = 17

/** Fields of the IPv4 header; the rest differs from packet to packet. */
const network: readonly Field[] = [
  [0, 1, () => [Uint8Array.of(0x45)]],
  [6, 2, () => [Uint8Array.of(0, 0)]],
  [8, 1, () => 'constant'],
  [9, 1, () => [Uint8Array.of(IPPROTO_UDP)]],
  [12, 4, (packets) => both(packets, 'out')],
  [16, 4, (packets) => both(packets, 'in')],
]
/** Of the UDP header. */
const transport: readonly Field[] = [[2, 2, ({ ports }) => ports.map(pair)]]
const link: readonly Field[] = [[0, 14, () => 'constant']]
/** NFT_PAYLOAD_*_HEADER. */
const headers: readonly (readonly Field[])[] = [link, network, transport]

/** The value of a rule that loads bytes of a packet. */
export function payload(packets: TunnelPackets, base: number, offset: number, length: number): Known {
  let found: Uint8Array[] | 'constant' = [new Uint8Array(0)]
  for (let at = offset; at < offset + length;) {
    const field = headers[base]?.find(([start, size]) => at >= start && at < start + size)
    if (field === undefined) return 'varying'
    const [start, size, known] = field
    const end = Math.min(start + size, offset + length)
    const values = known(packets)
    if (values === 'varying') return 'varying'
    if (values === 'constant' || found === 'constant') found = 'constant'
    else found = found.flatMap((head) => values.map((value) => Buffer.concat([head, value.subarray(at - start, end - start)])))
    at = end
  }
  return found
}

const name16 = (name: string): Uint8Array => {
  const bytes = new Uint8Array(16)
  bytes.set(Buffer.from(name).subarray(0, 15))
  return bytes
}

/** NFT_META_*: keys whose value is the same for all packets of a VTEP. */
const constantKeys: ReadonlySet<number> = new Set([
  3 /* mark */, 4 /* iif */, 5 /* oif */, 8 /* iiftype */, 9 /* oiftype */, 10 /* skuid */, 11 /* skgid */, 12 /* nftrace */,
  13 /* rtclassid */, 17 /* bri_iifname */, 18, 19 /* pkttype */, 21 /* iifgroup */, 22 /* oifgroup */, 23 /* cgroup */, 25 /* secpath */,
  26 /* iifkind */, 27 /* oifkind */,
])

/** The value of a rule that loads one of NFT_META_*, in network order where nftables does so. */
export function meta({ direction, device }: TunnelPackets, key: number): Known {
  if (key === 1) return [Uint8Array.of(0x08, 0x00)]
  if (key === 15) return [Uint8Array.of(2)]
  if (key === 16) return [Uint8Array.of(IPPROTO_UDP)]
  if (key === 6) return [name16(direction === 'in' ? device : '')]
  if (key === 7) return [name16(direction === 'out' ? device : '')]
  return constantKeys.has(key) ? 'constant' : 'varying'
}

/**
 * The hooks that these packets pass in the host's stack and bypass on the direct ways: by family, NF_INET_* or
 * NF_NETDEV_*.
 */
export const hooksOf: Readonly<Record<TunnelPackets['direction'], Readonly<Record<number, readonly number[]>>>> = {
  out: { [nftFamily.inet]: [3, 4], [nftFamily.ip]: [3, 4], [nftFamily.netdev]: [1] },
  in: { [nftFamily.inet]: [0, 1, 5], [nftFamily.ip]: [0, 1], [nftFamily.netdev]: [0] },
}
