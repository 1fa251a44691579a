/** The lab file's links: wires that leave a host. */
import { readNamed, readPrefix, readReference } from './lab-file-values.ts'
import type { LabHost, Link, Subnet } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

interface Known {
  readonly hosts: readonly LabHost[]
  readonly subnets: readonly Subnet[]
}

type Key = 'host' | 'uplink' | 'vtag' | 'address' | 'host-address'

/** The section `links`. */
export function readLinks(value: YamlValue, known: Known): Link[] {
  const uplinks = new Map<string, string>()
  return readNamed(value).flatMap(([name, entry]) => {
    const link = readLink(name, entry, known)
    if (link?.uplink === undefined) return link ?? []
    const { customer } = link.uplink
    const other = uplinks.get(`${link.host} ${customer}`)
    if (other !== undefined) entry.report(`${other} is the uplink of ${customer} on ${link.host}; a customer has one uplink on a host`)
    uplinks.set(`${link.host} ${customer}`, name)
    return link
  })
}

function readLink(name: string, value: YamlValue, { hosts, subnets }: Known): Link | undefined {
  const field = value.fields<Key>(['host'], ['uplink', 'vtag', 'address', 'host-address'])
  const host = field.host && readReference(field.host, 'host', hosts)
  const uplink = field.uplink && readReference(field.uplink, 'subnet', subnets)
  const vtag = field.vtag ? field.vtag.integer(0, 4094) : 0
  if (field.vtag !== undefined && field.uplink === undefined)
    field.vtag.report("a tag is the uplink's; say with 'uplink' which subnet's it is")
  const addresses = field.address?.list().map(readPrefix) ?? []
  const hostAddresses = field['host-address']?.list().map(readPrefix) ?? []
  if (host === undefined || vtag === undefined) return undefined
  return {
    name,
    host: host.name,
    addresses: addresses.filter((prefix) => prefix !== undefined),
    hostAddresses: hostAddresses.filter((prefix) => prefix !== undefined),
    ...(uplink && { uplink }),
    vtag,
  }
}
