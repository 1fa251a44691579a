/**
 * Settings of the host that break networks of guests though vpcd runs: rules that drop packets of muxes, and what the
 * host forwards; bridges that ask the firewall; the check of return ways; a full table of connections; the clock.
 */
import { readFileSync } from 'node:fs'
import { isClockInStep } from '#kernel/clock.ts'
import { errno, KernelError } from '#kernel/errno.ts'
import { Netlink } from '#kernel/netlink.ts'
import { iff } from '#kernel/rtnetlink.ts'
import type { FlowPacket } from '../host-rules/flow-packet.ts'
import { readRuleset, type Ruleset } from '../host-rules/host-rules.ts'
import { droppedBy, type Dropping } from '../host-rules/nft-fate.ts'
import { managerFacts, type ManagerFact } from './network-programs.ts'

/** Where a packet is dropped. */
export interface Drop {
  readonly device: string
  readonly by: Dropping
}

export interface Traps {
  /** Interfaces on which packets of a mux are dropped. */
  readonly tunnel: readonly Drop[]
  readonly port: number
  /** The host forwards IPv4 packets. */
  readonly forwards: boolean
  /** What it forwards from a hostif is dropped. */
  readonly forward: Dropping | undefined
  /** Hooks in which the old iptables has rules, which cannot be read: INPUT, FORWARD. */
  readonly unreadable: readonly string[]
  /** Bridges that ask the firewall, and a chain that drops their frames; undefined: none does. */
  readonly bridge: { readonly names: readonly string[]; readonly by: Dropping | undefined } | undefined
  /** Interfaces with an address on which rp_filter is strict. */
  readonly strict: readonly string[]
  /** Interfaces with an address. */
  readonly addressed: readonly string[]
  readonly conntrack: { readonly count: number; readonly max: number } | undefined
  /** Undefined: it cannot be asked. */
  readonly clockInStep: boolean | undefined
  /** Most memory of this process's cgroup, in bytes; undefined: no limit. */
  readonly memoryMax: number | undefined
  readonly managers: readonly ManagerFact[]
}

/** Look at them now. Needs privileges. `root`: where files of network managers are looked for. */
export function findTraps(port: number, root?: string): Traps {
  const { devices, bridges } = look()
  const rules = readRuleset()
  const addressed = devices.map(({ name }) => name)
  const packet = ({ name, ifindex, address }: Device): FlowPacket => ({
    hook: 'input',
    fromDevice: name,
    fromIfindex: ifindex,
    protocol: 'udp',
    daddr: address,
    dport: port,
  })
  const outside = addressed[0] ?? 'eth0'
  return {
    tunnel: devices.flatMap((device) => dropOf(rules, packet(device), device.name)),
    port,
    forwards: numberOf('net/ipv4/ip_forward') === 1,
    forward: droppedBy(rules.nft, { hook: 'forward', fromDevice: 'hostif0', fromIfindex: 0, toDevice: outside, protocol: 'icmp' }),
    unreadable: unreadable(rules),
    bridge: bridgeFact(rules, bridges, port),
    strict: addressed.filter((name) => Math.max(rpFilter('all'), rpFilter(name)) === 1),
    addressed,
    conntrack: conntrack(),
    clockInStep: clock(),
    memoryMax: memoryMax(),
    managers: managerFacts(root),
  }
}

interface Device {
  readonly name: string
  readonly ifindex: number
  readonly address: Uint8Array
}

/** Interfaces that are up with an IPv4 address and are not ours, and bridges with ports. */
function look(): { readonly devices: readonly Device[]; readonly bridges: readonly string[] } {
  using netlink = Netlink.open()
  const links = netlink.links()
  const addresses = netlink.addresses().filter(({ address }) => address.length === 4)
  const others = links.filter((link) => link.up && (link.flags & iff.LOOPBACK) === 0 && link.alias?.startsWith('vpc:') !== true)
  const devices = others.flatMap(({ name, ifindex }) => {
    const own = addresses.find((entry) => entry.ifindex === ifindex)
    return own === undefined ? [] : [{ name, ifindex, address: own.address }]
  })
  const bridges = links.filter(({ kind, ifindex }) => kind === 'bridge' && links.some(({ master }) => master === ifindex))
  return { devices, bridges: bridges.map(({ name }) => name) }
}

function dropOf({ nft }: Ruleset, packet: FlowPacket, device: string): Drop[] {
  const by = droppedBy(nft, packet)
  return by === undefined ? [] : [{ device, by }]
}

const xtHooks = { INPUT: 1, FORWARD: 2 } as const

const unreadable = ({ xtables }: Ruleset): string[] =>
  Object.entries(xtHooks).flatMap(([name, hook]) => (xtables.some(({ hooks }) => hooks.includes(hook)) ? [name] : []))

function bridgeFact({ nft }: Ruleset, names: readonly string[], dport: number): Traps['bridge'] {
  if (names.length === 0 || numberOf('net/bridge/bridge-nf-call-iptables') !== 1) return undefined
  const packets = names.map((name): FlowPacket => ({
    hook: 'forward',
    fromDevice: name,
    fromIfindex: 0,
    toDevice: name,
    protocol: 'udp',
    dport,
  }))
  return { names, by: packets.map((packet) => droppedBy(nft, packet)).find((by) => by !== undefined) }
}

const rpFilter = (device: string): number => numberOf(`net/ipv4/conf/${device}/rp_filter`) ?? 0

function conntrack(): Traps['conntrack'] {
  const [count, max] = [numberOf('net/netfilter/nf_conntrack_count'), numberOf('net/netfilter/nf_conntrack_max')]
  return count === undefined || max === undefined ? undefined : { count, max }
}

function clock(): boolean | undefined {
  try {
    return isClockInStep()
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.EPERM) return undefined
    throw error
  }
}

/** A setting of this thread's network namespace; undefined: the kernel does not have it. */
function numberOf(setting: string): number | undefined {
  const text = fileText(`/proc/sys/${setting}`)
  return text === undefined ? undefined : Number(text)
}

/** The least limit of this process's cgroup and those above it, which count the memory of BPF maps, too. */
function memoryMax(): number | undefined {
  const [, path = '/'] = /^0::(.*)$/m.exec(fileText('/proc/self/cgroup') ?? '') ?? []
  const parts = path.split('/').filter((part) => part !== '')
  const limits = parts.map((_, i) => Number(fileText(`/sys/fs/cgroup/${parts.slice(0, i + 1).join('/')}/memory.max`)))
  const found = limits.filter((limit) => Number.isFinite(limit))
  return found.length === 0 ? undefined : Math.min(...found)
}

function fileText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}
