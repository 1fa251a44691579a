/** The links of a lab file or a cluster file: wires that leave a host. */
import { readNamed, readPrefix, readReference } from './lab-file-values.ts'
import { parseMac } from '#wire/mac.ts'
import type { Grammar, LabHost, Link, Subnet } from './lab-model.ts'
import type { YamlValue } from './yaml-value.ts'

interface Known {
  readonly hosts: readonly LabHost[]
  readonly subnets: readonly Subnet[]
  readonly grammar: Grammar
}

type Key = 'host' | 'uplink' | 'vtag' | 'address' | 'host-address' | 'device' | 'mac'

const optionalKeys: Readonly<Record<Grammar, readonly Key[]>> = {
  lab: ['uplink', 'vtag', 'address', 'host-address'],
  cluster: ['uplink', 'vtag', 'address', 'device', 'mac'],
}

/** The section `links`. */
export function readLinks(value: YamlValue, known: Known): Link[] {
  const uplinks = new Map<string, string>()
  return readNamed(value, known.grammar === 'lab' ? 'thing' : 'member').flatMap(([name, entry]) => {
    const link = readLink(name, entry, known)
    if (link?.uplink === undefined) return link ?? []
    const { customer } = link.uplink
    const other = uplinks.get(`${link.host} ${customer}`)
    if (other !== undefined) entry.report(`${other} is the uplink of ${customer} on ${link.host}; a customer has one uplink on a host`)
    uplinks.set(`${link.host} ${customer}`, name)
    return link
  })
}

function readLink(name: string, value: YamlValue, { hosts, subnets, grammar }: Known): Link | undefined {
  const field = value.fields<Key>(['host'], optionalKeys[grammar])
  const host = field.host && readReference(field.host, 'host', hosts)
  const uplink = field.uplink && readReference(field.uplink, 'subnet', subnets)
  const vtag = field.vtag ? field.vtag.integer(0, 4094) : 0
  if (field.vtag !== undefined && field.uplink === undefined)
    field.vtag.report("a tag is the uplink's; say with 'uplink' which subnet's it is")
  const addresses = field.address?.list().map(readPrefix) ?? []
  const hostAddresses = field['host-address']?.list().map(readPrefix) ?? []
  const device = field.device ? field.device.text() : name
  const mac = field.mac && readMac(field.mac)
  if (host === undefined || vtag === undefined || device === undefined) return undefined
  if (device.length > 15)
    (field.device ?? value).report(`'${device}' is not an interface's name, which has 15 characters at most; say 'device'`)
  return {
    name,
    host: host.name,
    device,
    ...(mac !== undefined && { mac }),
    addresses: addresses.filter((prefix) => prefix !== undefined),
    hostAddresses: hostAddresses.filter((prefix) => prefix !== undefined),
    ...(uplink && { uplink }),
    vtag,
  }
}

function readMac(value: YamlValue): Uint8Array | undefined {
  const text = value.text()
  const mac = text === undefined ? undefined : parseMac(text)
  if (mac?.ok === false) value.report(mac.problem)
  return mac?.ok ? mac.value : undefined
}
