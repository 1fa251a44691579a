/** `vpc mux probe`: whether VXLAN packets of a mux arrive at its VTEPs, and what to do if they do not. */
import type { ProbeResult } from '#abi/info.ts'
import { errnoName } from '#abi/errno.ts'
import { probeVteps, type Target, type VtepFacts } from '#datapath/probe/vtep.ts'
import { KernelError, errno } from '#kernel/errno.ts'
import { Netlink } from '#kernel/netlink.ts'
import { Netns } from '#kernel/netns.ts'
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'

export type { Question, Target } from '#datapath/probe/vtep.ts'

export interface ProbedMux {
  readonly id: string
  readonly device: string
  /** The address that it listens on. */
  readonly from: Uint8Array
  readonly port: number
  readonly mtuBytes: number
  /** Its vpcd: the probe uses that process's network namespace. */
  readonly pid: number
}

/** What was found of one VTEP. */
export interface VtepResult extends ProbeResult {
  readonly answered: boolean
  /** The largest packet of a guest that arrives; 0: none was seen. */
  readonly mtuBytes: number
}

/** The probe is not possible, for a reason that the message tells people. */
export class ProbeRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ProbeRefused'
  }
}

/** Probe from here. Throws ProbeRefused if this process may not, or is on another machine than vpcd. */
export async function probeMux({ id, device, from, port, mtuBytes, pid }: ProbedMux, targets: readonly Target[]): Promise<VtepResult[]> {
  try {
    using netns = Netns.ofPid(pid)
    const ifindex = netns.run(() => deviceOf(device, id))
    if (ifindex === undefined)
      throw new ProbeRefused(`${device} is not in the network namespace of process ${pid}; run this where vpcd runs`)
    const facts = await probeVteps(targets, { from, ifindex, mtuBytes, inside: (run) => netns.run(run) })
    return facts.map((each, i) => judgeVtep(targets[i]!, each, { port, mtuBytes }))
  } catch (cause) {
    if (!isForbidden(cause)) throw cause
    throw new ProbeRefused(`the probe needs the rights of root on the host of vpcd: ${(cause as Error).message}`, { cause })
  }
}

function deviceOf(device: string, id: string): number | undefined {
  using netlink = Netlink.open()
  const link = netlink.linkByName(device)
  return link?.alias === `vpc:${id}` ? link.ifindex : undefined
}

const isForbidden = (error: unknown): boolean =>
  (error instanceof KernelError && error.errno === errno.EPERM) ||
  (error instanceof Error && 'code' in error && ['EACCES', 'EPERM', 'ENOENT'].includes(String(error.code)))

/** The findings about a VTEP, for people. */
export function judgeVtep(
  target: Target,
  { answered, mtuBytes, errno: said, echoed }: VtepFacts,
  own: Pick<ProbedMux, 'port' | 'mtuBytes'>,
): VtepResult {
  const { port } = target
  const result = (state: ProbeResult['state'], found: string, remedy = ''): VtepResult => ({
    name: formatEndpoint(target),
    state,
    found,
    remedy,
    answered,
    mtuBytes,
  })
  if (answered && mtuBytes >= own.mtuBytes) return result('ok', `answers, and packets of ${mtuBytes} bytes arrive`)
  if (answered) {
    const found = `answers, but packets of guests arrive only up to ${mtuBytes} bytes, not ${own.mtuBytes}`
    const remedy = `raise the MTU of what lies between, or give guests ${mtuBytes}: vpc vmnic set --mtu, vpc hostif set --mtu`
    return result('failed', found, remedy)
  }
  if (said !== 0) return result('failed', ...refusalOf(said, port))
  const ping = echoed ? 'though its host answers a ping' : 'nor does its host answer a ping'
  if (port !== own.port) {
    const found = `listens on a UDP port other than ${own.port}, this mux's, and would answer there, so this host cannot hear it; ${ping}`
    return result('warning', found, 'probe it from a host whose mux has its port, or let both have the same')
  }
  if (target.questions.length === 0) {
    const remedy = 'add a guest there as a neighbour: vpc switch neighbour set, with a MAC that vpc mux fte list shows for it'
    return result('unknown', `this host knows no address of a guest there, so it cannot ask; no ICMP error came, ${ping}`, remedy)
  }
  const asked = target.questions.map(({ vni, address }) => `${formatIp(address)} of VNI ${vni}`).join(', ')
  const remedy = echoed
    ? `check there that UDP port ${port} arrives, tcpdump -n udp port ${port}; if a firewall or another overlay takes it, let all muxes listen on another`
    : `see whether the host is there and routes lead to it`
  return result(
    echoed ? 'unknown' : 'failed',
    `does not answer for ${asked}${echoed ? ', and no error came back' : ''}, ${ping}`,
    `${remedy}; a host without vpcd, or without these neighbours, does not answer`,
  )
}

function refusalOf(said: number, port: number): [found: string, remedy: string] {
  switch (said) {
    case errno.ECONNREFUSED:
      return [`UDP port ${port} is refused there: nobody listens, or a firewall rejects it`, 'see that its mux listens: vpc mux show']
    case errno.EPERM:
      return [`a firewall of this host lets nothing out to UDP port ${port}`, 'allow it: nft list ruleset']
    case errno.EMSGSIZE:
      return ['not even small packets fit through the underlay', 'raise its MTU']
    case errno.ENETUNREACH:
      return ['cannot be reached: no route of this host leads there', 'add one: ip route add']
    case errno.EHOSTUNREACH:
      return [
        'cannot be reached: no machine answers for that address, or a router on the way has no route',
        'see that it is up: ip route get',
      ]
    default:
      return [`cannot be reached: ${errnoName(said)}`, 'see that a route leads there, and that its interface is up: ip route get']
  }
}
