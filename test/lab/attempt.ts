/** An attempt to do what a guest may not: it must be counted with its reason, and nobody may ever see the frames. */
import assert from 'node:assert/strict'
import { isIpv4, formatIp, type Ip } from '#wire/ip-address.ts'
import { udpFrame } from '#wire/frames.ts'
import { asMac } from '#wire/mac.ts'
import { summarize } from '#wire/summary.ts'
import type { GuestPlan } from '#lab/plan-guest.ts'
import type { RawSocket } from './raw-socket.ts'
import type { ScratchLab } from './scratch-lab.ts'

export interface Attempt {
  /** Who tries. */
  readonly from: string
  readonly frames: readonly Uint8Array[]
  /** Bytes that stand in each of the frames and in no honest one. */
  readonly marker: Uint8Array
  /** Why they must be dropped, at the port of who tries; undefined: they are not dropped there. */
  readonly reason?: string
  /** Who sees them after all, and must: guests; and `the underlay of h1`, which may. */
  readonly mayReach?: readonly string[]
}

/** Text that stands in no honest frame. */
export const marker = (text: string): Uint8Array => Buffer.from(`<<${text}>>`)

const contains = (frame: Uint8Array, bytes: Uint8Array): boolean =>
  Buffer.from(frame.buffer, frame.byteOffset, frame.length).includes(bytes)

/**
 * Send frames as a guest, then an honest one to another guest on either host. When the honest one has come, the others
 * would have come too. Meanwhile the test watches every guest and both ends of the underlay.
 */
export async function attempt(lab: ScratchLab, { from, frames, marker: bytes, reason, mayReach = [] }: Attempt): Promise<void> {
  const others = lab.plan.guests.filter(({ name }) => name !== from && !mayReach.includes(name))
  const before = (await lab.portStats(from)).drops
  using sockets = new DisposableStack()
  const watched = new Map<string, RawSocket>(others.map(({ name }) => [name, sockets.use(lab.raw(name))]))
  for (const { name } of lab.plan.hosts)
    if (!mayReach.includes(`the underlay of ${name}`)) watched.set(`the underlay of ${name}`, sockets.use(lab.raw(name, 'underlay0')))
  const sender = sockets.use(lab.raw(from))
  const seen = new Map<string, Uint8Array[]>(Array.from(watched.keys(), (name) => [name, []]))
  const reached = mayReach.filter((name) => lab.plan.guests.some((guest) => guest.name === name)).map((name) => sockets.use(lab.raw(name)))
  for (const frame of frames) {
    assert.ok(contains(frame, bytes), 'the test itself is wrong: a frame lacks its marker')
    sender.send(frame)
  }
  for (const socket of reached) await waitForAll(socket, bytes, frames.length)
  await sendBeacons(lab, from, sender, (name, frame) => seen.get(name)?.push(frame), watched)
  const witnesses = [...seen].flatMap(([name, got]) =>
    got.filter((frame) => contains(frame, bytes)).map((frame) => `${name}: ${summarize(frame)}`),
  )
  assert.deepEqual(witnesses, [], 'somebody saw the frames')
  const after = (await lab.portStats(from)).drops
  const gained = Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)])
      .filter(([, count]) => count !== 0),
  )
  assert.deepEqual(gained, reason === undefined ? {} : { [reason]: frames.length })
}

async function waitForAll(socket: RawSocket, bytes: Uint8Array, count: number): Promise<void> {
  let got = 0
  const isLast = (frame: Uint8Array): boolean => contains(frame, bytes) && ++got === count
  assert.ok(await socket.waitFor(isLast), `${got} of ${count} frames came where all should`)
}

type OnFrame = (name: string, frame: Uint8Array) => void

/** Honest frames to all other guests of the subnet, waited for where they must come. */
async function sendBeacons(
  lab: ScratchLab,
  from: string,
  sender: RawSocket,
  onFrame: OnFrame,
  watched: ReadonlyMap<string, RawSocket>,
): Promise<void> {
  const self = lab.guest(from)
  const peers = lab.plan.guests.filter(({ vni, name }) => vni === self.vni && name !== from && watched.has(name))
  for (const peer of peers) {
    const bytes = marker(`beacon for ${peer.name}`)
    sender.send(honestFrame(self, peer, bytes))
    const isIt = (frame: Uint8Array): boolean => (onFrame(peer.name, frame), contains(frame, bytes))
    assert.ok(await watched.get(peer.name)!.waitFor(isIt), `an honest frame from ${from} to ${peer.name} did not come`)
  }
  for (const [name, socket] of watched) for (const frame of socket.receive()) onFrame(name, frame)
}

/** A UDP datagram that a guest may send. */
export const honestFrame = (from: GuestPlan, to: GuestPlan, payload: Uint8Array): Uint8Array =>
  udpFrame({ srcMac: asMac(from.mac), dstMac: asMac(to.mac), src: v4(from), dst: v4(to), srcPort: 7, dstPort: 7 }, payload)

/** A guest's IPv4 address. */
export function v4({ addresses, name }: GuestPlan): Ip {
  const found = addresses.find(({ address }) => isIpv4(address))
  assert.ok(found, `${name} has no IPv4 address`)
  return found.address
}

/** A guest's global IPv6 address. */
export function v6({ addresses, name }: GuestPlan): Ip {
  const found = addresses.find(({ address }) => !isIpv4(address) && !formatIp(address).startsWith('fe80'))
  assert.ok(found, `${name} has no IPv6 address`)
  return found.address
}
