/** The public addresses of NATs: vpcd refuses those that somebody has already, or that no station can use. */
import { formatFloat, type Float } from '#abi/float.ts'
import { formatIp, toMapped, type Ip } from '#wire/ip-address.ts'
import { contains, parseNetwork } from '#wire/prefix.ts'
import { equal } from '#wire/struct.ts'
import { must } from '#wire/result.ts'
import type { Context } from '../context.ts'
import { fullName, unitName, type Model, type Nat, type Router } from '../store/model.ts'
import { networksOf, subnetWith } from '../store/routing.ts'
import { natsOf, routerOfNat, touchNat } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'
import { isUsableAddress } from '#wire/usable-address.ts'

/** Why a NAT cannot have a floating address. */
type Problem = readonly [errno: 'EINVAL' | 'EADDRINUSE' | 'ENOENT', why: string, remedy: string]

/** Whether an address is in one of some networks. */
export const isIn = (networks: readonly string[], address: Ip): boolean =>
  networks.some((network) => contains(must(parseNetwork(network)), address))

/** Refuse floating addresses that do not work, the first of them by its name. */
export function checkFloats(model: Model, tx: Transaction, nat: Nat, asked: readonly Float[]): void {
  for (const [i, float] of asked.entries()) {
    const problem = problemOf(model, nat, float) ?? twice(float, asked.slice(0, i))
    if (problem !== undefined) tx.refuse(problem[0], `floating address ${formatFloat(float)}: ${problem[1]}`, problem[2])
  }
}

function twice({ address, inside }: Float, before: readonly Float[]): Problem | undefined {
  const sameAddress = before.find((other) => equal(other.address, address))
  if (sameAddress !== undefined)
    return ['EADDRINUSE', `${formatIp(address)} stands there for ${formatIp(sameAddress.inside)} already`, 'give it once']
  const sameInside = before.find((other) => equal(other.inside, inside))
  if (sameInside === undefined) return undefined
  return ['EADDRINUSE', `${formatIp(inside)} has ${formatIp(sameInside.address)} already`, 'a station has one public address of a family']
}

function problemOf(model: Model, nat: Nat, { address, inside }: Float): Problem | undefined {
  const router = routerOfNat(model, nat)
  if (router === undefined) return ['EINVAL', `${unitName(nat)} serves no router`, 'give it one with vpc nat set --router-id']
  if (nat.pool.length === 0) return ['EINVAL', `${unitName(nat)} has no public addresses`, 'give it some with vpc nat set --pool']
  if (!isUsableAddress(toMapped(address))) return ['EINVAL', `${formatIp(address)} is not an address of a station`, 'choose another']
  if (!isIn(nat.pool, address))
    return [
      'EINVAL',
      `${formatIp(address)} is none of its public addresses (${nat.pool.join(', ')})`,
      'choose one of them, or extend the pool',
    ]
  const sharer = [...model.ofType('vpcnat')].find(({ shared }) => shared.some((each) => equal(each, toMapped(address))))
  if (sharer !== undefined) return ['EADDRINUSE', `stations share it by ${unitName(sharer)}`, 'choose another, or take it away there first']
  return insideProblem(router, inside) ?? takenPublic(model, nat, router, address) ?? takenInside(model, nat, router, inside)
}

function insideProblem(router: Router, inside: Ip): Problem | undefined {
  if (subnetWith(router, inside) !== undefined) return undefined
  const prefixes = [...router.subnets].flatMap((subnet) => networksOf(subnet).map(({ prefix }) => prefix))
  const is = prefixes.some((prefix) => contains(prefix, inside))
  if (is) return ['EINVAL', `${formatIp(inside)} is the gateway of a subnet of router ${fullName(router)}`, 'name a station']
  return [
    'EINVAL',
    `no subnet of router ${fullName(router)} has ${formatIp(inside)}`,
    'name a station of one of its subnets, or put its subnet into the router first',
  ]
}

/** The public address is another NAT's, or a station's of the router. */
function takenPublic(model: Model, nat: Nat, router: Router, address: Ip): Problem | undefined {
  for (const other of model.ofType('vpcnat')) {
    const float = other === nat ? undefined : other.floats.find((each) => equal(each.address, address))
    if (float !== undefined)
      return ['EADDRINUSE', `${fullName(other)} has it for ${formatIp(float.inside)}`, 'choose another, or remove it there first']
  }
  if ([nat.gateway4, nat.gateway6].some((gateway) => gateway !== null && equal(gateway, address)))
    return ['EADDRINUSE', `${formatIp(address)} is the next router on the wire`, 'choose another']
  const subnet = subnetWith(router, address)
  if (subnet === undefined) return undefined
  return ['EADDRINUSE', `${formatIp(address)} is an address inside, of subnet ${fullName(subnet)}`, 'choose one that is not']
}

/** Another NAT of the router has a public address for the station. */
function takenInside(model: Model, nat: Nat, router: Router, inside: Ip): Problem | undefined {
  for (const other of natsOf(model, router.id)) {
    const float = other === nat ? undefined : other.floats.find((each) => equal(each.inside, inside))
    if (float !== undefined)
      return [
        'EADDRINUSE',
        `${formatIp(inside)} has ${formatIp(float.address)} of ${fullName(other)}`,
        'a station has one public address of a family; remove that one first',
      ]
  }
  return undefined
}

/** Refuse a change of a router that leaves a floating address without its station's subnet. */
export function checkFloatsOf({ model }: Context, tx: Transaction, router: Router): void {
  for (const nat of natsOf(model, router.id))
    for (const float of nat.floats) {
      const problem = insideProblem(router, float.inside)
      if (problem !== undefined)
        tx.refuse('EBUSY', `floating address ${formatFloat(float)} of ${fullName(nat)}: ${problem[1]}`, 'remove it there first')
    }
}

/** Remove floating addresses whose station's subnet has left the router. */
export function dropDeadFloats({ model }: Context, tx: Transaction, router: Router): void {
  for (const nat of natsOf(model, router.id)) {
    const left = nat.floats.filter(({ inside }) => insideProblem(router, inside) === undefined)
    if (left.length === nat.floats.length) continue
    touchNat(tx, model, nat)
    tx.set(nat, 'floats', left)
    tx.dirty.records.add(nat)
  }
}
