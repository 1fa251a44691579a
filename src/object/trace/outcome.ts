/** How a traced packet leaves this host's programs, and the frame that the next host gets. */
import type { TraceOutcome } from '#abi/trace.ts'
import { dropReasons, portFlag } from '#datapath/layout.ts'
import type { Stage, Traces } from '#datapath/tracer.ts'
import { vxlanFrame } from '#wire/frames.ts'
import { asIp, formatIp, isIpv4, type Ip } from '#wire/ip-address.ts'
import { zeroMac } from '#wire/mac.ts'
import { summarize } from '#wire/summary.ts'
import type { Vni } from '#wire/vni.ts'
import { vniOfSegment } from '../store/keys.ts'
import type { Mux } from '../store/model.ts'
import type { Names } from './names.ts'

/** TTLs of outer headers: bpf/lib/vxlan.h. */
const tunnelTtl = 64
export const forwardedTtl = 255

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')

/** What became of the packet. `forwarded`: it came from another host. */
export function outcomeOf(names: Names, traces: Traces, forwarded: boolean): TraceOutcome {
  const { verdict, stages, forward, copies = 0, data } = traces
  const drop = stages.findLast(({ stage }) => stage === 'drop')
  if (drop !== undefined && (verdict === 'drop' || verdict === 'answer'))
    return { verdict: 'drop', reason: dropReasons[drop.value[0]!] ?? 'none', answered: verdict === 'answer' }
  switch (verdict) {
    case 'forward':
      break
    case 'flood':
      return { verdict: 'copied', copies }
    case 'answer':
      return { verdict: 'answered', answer: summarize(data) }
    case 'consumed':
      return { verdict: 'consumed' }
    default:
      return { verdict: 'host' }
  }
  const { kind, stats } = forward!
  if (kind === 'remote') return toTunnel(names, traces, forwarded)
  if (kind === 'nat') return { verdict: 'outside', nat: names.all ? names.port(stats) : null, packet: summarize(data) }
  if (kind === 'uplink') return { verdict: 'uplink', unit: names.unit(stats) }
  const open = names.isOpen(stats)
  return { verdict: 'delivered', port: open ? names.port(stats) : null, unit: names.unit(stats), frame: names.all ? hex(data) : null }
}

/** The entry that sent it to another host, and what leaves. */
function toTunnel(names: Names, { stages, data, forward }: Traces, forwarded: boolean): TraceOutcome {
  const entry = stages.findLast(({ stage }) => stage === 'destination')
  const [segment = 0, , , ifindex = 0, stats = 0, , end = 0] = entry?.value ?? []
  const vni = vniOfSegment(segment)
  const mux = names.model.sources.get(stats)
  if (!names.all || entry === undefined || mux?.type !== 'vpcmux') return { verdict: 'tunnel', vtep: null, vni, frame: null }
  const address = asIp(end >>> 16 === 4 ? entry.second.slice(0, 4) : entry.second.slice())
  const isOuter = forward!.ifindex !== ifindex
  const frame = isOuter ? data : outerFrame(mux, { address, port: end & 0xffff, vni, ttl: ttlOf(stages, forwarded) }, data)
  return { verdict: 'tunnel', vtep: formatIp(address), vni, frame: frame === undefined ? null : hex(frame) }
}

const ttlOf = (stages: readonly Stage[], forwarded: boolean): number =>
  forwarded || stages.some(({ stage, value }) => stage === 'port' && (value[2]! & portFlag.moved) !== 0) ? forwardedTtl : tunnelTtl

interface Outer {
  readonly address: Ip
  /** 0: the mux's own. */
  readonly port: number
  readonly vni: number
  readonly ttl: number
}

/** What the mux's device makes of a frame; undefined: the kernel chooses the source address, as the mux has none. */
function outerFrame({ listen }: Mux, { address, port, vni, ttl }: Outer, frame: Uint8Array): Uint8Array | undefined {
  if (listen === null || isIpv4(listen.address) !== isIpv4(address) || listen.address.every((byte) => byte === 0)) return undefined
  const link = { srcMac: zeroMac, dstMac: zeroMac }
  return vxlanFrame({ ...link, src: listen.address, dst: address, ttl, vni: vni as Vni, dstPort: port || listen.port }, frame)
}
