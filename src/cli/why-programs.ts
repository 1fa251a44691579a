/** Asks the programs of this host about the packet of `vpc why`, where the sender is plugged in here. */
import type { PacketRequest } from '#abi/trace.ts'
import { VpcError } from '#client/error.ts'
import type { Vpc } from '#client/vpc.ts'
import type { Packet, PathAnswer } from '#control/path/answer.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { follow, type Peer, type Trace } from './trace-hops.ts'
import { portHere } from './vnic-port.ts'

interface Where {
  readonly vpcOf: () => Promise<Vpc>
  readonly stateDir: string
  readonly peers: readonly Peer[]
}

/** What the programs of a host say; or why they were not asked. */
export type Programs = Trace | { readonly unasked: string }

/** Ask them. What cannot be asked is no failure: the model's answer stands without it. */
export async function askPrograms({ from, packet }: PathAnswer, { vpcOf, stateDir, peers }: Where): Promise<Programs> {
  const port = from.id === undefined ? undefined : portHere(stateDir, from.id)
  if (port === undefined) {
    const host = from.host?.name ?? undefined
    return { unasked: `${from.name ?? from.address} is not on this host${host === undefined ? '' : `; run vpc why on ${host}`}` }
  }
  const asked = tracedPacket(packet)
  if (asked === undefined) return { unasked: 'a trace makes no SCTP packets' }
  try {
    await using opened = await (await vpcOf()).openPort(port)
    return await follow(await opened.trace({ packet: asked }), peers)
  } catch (error) {
    if (error instanceof VpcError) return { unasked: error.message }
    throw error
  }
}

/** The packet of a question as a trace takes it: of TCP, the first one. Undefined: a trace makes no SCTP packets. */
export function tracedPacket({ protocol, source, destination, port }: Packet): PacketRequest | undefined {
  if (protocol === 'sctp') return undefined
  const rest = { sourcePort: 49_152, flags: tcpFlag.syn, ttl: 64, size: null, vlan: null, mac: null }
  return { to: destination, from: source, protocol, port: port ?? 0, ...rest }
}
