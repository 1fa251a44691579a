/**
 * The settings of each type, declared once. The journal, documents, operations, the library and the command follow from
 * here. Declare a new setting here, and its setter in src/object/type.
 */
import { guest } from './guest-kind.ts'
import { hostName, publicKeys, userData } from './metadata-kind.ts'
import { groupIds, memberAddresses, networks, rules, switchOf, title } from './group-rule.ts'
import {
  account,
  address,
  addresses,
  byteRate,
  choice,
  counted,
  flag,
  integer,
  macs,
  network,
  optional,
  ownerName,
  packetRate,
  plainFlag,
  routes,
  upOrDown,
  vlan,
  vni,
  word,
  type Kind,
} from './kind.ts'
import { muxSettings } from './mux-settings.ts'
import { natSettings } from './nat-settings.ts'
import { objectName } from './object-name.ts'
import { own, shared, type Op, type Setting, type WithOps } from './setting.ts'
import { serviceSettings } from './service-settings.ts'
import type { UnitType } from './object-type.ts'
import type { Operation } from './operation.ts'
import { maxRouteTable } from './route.ts'

const mtuBytes = shared(optional(integer([68, 65521])), null, 'largest packet in bytes; none: as the underlay allows', {
  key: 'mtu',
})

/** How much of a shared table one switch may take. */
const quota = (what: string, op: number, help: string): WithOps<number, number> =>
  own(counted(`a quota of ${what}`, [0, 0xffffffff], 4), 0, [`${what} quota get`, op], [`${what} quota set`, op + 1], help, { since: 3 })

const owner = shared(optional(ownerName), null, 'owner: a document of this owner removes the object when it no longer lists it', {
  since: 3,
})

const name = shared(optional(objectName), null, 'name: commands take it in place of the id', { since: 9 })

