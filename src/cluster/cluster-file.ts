/**
 * The cluster file: real hosts, and the customers, guests and links of a lab file. Reads the YAML and checks everything
 * that can be checked away from the hosts.
 */
import { formatIp, isIpv4, parseIp, type Ip } from '#wire/ip-address.ts'
import type { Prefix } from '#wire/prefix.ts'
import { fileText, parseFile, readMembers } from '#lab/file-members.ts'
import type { LabHost, Network } from '#lab/lab-model.ts'
import { readAddress, readName, readNamed, readNetwork } from '#lab/lab-file-values.ts'
import type { YamlValue } from '#lab/yaml-value.ts'

/** A broadcast goes to so many other hosts at most. */
const mostOthers = 64
const required = ['name', 'hosts', 'customers', 'guests'] as const
const optional = ['underlay', 'links'] as const

/** What a cluster file describes. */
export type Cluster = Network

/** Read a cluster file from disk. Throws LabError, or LabFileError with everything that is wrong with it. */
export async function readClusterFile(path: string): Promise<Cluster> {
  return parseCluster(await fileText(path, 'cluster'), path)
}

/** Read the text of a cluster file. `path` is for messages. Throws LabFileError. */
export const parseCluster = (text: string, path: string): Cluster => parseFile(text, path, readCluster)

function readCluster(root: YamlValue): Cluster | undefined {
  const part = root.fields<(typeof required)[number] | (typeof optional)[number]>(required, optional)
  const name = part.name && readName(part.name, 'thing')
  const underlay = readUnderlay(part.underlay)
  const hosts = part.hosts && readHosts(part.hosts, underlay?.network)
  const { customers, guests, links } = part
  if (name === undefined || underlay === undefined || hosts === undefined || customers === undefined || guests === undefined)
    return undefined
  const cluster = { name, underlay, hosts, ...readMembers({ customers, guests, links }, hosts, 'cluster') }
  reportWideSubnets(customers, cluster)
  return cluster
}

/** The section `underlay`: the UDP port of VXLAN, and the network that all hosts are in, if there is one. */
function readUnderlay(value: YamlValue | undefined): { readonly port: number; readonly network?: Prefix } | undefined {
  if (value === undefined) return { port: 4789 }
  const field = value.fields<'port' | 'network'>([], ['port', 'network'])
  const port = field.port ? field.port.integer(1, 65535) : 4789
  const network = field.network && readNetwork(field.network)
  return port === undefined ? undefined : { port, ...(network !== undefined && { network }) }
}

/** The section `hosts`: the address of each on the underlay, and the interface that has it. */
function readHosts(value: YamlValue, network: Prefix | undefined): LabHost[] {
  const hosts: LabHost[] = []
  for (const [name, entry] of readNamed(value, 'member')) {
    const field = entry.fields<'address' | 'device'>(['address', 'device'])
    const address = field.address && readHostAddress(field.address, network)
    const device = field.device?.text()
    if (address === undefined || device === undefined) continue
    const twin = hosts.find((other) => formatIp(other.address) === formatIp(address))
    if (twin !== undefined) field.address!.report(`host ${twin.name} has this address`)
    if (hosts[0] !== undefined && isIpv4(hosts[0].address) !== isIpv4(address))
      field.address!.report(`host ${hosts[0].name} has an address of the other family; give all hosts addresses of one family`)
    hosts.push({ name, address, device })
  }
  return hosts
}

function readHostAddress(value: YamlValue, network: Prefix | undefined): Ip | undefined {
  if (network !== undefined) return readAddress(value, network, 'the underlay')
  const text = value.text()
  const address = text === undefined ? undefined : parseIp(text)
  if (address?.ok === false) value.report(address.problem)
  return address?.ok ? address.value : undefined
}

/** The hosts of a subnet send its broadcasts to each other. */
function reportWideSubnets(customers: YamlValue, { subnets, guests }: Pick<Cluster, 'subnets' | 'guests'>): void {
  for (const { name } of subnets) {
    const hosts = new Set(guests.filter(({ subnet }) => subnet.name === name).map(({ host }) => host))
    if (hosts.size > mostOthers + 1)
      customers.report(`subnet ${name} is on ${hosts.size} hosts; a broadcast goes to ${mostOthers} other hosts at most`)
  }
}
