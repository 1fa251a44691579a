/** The mux of the host, and the ethlink of its underlay: the interface that has the host's first address. */
import { formatEndpoint } from '#wire/endpoint.ts'
import { formatIp, parseIp } from '#wire/ip-address.ts'
import type { HostItem, VtepAddress } from '#feed/item.ts'
import type { Draft, HostFacts } from './draft.ts'
import { muxId } from './ids.ts'
import type { Items } from './items.ts'

/** The item of this host, if the feed has told it. */
export const thisHost = (items: Items): HostItem | undefined => {
  for (const host of items.of('host')) return host
  return undefined
}

/** `192.0.2.1:4789`; undefined for what is no address. */
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
  draft.add('muxes', host, { id: muxId(host.id), underlay, listen: endpointText(first) })
}
