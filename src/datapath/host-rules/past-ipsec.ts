/** Settings of interfaces that let packets pass without asking the policies of IPsec. */
import { readFileSync } from 'node:fs'
import { Netlink } from '#kernel/netlink.ts'
import { guards } from './guards.ts'

/** linux/ip.h: of IPv4 alone, packets leave without a policy; of both, packets are taken without one. */
const settings = { 4: ['ipv4', ['disable_xfrm', 'disable_policy']], 6: ['ipv6', ['disable_policy']] } as const

/**
 * Those that are on, as sysctl(8) names them, for packets of a family by interfaces of this thread's network namespace.
 * What `all` has counts for each interface.
 */
export function pastIpsec(family: 4 | 6, interfaces: Iterable<string>): string[] {
  const [protocol, names] = settings[family]
  return [...new Set(['all', ...interfaces])].flatMap((device) =>
    names.filter((name) => isOn(`/proc/sys/net/${protocol}/conf/${device}/${name}`)).map((name) => sysctl(protocol, device, name)),
  )
}

/**
 * The settings by which packets pass the guards that the kernel has, on the interfaces with the addresses of muxes and
 * on those that lead to the VTEPs. None where no guard is.
 */
export function settingsPastGuards(): string[] {
  const found = [...guards().values()].filter(({ direction }) => direction === 'out')
  if (found.length === 0) return []
  using netlink = Netlink.open()
  const [addresses, links] = [netlink.addresses(), netlink.links()]
  const names = (indices: readonly (number | undefined)[]): string[] =>
    links.filter(({ ifindex, name }) => indices.includes(ifindex) && name !== 'lo').map(({ name }) => name)
  const settings = found.flatMap(({ source, destination }) => {
    const own = addresses.filter(({ address }) => Buffer.compare(address, source) === 0).map(({ ifindex }) => ifindex)
    return pastIpsec(source.length === 4 ? 4 : 6, names([...own, netlink.wayTo(destination, source)?.ifindex]))
  })
  return [...new Set(settings)]
}

/** An interface with a dot in its name has a slash there. */
const sysctl = (protocol: string, device: string, name: string): string => `net.${protocol}.conf.${device.replaceAll('.', '/')}.${name}`

function isOn(path: string): boolean {
  try {
    return Number(readFileSync(path, 'utf8')) > 0
  } catch {
    // The interface is gone, or has nothing to do with this family.
    return false
  }
}
