/** Asks the programs of this host about the packet of `vpc why`, where the sender is plugged in here. */
import { idTypeCode, type Id } from '#abi/id.ts'
import { typeNameOf } from '#abi/object-type.ts'
import { VpcError } from '#client/error.ts'
import type { Vpc } from '#client/vpc.ts'
import type { PathAnswer } from '#control/path/answer.ts'
import { readObjects } from '#feed/objects-file.ts'
import { tcpFlag } from '#wire/tcp.ts'
import { follow, type Peer, type Trace } from './trace-hops.ts'

interface Where {
  readonly vpcOf: () => Promise<Vpc>
  readonly stateDir: string
  readonly peers: readonly Peer[]
}

/** What the programs of a host say; or why they were not asked. */
export type Programs = Trace | { readonly unasked: string }

/** Ask them. What cannot be asked is no failure: the model's answer stands without it. */
export async function askPrograms({ from, packet }: PathAnswer, { vpcOf, stateDir, peers }: Where): Promise<Programs> {
  const port = from.id === undefined ? undefined : portOf(stateDir, from.id)
  if (port === undefined) {
    const host = from.host?.name ?? undefined
    return { unasked: `${from.name ?? from.address} is not on this host${host === undefined ? '' : `; run vpc why on ${host}`}` }
  }
  const { protocol } = packet
  if (protocol === 'sctp') return { unasked: 'a trace makes no SCTP packets' }
  const common = { flags: tcpFlag.syn, ttl: 64, size: null, vlan: null, mac: null, sourcePort: 49_152 }
  try {
    await using opened = await (await vpcOf()).openPort(port)
    const request = { packet: { to: packet.destination, from: packet.source, protocol, port: packet.port ?? 0, ...common } }
    return await follow(await opened.trace(request), peers)
  } catch (error) {
    if (error instanceof VpcError) return { unasked: error.message }
    throw error
  }
}

/** The port of a vnic on this host, as its agent says. */
function portOf(stateDir: string, vnic: string): Id | undefined {
  const isPort = (id: string): boolean => typeNameOf(idTypeCode(id as Id)) === 'vpcp'
  return Object.entries(readObjects(stateDir)).find(([id, thing]) => thing.kind === 'vnic' && thing.id === vnic && isPort(id))?.[0] as
    | Id
    | undefined
}