/** By type, in the order in which vpcd sets them. */
export const settings = {
  vpcsw: {
    owner,
    name,
    vni: own(vni, 0, ['default VNI get', 0x0100], ['default VNI set', 0x0101], 'VNI of ports that are added'),
    up: own(upOrDown, true, ['state get', 5], ['state set', 6], 'forward'),
    floodUnknown: own(
      flag('flood unknown'),
      false,
      ['flood unknown get', 0x0105],
      ['flood unknown set', 0x0106],
      'flood ARP and ND questions that the neighbour table does not answer',
    ),
    maxEntries: quota('entries', 0x0120, 'forwarding entries that the VNIs of the switch may have; 0: as many as fit'),
    maxNeighbours: quota('neighbours', 0x0122, 'neighbours that the switch may have; 0: as many as fit'),
    maxAddresses: quota('addresses', 0x0124, 'addresses that its ports may have together; 0: as many as fit'),
  },
  vpcp: {
    owner,
    name,
    vni: own(vni, 0, ['VNI get', 3], ['VNI set', 4], 'VNI of the port; 0: not encapsulated', { option: { short: 'n' } }),
    vlan: own(vlan, 0, ['VLAN get', 5], ['VLAN set', 6], 'VLAN tag that frames of the interface carry; 0: none'),
    addresses: own(addresses, [], ['addresses get', 0x0100], ['addresses set', 0x0101], 'address that the interface may send from', {
      option: { name: 'address', none: 'let the interface send from any address that nobody else has' },
    }),
    antispoof: own(flag('antispoof'), true, ['antispoof get', 0x0102], ['antispoof set', 0x0103], 'check the senders of frames'),
    anyEthertype: own(
      flag('any EtherType'),
      false,
      ['any EtherType get', 0x0110],
      ['any EtherType set', 0x0111],
      'let frames of all EtherTypes pass, not only IPv4, IPv6 and ARP',
      { since: 3 },
    ),
    vrrp: own(flag('VRRP'), false, ['VRRP get', 0x0112], ['VRRP set', 0x0113], 'let VRRP pass', { since: 3 }),
    macs: own(
      macs,
      [],
      ['further MACs get', 0x0114],
      ['further MACs set', 0x0115],
      'further MAC address behind the interface, 16 at most',
      { since: 3, option: { name: 'mac', none: 'have no MAC address behind the interface but its own' } },
    ),
    held: own(flag('held'), false, ['held get', 0x0120], ['held set', 0x0121], 'keep the interface connected and out of service', {
      since: 3,
    }),
    leaving: own(
      flag('leaving'),
      false,
      ['leaving get', 0x0130],
      ['leaving set', 0x0131],
      'let the interface send and bring it nothing: frames for it take the forwarding entry of its MAC address',
      { since: 8 },
    ),
    broadcastRate: own(
      counted('a number of copies a second', [0, 1_000_000], 4),
      2000,
      ['broadcast rate get', 0x0122],
      ['broadcast rate set', 0x0123],
      'copies a second of the broadcasts and multicasts of the interface; 0: no limit',
      { since: 4 },
    ),
    rateOut: own(
      byteRate,
      0,
      ['rate out get', 0x0124],
      ['rate out set', 0x0125],
      'bytes that the interface may send a second, or bits such as 100mbit; 0: no limit',
      {
        since: 5,
      },
    ),
    rateIn: own(
      byteRate,
      0,
      ['rate in get', 0x0126],
      ['rate in set', 0x0127],
      'bytes that the interface may get a second, or bits such as 100mbit; 0: no limit',
      {
        since: 5,
      },
    ),
    packetRateOut: own(
      packetRate,
      0,
      ['packet rate out get', 0x0128],
      ['packet rate out set', 0x0129],
      'packets that the interface may send a second; 0: no limit',
      { since: 5 },
    ),
    packetRateIn: own(
      packetRate,
      0,
      ['packet rate in get', 0x012a],
      ['packet rate in set', 0x012b],
      'packets that the interface may get a second; 0: no limit',
      { since: 5 },
    ),
    questionRate: own(
      counted('a number of questions a second', [0, 10_000], 4),
      100,
      ['question rate get', 0x012c],
      ['question rate set', 0x012d],
      'ARP and ND questions of the interface that become events a second; 0: none',
      { since: 5 },
    ),
    dhcpRate: own(
      counted('a number of DHCP requests a second', [0, 10_000], 4),
      100,
      ['DHCP rate get', 0x012e],
      ['DHCP rate set', 0x012f],
      'DHCP requests of the interface that become events a second; 0: none',
      { since: 5 },
    ),
    groups: own(groupIds, [], ['groups get', 0x0140], ['groups set', 0x0141], 'security group that the interface is in, 16 at most', {
      since: 6,
      option: { name: 'group', none: 'be in no security group, and let everything pass' },
    }),
    maxFlows: own(
      counted('a number of flows', [0, 1_048_576], 4),
      16_384,
      ['flow quota get', 0x0142],
      ['flow quota set', 0x0143],
      'confirmed flows that the interface may have while it is in a security group; 0: none',
      { since: 6 },
    ),
    stateful: own(
      flag('flow tracking'),
      true,
      ['flow tracking get', 0x0144],
      ['flow tracking set', 0x0145],
      'track flows while it is in a security group, so that answers pass; off: rules alone decide',
      { since: 8 },
    ),
    hostname: own(hostName, null, ['host name get', 0x0170], ['host name set', 0x0171], 'name of the guest, in metadata and DNS', {
      since: 8,
    }),
    sshKeys: own(publicKeys, null, ['SSH keys get', 0x0172], ['SSH keys set', 0x0173], 'public keys that metadata gives to the guest', {
      since: 8,
      option: { name: 'ssh-key-file' },
    }),
    userData: own(userData, null, ['user data get', 0x0174], ['user data set', 0x0175], 'user data that metadata gives to the guest', {
      since: 8,
      option: { name: 'user-data-file' },
    }),
  },
  vmnic: {
    owner,
    name,
    mtuBytes,
    queues: own(counted('a number of queues', [1, 16]), 1, ['queue count get', 1], ['queue count set', 2], 'number of queue pairs', {
      option: { name: 'num-queues', short: 'n' },
    }),
    ownerUser: shared(optional(account), null, 'user who may open the queues; none: each user in the group'),
    ownerGroup: shared(account, 0, 'group that may open the queues'),
    // Last: a frozen vmnic does not change.
    frozen: shared(plainFlag, false, 'keep MAC address, MTU and queues as they are'),
  },
  hostif: {
    owner,
    name,
    mtuBytes,
    guest: own(
      guest,
      null,
      ['guest get', 0x0100],
      ['guest set', 0x0101],
      "network namespace that has the unit, and the unit's addresses there",
      {
        since: 8,
      },
    ),
  },
  ethlink: {
    owner,
    name,
    vtag: own(vlan, 0, ['vtag get', 6], ['vtag set', 7], 'VLAN tag of its frames on the wire; 0: none'),
    l2Name: shared(optional(word), null, 'interface of the host that it wraps'),
    mtuBytes,
  },
  vpcmux: { owner, name, mtuBytes, ...muxSettings },
  subnet: {
    owner,
    name,
    vni: own(vni, 0, ['VNI get', 0x0110], ['VNI set', 0x0111], 'VNI that is the subnet; 0: that of its switch', { since: 5 }),
    prefix4: own(network(4), null, ['IPv4 prefix get', 0x0112], ['IPv4 prefix set', 0x0113], 'IPv4 addresses of the subnet', { since: 5 }),
    prefix6: own(network(6), null, ['IPv6 prefix get', 0x0114], ['IPv6 prefix set', 0x0115], 'IPv6 addresses of the subnet', { since: 5 }),
    gateway4: own(
      address(4),
      null,
      ['IPv4 gateway get', 0x0116],
      ['IPv4 gateway set', 0x0117],
      'address of the gateway for IPv4; none: the first of the prefix',
      { since: 5 },
    ),
    gateway6: own(
      address(6),
      null,
      ['IPv6 gateway get', 0x0118],
      ['IPv6 gateway set', 0x0119],
      'address of the gateway for IPv6; none: the first of the prefix',
      { since: 5 },
    ),
    maxPacket: own(
      counted('a number of bytes', [0, 65535], 4),
      0,
      ['largest packet get', 0x011a],
      ['largest packet set', 0x011b],
      'bytes of the largest packet that is routed into it; 0: what the way takes',
      { since: 5, key: 'mtu' },
    ),
    routeTable: own(
      counted('a route table', [0, maxRouteTable]),
      0,
      ['route table get', 0x011c],
      ['route table set', 0x011d],
      "table of its router's that its packets are routed by",
      { since: 5 },
    ),
    ...serviceSettings,
  },
  vpcrtr: {
    owner,
    name,
    routes: own(routes, [], ['routes get', 0x0100], ['routes set', 0x0101], 'where packets go that no subnet of the router has', {
      since: 5,
      option: { name: 'route', none: 'have no routes but to the subnets' },
    }),
  },
  set: {
    owner,
    name: own(title, null, ['name get', 0x0120], ['name set', 0x0121], 'display name', { since: 6 }),
    switch: own(switchOf, null, ['switch get', 0x0122], ['switch set', 0x0123], 'switch that it belongs to', { since: 6 }),
    networks: own(networks, [], ['networks get', 0x0100], ['networks set', 0x0101], 'network or address that is in the set', {
      since: 6,
      option: { name: 'network', none: 'have nothing in the set' },
    }),
  },
  group: {
    owner,
    name: own(title, null, ['name get', 0x0120], ['name set', 0x0121], 'display name', { since: 6 }),
    switch: own(switchOf, null, ['switch get', 0x0122], ['switch set', 0x0123], 'switch that it belongs to', { since: 6 }),
    onRevoke: own(
      choice(['end', 'drain']),
      'end',
      ['on revoke get', 0x0106],
      ['on revoke set', 0x0107],
      'flows of a removed rule: end at the next packet, or live on',
      { since: 6 },
    ),
    tcpIdle: own(
      counted('a number of seconds', [60, 432_000], 4),
      7200,
      ['TCP idle get', 0x0108],
      ['TCP idle set', 0x0109],
      'seconds after which an idle TCP connection is forgotten',
      { since: 6 },
    ),
    members: own(memberAddresses, [], ['members get', 0x0102], ['members set', 0x0103], 'address of a member on another host', {
      since: 6,
      option: { name: 'member', none: 'have no members on other hosts' },
    }),
    rules: own(rules, [], ['rules get', 0x0100], ['rules set', 0x0101], 'what may pass', { since: 6 }),
  },
  vpcnat: { owner, name, ...natSettings },
} as const satisfies { readonly [T in UnitType]: Readonly<Record<string, Setting<any, any>>> }

