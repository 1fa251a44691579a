/**
 * Quotas: how much of the shared tables one switch may take, so that one customer's agent cannot fill them for all. A
 * lower quota removes nothing: vpcd only refuses growth.
 */
import type { Context } from '../context.ts'
import { fullName, type Port, type Switch } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'

/** What is counted, by the quota's setting. */
const counts = {
  maxEntries: { noun: 'forwarding entries in its VNIs', option: '--max-entries', of: entriesOf },
  maxNeighbours: { noun: 'neighbours', option: '--max-neighbours', of: (_: Context, sw: Switch) => sw.neighbours.count },
  maxAddresses: { noun: 'addresses of its ports', option: '--max-addresses', of: (_: Context, sw: Switch) => addressesOf(sw.ports) },
} as const
type Quota = keyof typeof counts

function entriesOf({ model }: Context, sw: Switch): number {
  let sum = 0
  for (const mux of model.ofType('vpcmux'))
    for (const segment of sw.segments) {
      const found = mux.entries.vnis.get(segment)
      if (found !== undefined) sum += found.macs.size + found.remotes.size
    }
  return sum
}

function addressesOf(ports: Iterable<Port>): number {
  let sum = 0
  for (const { addresses } of ports) sum += addresses.length
  return sum
}

/** Refuse a change after which a switch has more than its quota, and more than before. */
export function withinQuota<T>(context: Context, tx: Transaction, quota: Quota, switches: Iterable<Switch>, change: () => T): T {
  const { of, noun, option } = counts[quota]
  const before = [...switches].filter((sw) => sw[quota] > 0).map((sw) => [sw, of(context, sw)] as const)
  const result = change()
  for (const [sw, had] of before) {
    const has = of(context, sw)
    if (has <= sw[quota] || has <= had) continue
    const why = `switch ${fullName(sw)} has a quota of ${sw[quota]} ${noun}, and would have ${has}`
    tx.refuse('EDQUOT', why, `delete some, or raise it by vpc switch set ${option}`)
  }
  return result
}
