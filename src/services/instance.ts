/** What the metadata service knows of a guest, and the trees that it reads: those of EC2, and of NoCloud. */

interface Network {
  readonly prefix: string
  readonly gateway: string
  readonly address?: string
}

/** As src/object/sync/projection/guest-files.ts writes it. */
export interface Instance {
  readonly incarnation: number
  readonly id: string
  readonly hostname: string | null
  readonly domain: string
  readonly mac: string
  readonly mtu: number
  readonly addresses: readonly string[]
  readonly ipv4: Network | null
  readonly ipv6: Network | null
  readonly routed: boolean
  readonly dhcp: boolean
  readonly sshKeys: string | null
  readonly userData: string | null
}

/** A directory, or the text of a file. */
export type Tree = string | { readonly [name: string]: Tree }

const isIpv4 = (address: string): boolean => !address.includes(':')

/** Of the version: a date, as EC2 names them. All have the same. */
export const versions = ['1.0', '2009-04-04', '2016-09-02', '2018-09-24', '2021-03-23', 'latest'] as const

const instanceId = ({ id }: Instance): string => `i-${id.replaceAll('-', '')}`

/** The name of a guest that has none. */
const nameOf = ({ hostname, ipv4, addresses }: Instance): string => {
  if (hostname !== null) return hostname
  const address = ipv4?.address ?? addresses[0]
  return address === undefined ? 'guest' : `ip-${address.replaceAll(/[.:]+/g, '-')}`
}

const fullName = (instance: Instance): string => {
  const name = nameOf(instance)
  return name.includes('.') ? name : `${name}.${instance.domain}`
}

const keysOf = ({ sshKeys }: Instance): string[] => (sshKeys === null ? [] : sshKeys.split('\n'))

/** The directory of EC2's keys lists them as `0=name`. */
const keyTree = (instance: Instance): Tree => Object.fromEntries(keysOf(instance).map((key, i) => [String(i), { 'openssh-key': key }]))

function interfaceTree(instance: Instance): Tree {
  const { mac, ipv4, ipv6, addresses } = instance
  const [fours, sixes] = [addresses.filter(isIpv4), addresses.filter((address) => !isIpv4(address))]
  return {
    'device-number': '0',
    mac,
    'local-hostname': fullName(instance),
    ...(fours.length > 0 && { 'local-ipv4s': fours.join('\n') }),
    ...(sixes.length > 0 && { ipv6s: sixes.join('\n') }),
    ...(ipv4 !== null && { 'subnet-ipv4-cidr-block': ipv4.prefix }),
    ...(ipv6 !== null && { 'subnet-ipv6-cidr-blocks': ipv6.prefix }),
  }
}

function ec2Metadata(instance: Instance): Tree {
  const { mac, ipv4, addresses } = instance
  const local = ipv4?.address ?? addresses.find(isIpv4)
  const keys = keyTree(instance)
  return {
    'instance-id': instanceId(instance),
    'local-hostname': fullName(instance),
    hostname: fullName(instance),
    ...(local !== undefined && { 'local-ipv4': local }),
    mac,
    ...(keysOf(instance).length > 0 && { 'public-keys': keys }),
    network: { interfaces: { macs: { [mac]: interfaceTree(instance) } } },
  }
}

function document(instance: Instance): string {
  const { ipv4, addresses } = instance
  const local = ipv4?.address ?? addresses.find(isIpv4) ?? null
  return JSON.stringify({ version: '2017-09-30', instanceId: instanceId(instance), privateIp: local }, null, 2)
}

/** The tree of a version of EC2's metadata. */
export const ec2Tree = (instance: Instance): Tree => ({
  dynamic: { 'instance-identity': { document: document(instance) } },
  'meta-data': ec2Metadata(instance),
  ...(instance.userData !== null && { 'user-data': instance.userData }),
})

/** Version 2 of cloud-init's network configuration. JSON is YAML. */
function networkConfig(instance: Instance): string {
  const { mac, mtu, dhcp, ipv4, ipv6, routed } = instance
  const networks = [ipv4, ipv6].flatMap((network) => (network?.address === undefined ? [] : [network]))
  const fixed = {
    addresses: networks.map(({ address, prefix }) => `${address}/${prefix.split('/')[1]}`),
    ...(routed && { routes: networks.map(({ gateway }) => ({ to: isIpv4(gateway) ? '0.0.0.0/0' : '::/0', via: gateway })) }),
  }
  const settings = dhcp ? { dhcp4: ipv4?.address !== undefined, dhcp6: ipv6?.address !== undefined } : fixed
  return JSON.stringify({ version: 2, ethernets: { id0: { match: { macaddress: mac }, mtu, ...settings } } }, null, 2)
}

/** What cloud-init's NoCloud finds below `seedfrom`. */
export const noCloudTree = (instance: Instance): Tree => ({
  'meta-data': JSON.stringify(
    {
      'instance-id': instanceId(instance),
      'local-hostname': fullName(instance),
      'public-keys': keysOf(instance),
    },
    null,
    2,
  ),
  'user-data': instance.userData ?? '',
  'vendor-data': '',
  'network-config': networkConfig(instance),
})