type Table = typeof settings
export type SettingName<T extends UnitType> = keyof Table[T] & string
/** A setting's value in the model. */
export type SettingValue<S> = S extends { readonly kind: Kind<infer V, any> } ? V : never
/** A setting's value in JSON. */
export type SettingJson<S> = S extends { readonly kind: Kind<any, infer J> } ? J : never

/** All settings of a type, as the model has them. */
export type Settings<T extends UnitType> = { -readonly [K in keyof Table[T]]: SettingValue<Table[T][K]> }
/** All settings of a type, as JSON has them. */
export type SettingsJson<T extends UnitType> = { readonly [K in keyof Table[T]]: SettingJson<Table[T][K]> }

/** Names of settings with operations of their own. */
export type OwnNames<T extends UnitType> = { [K in SettingName<T>]: Table[T][K] extends { readonly get: Op } ? K : never }[SettingName<T>]

/** The operations of a type's settings: `vpcpVlanGet` and `vpcpVlanSet`. */
type OperationsOf<T extends UnitType> = {
  readonly [K in OwnNames<T> as `${T}${Capitalize<K>}Get`]: Operation<void, SettingValue<Table[T][K]>>
} & { readonly [K in OwnNames<T> as `${T}${Capitalize<K>}Set`]: Operation<SettingValue<Table[T][K]>, void> }
export type SettingOperations = OperationsOf<'vpcsw'> &
  OperationsOf<'vpcp'> &
  OperationsOf<'vmnic'> &
  OperationsOf<'hostif'> &
  OperationsOf<'ethlink'> &
  OperationsOf<'vpcmux'> &
  OperationsOf<'subnet'> &
  OperationsOf<'vpcrtr'> &
  OperationsOf<'set'> &
  OperationsOf<'group'> &
  OperationsOf<'vpcnat'>

