/** Reads questions about packets from outside: which address of a vnic they are for, and who cannot be a sender. */
import { ipFrom } from '#wire/ip-address.ts'
import { contains, prefixFrom } from '#wire/prefix.ts'
import { mayRead } from '../model/caller.ts'
import { fieldProblem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import { familyOf, vnicSpec } from './cloud.ts'
import { vnicAt, type Asked } from './vnic-at.ts'

/** Addresses that no packet from outside has as its source. */
const never = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/127', '::ffff:0:0/96', 'fe80::/10', 'ff00::/8']

interface Target {
  /** The vnic that is meant. */
  readonly to: ObjectRecord | undefined
  readonly destination: string
}

/** What a packet of somebody outside is for: a vnic, or an address. Throws a Problem. */
export function targetOf(
  asked: Asked,
  source: string,
  given: { readonly to: ObjectRecord | undefined; readonly address: string | undefined },
): Target {
  if (never.some((network) => contains(prefixFrom(network), ipFrom(source))))
    throw fieldProblem('invalid', ['from'], `no packet comes from ${source}: that address is for one link, one host or for many`)
  const family = familyOf(source)
  const target = given.to === undefined ? addressTarget(asked, source, given.address!) : vnicTarget(asked, given.to, family)
  if (target !== undefined && familyOf(target.destination) === family) return target
  const of = given.to === undefined ? given.address : vnicSpec(given.to).addresses.join(', ') || 'none'
  throw fieldProblem('invalid', ['to'], `the two have no address of one family: ${source}, and ${of}`)
}

/** A vnic's floating address, as long as it has one. */
function vnicTarget({ cloud }: Asked, to: ObjectRecord, family: 4 | 6): Target | undefined {
  const own = vnicSpec(to).addresses.filter((each) => familyOf(each) === family)
  const floats = own.flatMap((inside) => cloud.floatsOf(to, inside))
  const destination = (floats[0]?.spec.ip as string | undefined) ?? own[0]
  return destination === undefined ? undefined : { to, destination }
}

/** An address of a pool or of a vnic. Nobody asks about two who are both outside. */
function addressTarget(asked: Asked, source: string, destination: string): Target {
  const { cloud, viewer } = asked
  const isKnown = (record: ObjectRecord): boolean => mayRead(viewer.caller, viewer.mirror.objects, { record, modified: 0 })
  const pool = familyOf(destination) === 4 ? cloud.poolWith(destination) : undefined
  const held = pool && cloud.publicHolder(destination)
  if (held === undefined ? pool !== undefined && isKnown(pool) : isKnown(held)) return { to: undefined, destination }
  const to = vnicAt(asked, destination, 'to')
  if (to !== undefined) return { to, destination }
  const text = `no vnic that you may see has ${source} or ${destination}; one of the two is a vnic or a floating address`
  throw fieldProblem('not-found', ['from'], text)
}
