/**
 * What a libvirt domain says of its interfaces: each has a name, and its metadata says what vpc connects that name to.
 */
import { parseMac, formatMac } from '#wire/mac.ts'
import { Failure, usageFailure } from '../failure.ts'
import { childOf, escapeXml, parseXml, type Element } from './xml.ts'

/** Namespace of the metadata. */
export const namespace = 'urn:vpc:libvirt'

/** An interface in a subnet of the cloud. */
export interface CloudWish {
  readonly vnic: string
  /** Where it is made if there is none; undefined: it is there. */
  readonly subnet: string | undefined
  readonly groups: readonly string[]
}

/** An interface in a switch of this host. */
export interface HostWish {
  readonly switch: string
  readonly vni: number | undefined
  readonly vlan: number | undefined
  readonly hostname: string | undefined
}

export interface Wish {
  /** What the domain calls the device. */
  readonly dev: string
  readonly addresses: readonly string[]
  readonly to: { readonly cloud: CloudWish } | { readonly host: HostWish }
}

/** An interface of a domain that has a wish. */
export interface WishedInterface extends Wish {
  readonly mac: string
  readonly queues: number
  /** The MTU that its guest is told; undefined: none. */
  readonly mtuBytes: number | undefined
}

export interface Domain {
  readonly uuid: string
  readonly name: string
  readonly interfaces: readonly WishedInterface[]
}

/** Read what libvirt gives a hook. Throws a Failure that says what to change in the domain. */
export function readDomain(text: string): Domain {
  const root = parseXml(text)
  // Some hooks get the domain inside of more.
  const domain = root.name === 'domain' ? root : childOf(root, 'domain')
  const [uuid, name] = [childOf(domain, 'uuid')?.text, childOf(domain, 'name')?.text]
  if (domain === undefined || uuid === undefined || name === undefined) throw new Failure('failed', 'this is not a domain of libvirt')
  const wishes = wishesOf(domain)
  const devices = childOf(domain, 'devices')?.children.filter((each) => each.name === 'interface') ?? []
  return { uuid, name, interfaces: wishes.map((wish) => interfaceOf(wish, devices, name)) }
}

/** What the metadata of a domain says. */
function wishesOf(domain: Element): Wish[] {
  const own = childOf(domain, 'metadata')?.children.filter((each) => each.namespace === namespace) ?? []
  const wishes = own.flatMap((each) => each.children).map(wishOf)
  const twice = wishes.find(({ dev }, i) => wishes.findIndex((each) => each.dev === dev) !== i)
  if (twice !== undefined) throw usageFailure(`metadata of vpc: there are two interfaces ${twice.dev}`)
  return wishes
}

const known = ['dev', 'vnic', 'subnet', 'groups', 'switch', 'vni', 'vlan', 'hostname', 'addresses'] as const
const ofCloud = ['vnic', 'subnet', 'groups'] as const
const ofHost = ['switch', 'vni', 'vlan', 'hostname'] as const
/** It names a device, a file and an attribute. */
const devPattern = /^\w[\w.-]{0,14}$/

function wishOf({ name, attributes }: Element): Wish {
  const bad = (message: string): Failure => usageFailure(`metadata of vpc: ${message}`)
  if (name !== 'interface') throw bad(`'${name}' means nothing; it has elements 'interface'`)
  return wishFrom(Object.fromEntries(Object.entries(attributes).filter(([key]) => !key.startsWith('xmlns'))), bad)
}

/** A wish in words. Throws what `bad` makes of a message. */
export function wishFrom(given: Readonly<Record<string, string | undefined>>, bad: (message: string) => Failure): Wish {
  const unknown = Object.keys(given).find((key) => !(known as readonly string[]).includes(key))
  if (unknown !== undefined) throw bad(`unknown attribute '${unknown}'; expected one of ${known.join(', ')}`)
  const { dev, vnic, subnet, groups, switch: sw, addresses, hostname } = given
  if (dev === undefined || !devPattern.test(dev))
    throw bad("dev is the name of the interface's target: letters, digits, '_', '.' and '-', 15 at most")
  const [cloud, host] = [ofCloud, ofHost].map((keys) => keys.find((key) => given[key] !== undefined))
  if (cloud !== undefined && host !== undefined)
    throw bad(`${dev} has ${cloud}, of the cloud, and ${host}, of this host; it can be in one alone`)
  const both = { dev, addresses: wordsIn(addresses) }
  if (host === undefined) return { ...both, to: { cloud: { vnic: vnic ?? dev, subnet, groups: wordsIn(groups) } } }
  if (sw === undefined) throw bad(`${dev} has ${host}, but no switch`)
  const number = (key: 'vni' | 'vlan', most: number): number | undefined => {
    const text = given[key]
    if (text === undefined) return undefined
    if (/^\d{1,8}$/.test(text) && Number(text) <= most) return Number(text)
    throw bad(`${key} of ${dev} is a number from 0 to ${most}, not '${text}'`)
  }
  return { ...both, to: { host: { switch: sw, vni: number('vni', 0xffffff), vlan: number('vlan', 4094), hostname } } }
}

/**
 * A domain that was saved while it ran, with the names of its interfaces in place of those that their devices had then.
 * Throws a Failure for an interface that its metadata does not have.
 */
export function withOwnNames(text: string): string {
  const root = parseXml(text)
  const domain = root.name === 'domain' ? root : childOf(root, 'domain')
  if (domain === undefined) throw new Failure('failed', 'this is not a domain of libvirt')
  const devs = wishesOf(domain).map(({ dev }) => dev)
  const saved = /<target dev='vmnic\d+' managed='no'\/>/g
  const count = text.match(saved)?.length ?? 0
  if (devs.length === 0 || count === 0) return text
  if (count !== devs.length)
    throw usageFailure(
      `the saved domain ${childOf(domain, 'name')?.text} has ${count} interfaces of vpc, and its metadata ${devs.length}; detach what was plugged in while it ran before you save it`,
    )
  return text.replace(saved, () => `<target dev='${escapeXml(devs.shift()!)}' managed='no'/>`)
}

const wordsIn = (text: string | undefined): string[] => (text ?? '').split(/[\s,]+/).filter(Boolean)

/** The interface of a wish, with all that vpc needs of it. */
function interfaceOf(wish: Wish, devices: readonly Element[], domain: string): WishedInterface {
  const { dev } = wish
  const device = devices.find((each) => childOf(each, 'target')?.attributes.dev === dev)
  const must = (what: string): Failure => usageFailure(`interface ${dev} of domain ${domain} ${what}; virsh edit ${domain} changes it`)
  if (device === undefined)
    throw must(`is in its metadata alone; give it <interface type='ethernet'> with <target dev='${dev}' managed='no'/>`)
  const target = childOf(device, 'target')!.attributes
  if (device.attributes.type !== 'ethernet' || target.managed !== 'no')
    throw must(`must be type='ethernet' with <target dev='${dev}' managed='no'/>`)
  const queues = Number(childOf(device, 'driver')?.attributes.queues ?? 1)
  if (!(queues >= 2 && queues <= 16))
    throw must("needs 2 to 16 queues, also for a guest with one processor: <driver name='qemu' queues='2'/>")
  const mac = parseMac(childOf(device, 'mac')?.attributes.address ?? '')
  if (!mac.ok) throw must(`has no MAC address: ${mac.problem}`)
  const mtu = childOf(device, 'mtu')?.attributes.size
  return { ...wish, mac: formatMac(mac.value), queues, mtuBytes: mtu === undefined ? undefined : Number(mtu) }
}
