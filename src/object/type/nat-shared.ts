/** Public addresses that stations share: vpcd refuses those that somebody has already, or that a NAT cannot use. */
import { natAddresses } from '#datapath/nat-cell-layout.ts'
import { asIp, formatIp, fromMapped, toMapped, type Ip } from '#wire/ip-address.ts'
import type { Ipv6 } from '#wire/ipv6-address.ts'
import { equal } from '#wire/struct.ts'
import { fullName, unitName, type Model, type Nat } from '../store/model.ts'
import { subnetWith } from '../store/routing.ts'
import { natsOf, routerOfNat } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'
import { isUsableAddress } from '#wire/usable-address.ts'
import { isIn } from './nat-floats.ts'

type Problem = readonly [errno: 'EINVAL' | 'EADDRINUSE' | 'ENOSPC', why: string, remedy: string]

/** Refuse shared addresses that do not work, the first of them by its name. */
export function checkShared(model: Model, tx: Transaction, nat: Nat, asked: readonly Ipv6[]): void {
  if (asked.length > natAddresses)
    tx.refuse(
      'ENOSPC',
      `${asked.length} addresses for all to share`,
      `a NAT has ${natAddresses} at most; make another one for another router`,
    )
  const other = nat.router === null ? undefined : natsOf(model, nat.router).find((each) => each !== nat && each.shared.length > 0)
  if (asked.length > 0 && other !== undefined)
    tx.refuse('EBUSY', `the stations of its router share addresses of ${fullName(other)}`, 'take those away first, or use that NAT')
  for (const [i, mapped] of asked.entries()) {
    const address = asIp(fromMapped(mapped))
    const problem = problemOf(model, nat, address) ?? twice(mapped, asked.slice(0, i))
    if (problem !== undefined) tx.refuse(problem[0], `shared address ${formatIp(address)}: ${problem[1]}`, problem[2])
  }
}

const twice = (address: Ipv6, before: readonly Ipv6[]): Problem | undefined =>
  before.some((other) => equal(other, address)) ? ['EADDRINUSE', 'it stands there already', 'give it once'] : undefined

function problemOf(model: Model, nat: Nat, address: Ip): Problem | undefined {
  if (nat.pool.length === 0) return ['EINVAL', `${unitName(nat)} has no public addresses`, 'give it some with vpc nat set --pool']
  if (!isUsableAddress(toMapped(address))) return ['EINVAL', 'that is not an address of a station', 'choose another']
  if (!isIn(nat.pool, address))
    return ['EINVAL', `it is none of its public addresses (${nat.pool.join(', ')})`, 'choose one of them, or extend the pool']
  for (const other of model.ofType('vpcnat')) {
    const float = other.floats.find((each) => equal(each.address, address))
    if (float !== undefined)
      return ['EADDRINUSE', `${fullName(other)} has it for ${formatIp(float.inside)}`, 'choose another, or remove it there first']
    if (other !== nat && other.shared.some((each) => equal(each, toMapped(address))))
      return ['EADDRINUSE', `stations share it by ${fullName(other)}`, 'choose another, or remove it there first']
  }
  if ([nat.gateway4, nat.gateway6].some((gateway) => gateway !== null && equal(gateway, address)))
    return ['EADDRINUSE', 'it is the next router on the wire', 'choose another']
  const router = routerOfNat(model, nat)
  const subnet = router && subnetWith(router, address)
  return subnet && ['EADDRINUSE', `it is an address inside, of subnet ${fullName(subnet)}`, 'choose one that is not']
}
