/** The network of a lab: namespaces, the underlay's bridge, wires. Everything is made inside namespaces of the lab. */
import { fileURLToPath } from 'node:url'
import { formatIp, isIpv4 } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { formatPrefix, type Prefix } from '#wire/prefix.ts'
import { ipBatch, type IpCommand } from './ip-batch.ts'
import { LabError } from './lab-error.ts'
import { guestDevice, netnsPath, underlayDevice } from './names.ts'
import { netnsNames, type LabPlan } from './plan.ts'
import type { GuestPlan, WirePlan } from './plan-guest.ts'
import { inNetns, run } from './program.ts'

/** The device of a guest's hostif: what it is called on the host, and the MTU that follows from the underlay. */
export interface GuestDevice {
  readonly device: string
  readonly mtuBytes: number
}

const bridge = 'bridge0'

/** Make the namespaces, and the underlay that joins the hosts. */
export async function makeNetwork(plan: LabPlan, signal?: AbortSignal): Promise<void> {
  await ipBatch(
    netnsNames(plan).map((name) => ['netns', 'add', name]),
    { signal },
  )
  await ipBatch(underlayCommands(plan), { netns: plan.underlay.netns, signal })
  await ipBatch(
    plan.wires.flatMap((wire) => wireCommands(wire, hostOf(plan, wire).netns)),
    { signal },
  )
  const inside: [string, IpCommand[]][] = [
    ...plan.hosts.map((host): [string, IpCommand[]] => [
      host.netns,
      [
        ...hostCommands(host.address),
        ...plan.wires.filter((wire) => wire.host === host.name).flatMap(({ device, hostAddresses }) => deviceUp(device, hostAddresses)),
      ],
    ]),
    ...plan.wires.map((wire): [string, IpCommand[]] => [wire.netns, [loopbackUp, ...deviceUp(guestDevice, wire.addresses)]]),
  ]
  await inAll(inside, signal)
}

/**
 * Move the guests' interfaces into their namespaces and set them up. `devices` has name and MTU of each guest's hostif.
 */
export async function plugGuests(plan: LabPlan, devices: ReadonlyMap<string, GuestDevice>, signal?: AbortSignal): Promise<void> {
  const moves = plan.hosts.map((host): [string, IpCommand[]] => [
    host.netns,
    plan.guests
      .filter((guest) => guest.host === host.name)
      .map(({ name, netns }) => ['link', 'set', 'dev', devices.get(name)!.device, 'netns', netns, 'name', guestDevice]),
  ])
  await inAll(moves, signal)
  await inAll(
    plan.guests.map((guest) => [guest.netns, guestCommands(guest, devices.get(guest.name)!.mtuBytes)]),
    signal,
  )
  await Promise.all(plan.guests.filter(({ dhcp }) => dhcp).map((guest) => askByDhcp(guest, signal)))
}

const hostOf = (plan: LabPlan, { host }: WirePlan): { netns: string } => plan.hosts.find(({ name }) => name === host)!

const loopbackUp: IpCommand = ['link', 'set', 'dev', 'lo', 'up']

/** Without duplicate address detection: the lab chose these addresses, and should not wait for the kernel's check. */
const addressAdd = (device: string, prefix: Prefix): IpCommand => [
  'addr',
  'add',
  formatPrefix(prefix),
  'dev',
  device,
  ...(isIpv4(prefix.address) ? [] : ['nodad']),
]

/** The lab chooses addresses: the kernel adds none of its own, unless the device speaks IPv6. */
const deviceUp = (device: string, addresses: readonly Prefix[]): IpCommand[] => [
  ['link', 'set', 'dev', device, 'addrgenmode', addresses.some(({ address }) => !isIpv4(address)) ? 'eui64' : 'none'],
  ['link', 'set', 'dev', device, 'up'],
  ...addresses.map((address) => addressAdd(device, address)),
]

function underlayCommands({ underlay, hosts }: LabPlan): IpCommand[] {
  const mtu = String(underlay.mtuBytes)
  return [
    loopbackUp,
    ['link', 'add', 'name', bridge, 'type', 'bridge', 'mcast_snooping', '0'],
    ['link', 'set', 'dev', bridge, 'addrgenmode', 'none'],
    ...hosts.flatMap(({ name, netns }): IpCommand[] => [
      ['link', 'add', 'name', name, 'mtu', mtu, 'type', 'veth', 'peer', 'name', underlayDevice, 'mtu', mtu, 'netns', netns],
      ['link', 'set', 'dev', name, 'addrgenmode', 'none'],
      ['link', 'set', 'dev', name, 'master', bridge, 'up'],
    ]),
    ['link', 'set', 'dev', bridge, 'mtu', mtu, 'up'],
  ]
}

const hostCommands = (address: Prefix): IpCommand[] => [loopbackUp, ...deviceUp(underlayDevice, [address])]

const wireCommands = ({ device, netns, mac }: WirePlan, host: string): IpCommand[] => [
  ['link', 'add', 'name', device, 'netns', host, 'type', 'veth', 'peer', 'name', guestDevice, 'netns', netns, 'address', formatMac(mac)],
]

function guestCommands({ addresses, gateways, dhcp }: GuestPlan, mtuBytes: number): IpCommand[] {
  const own = addresses.filter(({ address }) => !(dhcp && isIpv4(address)))
  const families = new Set(own.map(({ address }) => isIpv4(address)))
  return [
    loopbackUp,
    // The plan has the link-local address, so that it is there at once.
    ['link', 'set', 'dev', guestDevice, 'addrgenmode', 'none'],
    ['link', 'set', 'dev', guestDevice, 'mtu', String(mtuBytes), 'up'],
    ...own.map((address) => addressAdd(guestDevice, address)),
    ...Array.from(families, (isFour): IpCommand => {
      const gateway = gateways.find((candidate) => isIpv4(candidate) === isFour)
      // Without a router everything is on the link: a guest may try any address, and the datapath refuses it.
      return ['route', 'add', isFour ? '0.0.0.0/0' : '::/0', ...(gateway ? ['via', formatIp(gateway)] : []), 'dev', guestDevice]
    }),
  ]
}

/** Takes the lease that udhcpc got: an address, and the way by the gateway. */
const leaseScript = fileURLToPath(new URL('./take-lease', import.meta.url))

/** Ask for the guest's address, once. The client does not stay: the lab ends before the lease. */
async function askByDhcp({ netns, name }: GuestPlan, signal?: AbortSignal): Promise<void> {
  const client = ['busybox', 'udhcpc', '-i', guestDevice, '-n', '-q', '-f', '-t', '10', '-T', '1', '-s', leaseScript]
  const { code, stderr } = await run(inNetns(netnsPath(netns), client), { signal, timeoutMs: 20_000 })
  if (code !== 0) throw new LabError(`guest ${name} got no address by DHCP: ${stderr.trim()}`)
}

/** Run commands for many namespaces side by side. All have ended when this returns or throws. */
async function inAll(work: readonly (readonly [string, readonly IpCommand[]])[], signal?: AbortSignal): Promise<void> {
  const results = await Promise.allSettled(work.map(([netns, commands]) => ipBatch(commands, { netns, signal })))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
