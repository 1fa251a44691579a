/**
 * Table `vteps`: VTEPs from which packets of a VNI are accepted. The VNI's forwarding entries name them; a VNI without
 * entries has none. Routed packets may come from all hosts of the VPC and of its peers, whichever of its subnets they
 * have stations in.
 */
import { cStruct, u32 } from '#abi/c-struct.ts'
import { toMapped } from '#wire/ip-address.ts'
import type { Dirty, VtepPlace } from '../../store/dirty.ts'
import { addressField, addressKey, ofVpc } from '../../store/keys.ts'
import type { Model, Mux, Router } from '../../store/model.ts'
import { subnetOf } from '../../store/claims.ts'
import { routerOf, vpcOfRouter, withPeers } from '../../store/routing.ts'
import { vpcOfNat } from '../../store/touch-nat.ts'
import { segmentOfVpc } from '#datapath/layout.ts'
import { toVtep } from './destination.ts'
import type { Projection } from './projection.ts'

/** struct vpc_vtep_key, its address as a key. */
export const vtepPlace = cStruct({ stats: u32, segment: u32, address: addressField })

export const vteps: Projection<VtepPlace, number> = {
  *keys(model: Model) {
    for (const mux of model.ofType('vpcmux')) {
      for (const segment of mux.entries.vnis.keys()) {
        for (const address of sourcesOf(mux, segment)) yield { stats: mux.source, segment, address }
      }
      for (const router of model.ofType('vpcrtr')) {
        const vpc = vpcOfRouter(router)
        if (vpc === undefined) continue
        for (const address of allSourcesOf(model, mux, ofVpc(vpc))) yield { stats: mux.source, segment: ofVpc(vpc), address }
      }
    }
  },
  keyField: vtepPlace,
  valueField: u32,
  values(model) {
    const known = new Map<string, ReadonlySet<string>>()
    return ({ stats, segment, address }) => {
      const mux = model.sources.get(stats)
      if (mux?.type !== 'vpcmux') return undefined
      const name = `${stats} ${segment}`
      let sources = known.get(name)
      if (sources === undefined) known.set(name, (sources = allSourcesOf(model, mux, segment)))
      return sources.has(address) ? 1 : undefined
    }
  },
}

function allSourcesOf(model: Model, mux: Mux, segment: number): ReadonlySet<string> {
  if (segment < segmentOfVpc) return sourcesOf(mux, segment)
  const sw = model.byType.vpcsw.get(segment - segmentOfVpc - 1)
  const router = sw && routerOf(sw)
  if (!router) return new Set()
  const gateways = [...gatewayHosts(model, mux)].filter((place) => place.segment === segment).map(({ address }) => address)
  return new Set([...routersSources(model, mux, router), ...gateways])
}

/** Hosts that have public addresses of a router's stations: they send routed packets to these. */
function* gatewayHosts(model: Model, mux: Mux): Generator<VtepPlace> {
  for (const nat of model.ofType('vpcnat')) {
    const vpc = vpcOfNat(model, nat)
    const via = nat.via && { ...nat.via, family: nat.via.address.length === 4 ? (4 as const) : (6 as const), forward: false }
    if (via === null || vpc === 0 || toVtep(mux, via) === undefined) continue
    yield { stats: mux.source, segment: ofVpc(vpc), address: addressKey(toMapped(via.address)) }
  }
}

/** The VTEPs of all subnets that a router or a peer of it joins. */
export const routersSources = (model: Model, mux: Mux, router: Router): ReadonlySet<string> =>
  new Set(routersSegments(model, router).flatMap((segment) => [...sourcesOf(mux, segment)]))

/** The VNIs of all subnets that a router or a peer of it joins. */
export const routersSegments = (model: Model, router: Router): number[] =>
  withPeers(model, router).flatMap(({ subnets }) => [...subnets].map(({ vni }) => vni))

/** The keys of VNIs, and those of the VPCs that they are routed in. */
export function* vtepKeys(model: Model, { vteps: places, muxes }: Dirty): Generator<VtepPlace> {
  if (muxes.size > 0) for (const mux of model.ofType('vpcmux')) yield* gatewayHosts(model, mux)
  for (const place of places) {
    yield place
    const sw = model.segments.get(place.segment)
    const router = sw && subnetOf(sw, place.segment)?.router
    if (!router) continue
    for (const each of withPeers(model, router)) {
      const vpc = vpcOfRouter(each)
      if (vpc !== undefined) yield { ...place, segment: ofVpc(vpc) }
    }
  }
}

/** The addresses of a VNI's VTEPs: some may have several UDP ports. */
function sourcesOf(mux: Mux, segment: number): Set<string> {
  const uses = mux.entries.vnis.get(segment)?.uses.keys() ?? []
  return new Set([...uses].filter((vtep) => toVtep(mux, vtep) !== undefined).map(({ address }) => addressKey(toMapped(address))))
}