/** The settings of a type, by name, in the order in which vpcd sets them. */
export const settingsOf = (type: UnitType): [name: string, setting: Setting<unknown, unknown>][] =>
  Object.entries(settings[type] as Readonly<Record<string, Setting<any, any>>>)

/** `floodUnknown` is written `flood-unknown`. */
export const keyOf = (name: string, { key }: Pick<Setting<any, any>, 'key'>): string =>
  key ?? name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** All settings, as `vpcp.groups`: what a vpcd tells of itself. */
export const settingNames = (): string[] =>
  (Object.keys(settings) as UnitType[]).flatMap((type) => settingsOf(type).map(([name, setting]) => `${type}.${keyOf(name, setting)}`))

const capitalized = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
/** The names of a setting's operations. */
export const operationNames = (type: UnitType, name: string): { readonly get: string; readonly set: string } => ({
  get: `${type}${capitalized(name)}Get`,
  set: `${type}${capitalized(name)}Set`,
})

/** What a new object of a type has. */
export const initialSettings = <T extends UnitType>(type: T): Settings<T> =>
  Object.fromEntries(settingsOf(type).map(([name, { initial }]) => [name, initial])) as Settings<T>

/** The settings of an object as JSON. */
export const settingsToJson = <T extends UnitType>(type: T, object: Settings<T>): SettingsJson<T> =>
  Object.fromEntries(
    settingsOf(type).map(([name, { kind }]) => [name, kind.toJson((object as Record<string, unknown>)[name])]),
  ) as SettingsJson<T>
