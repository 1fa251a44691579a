/** Ping every guest from every guest, and find out which guest answered. */
import { formatIp, isIpv4 } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import { LabError } from './lab-error.ts'
import type { Reach } from './matrix.ts'
import { guestDevice, netnsPath } from './names.ts'
import type { GuestPlan } from './plan-guest.ts'
import { groupsAllowPing } from './plan-groups.ts'
import { inNetns, must, run } from './program.ts'

export interface Probe extends Reach {
  readonly address: string
  /** Whether any guest answered on the address: another customer may use it too. */
  readonly answered: boolean
}

export interface ProbeOptions {
  readonly family?: 4 | 6
  /** How long to wait for an answer. */
  readonly waitSeconds?: number
  /** How long to wait for one that should come: as long, unless given. */
  readonly expectedSeconds?: number
  readonly signal?: AbortSignal | undefined
}

/**
 * Ping from each guest to each other guest's address, all at once. Customers may use the same addresses, so an answer
 * alone proves little: `actual` says whether the address answered AND stands for the MAC of the right guest. Behind a
 * gateway there is no such MAC: there the right guest has counted as many pings as were answered in its name.
 */
export async function probeAll(guests: readonly GuestPlan[], options: ProbeOptions = {}): Promise<Probe[]> {
  const { family = 4, waitSeconds = 1, expectedSeconds = waitSeconds, signal } = options
  const speakers = guests.filter((guest) => addressOf(guest, family) !== undefined)
  const routed = speakers.some(({ gateways }) => gateways.length > 0) ? speakers : []
  const before = await pingsTaken(routed, family, signal)
  const rows = await Promise.all(speakers.map((from) => probeFrom(from, speakers, { family, waitSeconds, expectedSeconds, signal })))
  const after = await pingsTaken(routed, family, signal)
  const probes = rows.flat()
  const isOther = new Set(
    routed.flatMap(({ name }, i) => {
      const answers = probes.filter(({ to, actual }) => actual && to === name).length
      const pings = after[i]! - before[i]!
      return pings === answers ? [] : [name]
    }),
  )
  return probes.map((probe) => ({ ...probe, actual: probe.actual && !isOther.has(probe.to) }))
}

/** How many pings each guest has got since it began. */
const pingsTaken = (guests: readonly GuestPlan[], family: 4 | 6, signal?: AbortSignal): Promise<number[]> =>
  Promise.all(
    guests.map(async ({ netns }) => {
      const counter = family === 4 ? 'IcmpInEchos' : 'Icmp6InEchos'
      const text = await must(inNetns(netnsPath(netns), ['nstat', '-asz', counter]), { signal })
      const [, count] = new RegExp(`^${counter}\\s+(\\d+)`, 'm').exec(text) ?? []
      if (count === undefined) throw new LabError(`nstat does not show ${counter}: ${text}`)
      return Number(count)
    }),
  )

/** Whether the pings of a guest reach another: in one subnet or over a router, as far as groups let them. */
const mayPing = (from: GuestPlan, to: GuestPlan, family: 4 | 6): boolean =>
  (from.vni === to.vni || (from.customer === to.customer && from.gateways.length > 0)) && groupsAllowPing(from, to, family)

async function probeFrom(
  from: GuestPlan,
  guests: readonly GuestPlan[],
  options: Required<Omit<ProbeOptions, 'signal'>> & ProbeOptions,
): Promise<Probe[]> {
  const targets = guests.filter((to) => to !== from).map((to) => ({ to, address: addressOf(to, options.family)! }))
  const addresses = [...new Set(targets.map(({ address }) => address))]
  const expected = new Set(targets.filter(({ to }) => mayPing(from, to, options.family)).map(({ address }) => address))
  const seconds = (address: string): number => (expected.has(address) ? options.expectedSeconds : options.waitSeconds)
  const pings = await Promise.all(
    addresses.map(async (address) => [address, await ping(from, address, seconds(address), options.signal)] as const),
  )
  const answered = new Map(pings)
  const macs = await neighboursOf(from, options.signal)
  return targets.map(({ to, address }) => {
    const isThere = answered.get(address) === true
    return {
      from: from.name,
      to: to.name,
      address,
      expected: mayPing(from, to, options.family),
      answered: isThere,
      actual:
        isThere && (from.gateways.length > 0 && from.vni !== to.vni ? isMeant(from, to, targets) : macs.get(address) === formatMac(to.mac)),
    }
  })
}

/** Whether an answer over a router is this guest's: of guests with one address that of the sender's own customer. */
const isMeant = (from: GuestPlan, to: GuestPlan, targets: readonly { readonly to: GuestPlan; readonly address: string }[]): boolean => {
  const address = targets.find((target) => target.to === to)!.address
  return to.customer === from.customer || !targets.some((other) => other.address === address && other.to.customer === from.customer)
}

async function ping(from: GuestPlan, address: string, waitSeconds: number, signal?: AbortSignal): Promise<boolean> {
  // A guest's own loopback would answer for its own address, so another guest with that address cannot be reached from
  // here.
  if (from.addresses.some((own) => formatIp(own.address) === address)) return false
  const argv = ['ping', '-n', '-q', '-c', '1', '-W', String(waitSeconds), address]
  return (await run(inNetns(netnsPath(from.netns), argv), { signal })).code === 0
}

/** The MACs that a guest's neighbour table has, by address. */
async function neighboursOf({ netns }: GuestPlan, signal?: AbortSignal): Promise<Map<string, string>> {
  const text = await must(['ip', '-n', netns, '-j', 'neigh', 'show', 'dev', guestDevice], { signal })
  const entries = JSON.parse(text || '[]') as { dst: string; lladdr?: string }[]
  return new Map(entries.flatMap(({ dst, lladdr }) => (lladdr === undefined ? [] : [[dst, lladdr]])))
}

/** A guest's first address of a family. */
function addressOf({ addresses }: GuestPlan, family: 4 | 6): string | undefined {
  const found = addresses.find(({ address }) => isIpv4(address) === (family === 4))
  return found && formatIp(found.address)
}
