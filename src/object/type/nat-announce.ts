/** Tells the wire which public addresses have come to this host, so that nobody sends to where they were before. */
import { announceAddresses } from '#datapath/device/announce.ts'
import type { Float } from '#abi/float.ts'
import type { Context } from '../context.ts'
import { asIp, fromMapped } from '#wire/ip-address.ts'
import { unitName, type Nat } from '../store/model.ts'
import { ethlinkOfNat } from '../store/touch-nat.ts'
import type { Transaction } from '../store/transaction.ts'

/** All public addresses of a NAT. */
export const publicOf = ({ floats, shared }: Nat): Pick<Float, 'address'>[] => [
  ...floats,
  ...shared.map((address) => ({ address: asIp(fromMapped(address)) })),
]

/** Announce public addresses once the tables have them. Neighbours of a wire that is down ask when it is up again. */
export function announce({ model }: Context, tx: Transaction, nat: Nat, floats: readonly Pick<Float, 'address'>[]): void {
  if (floats.length === 0) return
  tx.later(`announce addresses of ${unitName(nat)}`, () => {
    const ethlink = ethlinkOfNat(model, nat)
    if (nat.dead || ethlink === undefined || ethlink.ifindex === 0 || ethlink.interfaceMac === null) return
    const addresses = floats.map(({ address }) => address)
    announceAddresses(ethlink.ifindex, ethlink.interfaceMac, addresses)
  })
}
