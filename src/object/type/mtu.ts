/** MTUs: that of the overlay, and that of a unit without a setting. Pure functions of the model. */
import type { Endpoint } from '#wire/endpoint.ts'
import type { Vtep } from '../store/entry-store.ts'
import type { Interface, Model, Mux } from '../store/model.ts'

/** Overhead of VXLAN: Ethernet 14, VXLAN 8, UDP 8, and IPv4 20 or IPv6 40. */
export const overheadBytes = { 4: 50, 6: 70 } as const

/** The MTU of a unit on a host without a known underlay. */
export const defaultMtuBytes = 1500

/** From the minimum of IPv4 to the maximum of a tap. */
export const minMtuBytes = 68
export const maxMtuBytes = 65521

/**
 * Whether a mux carries frames: it has an address to listen on, a device, and an underlay that exists, or routes by
 * another interface.
 */
export const inService = (mux: Mux): boolean =>
  mux.underlay !== null && (mux.underlay.ifindex !== 0 || mux.elsewhere) && mux.listen !== null && mux.ifindex !== 0

/**
 * The largest packet of a guest that fits through a mux; undefined while its underlay has never been seen. A missing
 * underlay counts with its last MTU: it will come again, and guests keep a right MTU. Until the mux listens, IPv4 is
 * assumed.
 */
export function muxMtuBytes(mux: Mux): number | undefined {
  if (mux.mtuBytes !== null) return mux.mtuBytes
  if (mux.underlay === null || mux.underlay.deviceMtuBytes === 0) return undefined
  const six = mux.listen !== null && mux.listen.address.length === 16
  const outer = Math.min(mux.underlay.deviceMtuBytes, mux.widestBytes ?? Infinity)
  return Math.max(minMtuBytes, outer - overheadBytes[six ? 6 : 4])
}

/** The largest packet of a guest that fits on the way to a VTEP; 0: unknown. */
export function vtepMtuBytes(mux: Mux, vtep: Vtep): number {
  const fits = muxMtuBytes(mux)
  const path = least(mux.paths.get(vtep), farMtuBytes(mux, vtep))
  if (fits === undefined || path === undefined) return fits ?? 0
  return Math.max(minMtuBytes, Math.min(fits, path - overheadBytes[vtep.family]))
}

/** What was found before, for a list of far VTEPs and a port of the mux: 100 000 entries may have few VTEPs. */
const farMtus = new WeakMap<Mux['farVteps'], { readonly port: number; readonly found: WeakMap<Vtep, number | undefined> }>()

/**
 * The MTU of the way to a VTEP that somebody has set; undefined: nobody has. A VTEP may be named with the mux's own
 * port or without a port: both mean the same one, and the smaller MTU holds where both are in the list.
 */
export function farMtuBytes({ farVteps, listen }: Mux, vtep: Vtep): number | undefined {
  if (farVteps.length === 0) return undefined
  const port = listen?.port ?? 0
  let known = farMtus.get(farVteps)
  if (known?.port !== port) farMtus.set(farVteps, (known = { port, found: new WeakMap() }))
  const { found } = known
  if (!found.has(vtep)) {
    const isIt = (far: Endpoint): boolean => (far.port || port) === (vtep.port || port) && Buffer.compare(far.address, vtep.address) === 0
    const mtus = farVteps.filter((far) => isIt(far.vtep)).map(({ mtuBytes }) => mtuBytes ?? undefined)
    found.set(vtep, mtus.reduce(least, undefined))
  }
  return found.get(vtep)
}

/** The smaller one of those that are known. */
export const least = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b)

/** The MTU that units follow: what fits through every mux. */
export function overlayMtuBytes(model: Model): number {
  let mtu: number | undefined
  for (const mux of model.ofType('vpcmux')) {
    const fits = muxMtuBytes(mux)
    if (fits !== undefined && (mtu === undefined || fits < mtu)) mtu = fits
  }
  return Math.min(mtu ?? defaultMtuBytes, maxMtuBytes)
}

/** The MTU that an interface has. An ethlink's is its device's, or less. */
export function interfaceMtuBytes(model: Model, of: Interface): number {
  if (of.type !== 'ethlink') return of.mtuBytes ?? overlayMtuBytes(model)
  const device = of.deviceMtuBytes === 0 ? defaultMtuBytes : of.deviceMtuBytes
  return of.mtuBytes === null ? device : Math.min(of.mtuBytes, device)
}
