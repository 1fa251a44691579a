/** What follows from NATs: who they are in the datapath, and the keys to write anew when one changes. */
import type { Id } from '#abi/id.ts'
import { ipFrom, toMapped } from '#wire/ip-address.ts'
import { addressKey, ofVpc } from './keys.ts'
import type { Ethlink, Model, Nat, Router } from './model.ts'
import { vpcOfRouter } from './routing.ts'
import type { Transaction } from './transaction.ts'

/** The router that a NAT serves. */
export const routerOfNat = (model: Model, { router }: Nat): Router | undefined =>
  router === null ? undefined : model.find('vpcrtr', router)

/** The ethlink of this host whose wire has its public addresses. */
export const ethlinkOfNat = (model: Model, { ethlink }: Nat): Ethlink | undefined =>
  ethlink === null ? undefined : model.find('ethlink', ethlink)

/** The interface of the wire; 0: there is none on this host. */
export const wireOf = (model: Model, nat: Nat): number => ethlinkOfNat(model, nat)?.ifindex ?? 0

/** The VPC whose stations have its addresses; 0: none. */
export function vpcOfNat(model: Model, nat: Nat): number {
  const router = routerOfNat(model, nat)
  return (router && vpcOfRouter(router)) ?? 0
}

/** In table `floats`: all stations that have no floating address, of each family. */
export const everybodies = ['0.0.0.0', '::'].map((text) => toMapped(ipFrom(text)))

/** NATs of a router or by an ethlink. */
export const natsOf = (model: Model, id: Id): Nat[] =>
  [...model.ofType('vpcnat')].filter(({ router, ethlink }) => router === id || ethlink === id)

/** Mark all that the tables say about a NAT now. Call it before and after a change of it. */
export function touchNat(tx: Transaction, model: Model, nat: Nat): void {
  tx.dirty.nats.add(nat.source)
  const [wire, vpc] = [wireOf(model, nat), vpcOfNat(model, nat)]
  for (const { address, inside } of nat.floats) {
    tx.dirty.publicAddresses.add(wire, addressKey(toMapped(address)))
    tx.dirty.floats.add(vpc, addressKey(toMapped(inside)))
  }
  for (const address of nat.shared) tx.dirty.publicAddresses.add(wire, addressKey(address))
  if (nat.shared.length > 0) for (const everybody of everybodies) tx.dirty.floats.add(vpc, addressKey(everybody))
  if (nat.via === null || vpc === 0) return
  const vtep = addressKey(toMapped(nat.via.address))
  for (const mux of model.ofType('vpcmux')) tx.dirty.vteps.addKey({ stats: mux.source, segment: ofVpc(vpc), address: vtep })
}

/** The same for all NATs of a router or by an ethlink. */
export function touchNatsOf(tx: Transaction, model: Model, id: Id): void {
  for (const nat of natsOf(model, id)) touchNat(tx, model, nat)
}
