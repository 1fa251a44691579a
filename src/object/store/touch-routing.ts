/** The keys that an operation on subnets and routers must mark, so that their tables are written anew. */
import { routersSegments, routersSources } from '../sync/projection/vteps.ts'
import { ofVpc, segmentOf } from './keys.ts'
import type { Model, Router, Subnet } from './model.ts'
import { addressesIn, touchHost, touchRoutes, vpcOfRouter, withPeers } from './routing.ts'
import { touchNatsOf } from './touch-nat.ts'
import type { Transaction } from './transaction.ts'

/** Mark the VTEPs of a router's VPC and of its peers'. Call it before and after a change. */
export function touchRoutedVteps(tx: Transaction, model: Model, router: Router): void {
  const { vteps } = tx.dirty
  for (const each of withPeers(model, router)) {
    const vpc = vpcOfRouter(each)
    if (vpc === undefined) continue
    const segment = ofVpc(vpc)
    for (const mux of model.ofType('vpcmux'))
      for (const address of routersSources(model, mux, each)) vteps.addKey({ stats: mux.source, segment, address })
    // And those that a subnet had until this transaction: when it ends, nothing may lead from the VNI to the VPC.
    for (const vni of routersSegments(model, each)) for (const place of vteps.of(vni)) vteps.addKey({ ...place, segment })
  }
}

/** Mark all that the tables say about a subnet now. Call it before and after a change of it. */
export function touchSubnet(tx: Transaction, model: Model, subnet: Subnet): void {
  tx.dirty.records.add(subnet)
  const { switch: sw, router, vni } = subnet
  if (sw === null) return
  tx.dirty.records.add(sw)
  tx.dirty.subnets.add(segmentOf(sw, vni))
  tx.dirty.zones.add(sw.unit)
  for (const port of sw.ports) if (port.vni === vni) tx.dirty.guests.add(port.source)
  if (router === null) return
  tx.dirty.records.add(router)
  for (const address of addressesIn(subnet)) touchHost(tx, sw, address)
  // A peer's routes to it say which VPC it is.
  for (const each of withPeers(model, router)) touchRoutes(tx, each)
  touchRoutedVteps(tx, model, router)
  touchNatsOf(tx, model, router.id)
}
