/** Who has which public ports of a NAT, in the words of the objects. */
import type { NatBlockInfo, NatPortInfo } from '#abi/info.ts'
import { flowStateOf } from '#datapath/policy-layout.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { asIpv6 } from '#wire/ipv6-address.ts'
import type { Call } from './operation.ts'
import type { Nat } from './store/model.ts'
import { portsOfBlock } from './sync/expire-nat.ts'

const ipText = (mapped: Uint8Array): string => formatIp(fromMapped(asIpv6(mapped.slice())))
const secondsNow = (): number => Number(process.hrtime.bigint() / 1_000_000_000n)

/** A row for each block, by inside address. */
export function listBlocks({ context, object: nat }: Call<Nat>): readonly NatBlockInfo[] {
  const nowS = secondsNow()
  const rows = context.datapath.tables.natCells.guests(nat.source).flatMap(({ inside, address, blocks, used, sinceS }) =>
    blocks.map((block): NatBlockInfo => {
      const [firstPort, lastPort] = portsOfBlock(block)
      const [tcp = 0, udp = 0, icmp = 0] = used
      const place = { inside: ipText(inside), address: sharedText(nat, address), firstPort, lastPort }
      return { ...place, used: { tcp, udp, icmp }, ageSeconds: Math.max(0, nowS - sinceS) }
    }),
  )
  return rows.sort((a, b) => (a.inside === b.inside ? a.firstPort - b.firstPort : a.inside < b.inside ? -1 : 1))
}

/** A row for each public port in use. */
export function listPorts({ context, object: nat }: Call<Nat>): readonly NatPortInfo[] {
  const nowS = secondsNow()
  return context.datapath.tables.natCells.used(nat.source).map(({ plane, inside, port, address, publicPort, state, lastS }) => ({
    protocol: plane,
    inside: ipText(inside),
    insidePort: port,
    address: sharedText(nat, address),
    port: publicPort,
    state: flowStateOf(state) ?? String(state),
    idleSeconds: Math.max(0, nowS - lastS),
  }))
}

function sharedText(nat: Nat, address: number): string {
  const shared = nat.shared[address]
  return shared === undefined ? 'none' : ipText(shared)
}
