/** The lab file's underlay and hosts. */
import { familyOf, type Ip } from '#wire/ip-address.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { vxlanOverhead } from '#wire/vxlan.ts'
import { AddressPool, readAddress, readNamed, readNetwork } from './lab-file-values.ts'
import type { LabHost, Underlay } from './lab-model.ts'
import { underlayDevice } from './names.ts'
import type { YamlValue } from './yaml-value.ts'

/** A broadcast goes to 64 other hosts at most. */
const mostHosts = 65
/** IPv6 inside needs 1280, IPv4 has no use for less than it. */
const leastGuestMtu = 1280
const largestMtu = 65535

/** The section `underlay`. */
export function readUnderlay(value: YamlValue): Underlay | undefined {
  const field = value.fields<'network' | 'mtu' | 'port'>(['network'], ['mtu', 'port'])
  const network = field.network && readNetwork(field.network)
  if (network === undefined) return undefined
  const leastMtu = leastGuestMtu + vxlanOverhead[familyOf(network.address)]
  const mtuBytes = field.mtu ? field.mtu.integer(leastMtu, largestMtu) : 1500
  const port = field.port ? field.port.integer(1, 65535) : 4789
  return mtuBytes === undefined || port === undefined ? undefined : { network, mtuBytes, port }
}

/** The section `hosts`. Who has no address gets the first free one. */
export function readHosts(value: YamlValue, { network }: Underlay): LabHost[] {
  const named = readNamed(value)
  if (named.length > mostHosts)
    value.report(`${named.length} hosts; a lab has ${mostHosts} at most, since a broadcast goes to ${mostHosts - 1} others`)
  const pool = new AddressPool(network)
  const given = named.map(([name, entry]) => {
    const field = entry.fields<'address'>([], ['address'])
    const address = field.address && readAddress(field.address, network, 'the underlay')
    const other = address && pool.claim(address, name)
    if (other !== undefined) field.address!.report(`host ${other} has this address`)
    return { name, entry, address }
  })
  return given.flatMap(({ name, entry, address }) => {
    const own: Ip | undefined = address ?? pool.next(name)
    if (own === undefined) entry.report(`the underlay ${formatPrefix(network)} has no address left for it`)
    return own === undefined ? [] : [{ name, address: own, device: underlayDevice }]
  })
}
