/** Ping every guest from every guest, and find out which guest answered. */
import { formatIp, isIpv4 } from '#wire/ip-address.ts'
import { formatMac } from '#wire/mac.ts'
import type { Reach } from './matrix.ts'
import { guestDevice, netnsPath } from './names.ts'
import type { GuestPlan } from './plan-guest.ts'
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
  readonly signal?: AbortSignal | undefined
}

/**
 * Ping from each guest to each other guest's address, all at once. Customers may use the same addresses, so an answer
 * alone proves little: `actual` says whether the address answered AND stands for the MAC of the right guest.
 */
export async function probeAll(guests: readonly GuestPlan[], { family = 4, waitSeconds = 1, signal }: ProbeOptions = {}): Promise<Probe[]> {
  const speakers = guests.filter((guest) => addressOf(guest, family) !== undefined)
  const rows = await Promise.all(speakers.map((from) => probeFrom(from, speakers, { family, waitSeconds, signal })))
  return rows.flat()
}

async function probeFrom(
  from: GuestPlan,
  guests: readonly GuestPlan[],
  options: Required<Omit<ProbeOptions, 'signal'>> & ProbeOptions,
): Promise<Probe[]> {
  const targets = guests.filter((to) => to !== from).map((to) => ({ to, address: addressOf(to, options.family)! }))
  const addresses = [...new Set(targets.map(({ address }) => address))]
  const pings = await Promise.all(addresses.map(async (address) => [address, await ping(from, address, options)] as const))
  const answered = new Map(pings)
  const macs = await neighboursOf(from, options.signal)
  return targets.map(({ to, address }) => {
    const isThere = answered.get(address) === true
    return {
      from: from.name,
      to: to.name,
      address,
      expected: from.vni === to.vni,
      answered: isThere,
      actual: isThere && macs.get(address) === formatMac(to.mac),
    }
  })
}

async function ping(
  from: GuestPlan,
  address: string,
  { waitSeconds, signal }: { waitSeconds: number; signal?: AbortSignal | undefined },
): Promise<boolean> {
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
