/** The mux of the host, and the ethlink of its underlay: the interface that has the host's first address. */
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import type { HostItem, VtepAddress, VtepItem } from '#feed/item.ts'
import type { Draft, HostFacts, Problem } from './draft.ts'
import { muxId } from './ids.ts'
import type { Items } from './items.ts'

/** The item of this host, if the feed has told it. */
export const thisHost = (items: Items): HostItem | undefined => {
  for (const host of items.of('host')) return host
  return undefined
}

/** `192.0.2.1:4789`; undefined for what is not an address. */
export function endpointText({ address, port }: VtepAddress): string | undefined {
  const parsed = parseIp(address)
  return parsed.ok ? formatEndpoint({ address: parsed.value, port }) : undefined
}

/** Where another host listens, as entries have it: with its UDP port where that is not this host's own. */
export function vtepText({ address, port }: VtepAddress, own: HostItem | undefined): string | undefined {
  const parsed = parseIp(address)
  if (!parsed.ok) return undefined
  return port === own?.underlay[0]?.port ? formatIp(parsed.value) : formatEndpoint({ address: parsed.value, port })
}

/** Hosts that this one sends to. */
export interface Vteps {
  /** Where a host listens, as entries have it. */
  readonly at: ReadonlyMap<string, string>
  /** Those of other facilities. */
  readonly far: ReadonlySet<string>
  /** Why this host sends nothing to some that the feed has told. */
  readonly closed: ReadonlyMap<string, Pick<Problem, 'code' | 'text'>>
}

/** What the items and the host say about it. */
export function vtepsOf(items: Items, facts: HostFacts): Vteps {
  const [at, far, closed] = [new Map<string, string>(), new Set<string>(), new Map<string, Pick<Problem, 'code' | 'text'>>()]
  const own = thisHost(items)
  for (const vtep of items.of('vtep')) {
    const text = vtep.underlay[0] === undefined ? undefined : vtepText(vtep.underlay[0], own)
    if (text === undefined) continue
    const problem = closedBy(vtep, facts)
    if (vtep.transit !== undefined) far.add(vtep.id)
    if (problem === undefined) at.set(vtep.id, text)
    else closed.set(vtep.id, problem)
  }
  return { at, far, closed }
}

/** What keeps this host from the way that a transit asks for. */
function closedBy({ id, transit }: VtepItem, { vpcd }: HostFacts): Pick<Problem, 'code' | 'text'> | undefined {
  if (transit === undefined || vpcd === undefined || (transit.mtu === null && !transit.ipsec)) return undefined
  if (vpcd.settings?.has('vpcmux.far-vteps') !== true) {
    const text = `vpcd ${vpcd.version} of this host does not know transits with an MTU or IPsec; update vpcd there`
    return { code: 'too-old', text: `cannot send to host ${id} of another facility: ${text}` }
  }
  if (!transit.ipsec || vpcd.ipsec !== false) return undefined
  const text = 'the transit asks for IPsec, and the kernel of this host has none (CONFIG_XFRM_USER): load xfrm_user'
  return { code: 'no-ipsec', text: `cannot send to host ${id} of another facility: ${text}` }
}

/** VTEPs of other facilities, as the setting of the mux has them. */
function farVteps(draft: Draft, items: Items, facts: HostFacts): string[] {
  const { at, closed } = vtepsOf(items, facts)
  const found: string[] = []
  for (const vtep of items.of('vtep')) {
    const [text, problem] = [at.get(vtep.id), closed.get(vtep.id)]
    if (problem !== undefined) draft.refuse(vtep, problem.code, problem.text)
    const { mtu = null, ipsec = false } = vtep.transit ?? {}
    if (text !== undefined && (mtu !== null || ipsec))
      found.push([text, ...(mtu === null ? [] : [`mtu=${mtu}`]), ...(ipsec ? ['ipsec'] : [])].join(' '))
  }
  return found.sort()
}

export function addUnderlay(draft: Draft, items: Items, facts: HostFacts): void {
  const host = thisHost(items)
  const first = host?.underlay[0]
  if (host === undefined || first === undefined) return
  const name = facts.interfaceOf(first.address)
  if (name === undefined) {
    const remedy = `give an interface this address, or correct the underlay of the host with vpc cloud host set`
    return draft.refuse(host, 'interface-missing', `cannot listen on ${first.address}: no interface of this host has it; ${remedy}`)
  }
  const underlay = draft.ethlink(host.id, name, host)
  const far = farVteps(draft, items, facts)
  draft.add('muxes', host, { id: muxId(host.id), underlay, listen: endpointText(first), ...(far.length > 0 && { 'far-vteps': far }) })
}
