/**
 * Garbage on the wire: random and mutilated frames from a guest and from the underlay. No guest sees a frame that is
 * not for it, hosts and vpcd go on as before, and nothing grows. VPC_FUZZ sets how many frames, VPC_FUZZ_SEED which.
 * Needs root.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { KernelError } from '#kernel/errno.ts'
import { wrong } from '#lab/matrix.ts'
import { probeAll } from '#lab/reachability.ts'
import { arpReply, arpRequest, echoFrame, tcpFrame, udpFrame, vxlanFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { asMac, broadcastMac, macFrom, type Mac } from '#wire/mac.ts'
import { neighbourSolicitation } from '#wire/nd-frames.ts'
import { concat, equal } from '#wire/struct.ts'
import { vniFrom } from '#wire/vni.ts'
import { v4, v6 } from '../lab/attempt.ts'
import { ScratchLab, twoCustomers } from '../lab/scratch-lab.ts'
import type { RawSocket } from '../lab/raw-socket.ts'

const frames = Number(process.env['VPC_FUZZ'] ?? 4000)
let state = Number(process.env['VPC_FUZZ_SEED'] ?? 20260102) | 1

/** xorshift32: the same frames for the same seed. */
function random(below: number): number {
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  return (state >>> 0) % below
}

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random(256))
const pick = <T>(list: readonly T[]): T => list[random(list.length)]!

/** A copy with bits turned, cut short, or made longer. */
function mutilate(frame: Uint8Array, from: number): Uint8Array {
  let out: Uint8Array = frame.slice()
  for (let i = random(6); i >= 0; i--) out[from + random(Math.max(1, Math.min(out.length - from, 80)))]! ^= 1 << random(8)
  if (random(4) === 0) out = out.slice(0, 14 + random(Math.max(1, out.length - 14)))
  if (random(8) === 0) out = concat(out, bytes(random(64)))
  return out
}

let lab: ScratchLab
before(async () => {
  lab = await ScratchLab.up(twoCustomers)
})
after(async () => lab?.[Symbol.asyncDispose]())

const hosts = ['h1', 'h2'] as const

interface Size {
  readonly pid: number
  readonly memoryMiB: number
  readonly descriptors: number
}

async function sizes(): Promise<Size[]> {
  return Promise.all(
    hosts.map(async (host) => {
      await using mgmt = await lab.vpc(host).mgmt()
      const { pid } = await mgmt.info()
      const memory = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]
      return { pid, memoryMiB: Number(memory) / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length }
    }),
  )
}

/** As before: the same vpcd, not much larger, nothing that an audit finds, and who reached whom still does. */
async function assertUnharmed(earlier: readonly Size[]): Promise<void> {
  for (const [i, now] of (await sizes()).entries()) {
    const then = earlier[i]!
    assert.equal(now.pid, then.pid)
    assert.ok(now.memoryMiB < then.memoryMiB + 40, `vpcd grew from ${then.memoryMiB} to ${now.memoryMiB} MiB`)
    assert.ok(now.descriptors <= then.descriptors + 2, `vpcd has ${now.descriptors} descriptors, it had ${then.descriptors}`)
  }
  for (const host of hosts) {
    await using mgmt = await lab.vpc(host).mgmt()
    assert.deepEqual((await mgmt.audit()).items, [], host)
  }
  assert.deepEqual(wrong(await probeAll(lab.plan.guests)), [])
}

/** Send; a refusal by the device itself does not matter. */
function send(socket: RawSocket, frame: Uint8Array): void {
  try {
    socket.send(frame)
  } catch (error) {
    if (!(error instanceof KernelError)) throw error
  }
}

test('out of a guest: nobody gets a frame with another source, and no other customer gets any', async () => {
  const [red1, red2, red3] = [lab.guest('red1'), lab.guest('red2'), lab.guest('red3')]
  const own = asMac(red1.mac)
  const to = [asMac(red2.mac), asMac(red3.mac)]
  const ab = { srcMac: own, dstMac: to[0]! }
  const payload = bytes(200)
  const honest = [
    udpFrame({ ...ab, src: v4(red1), dst: v4(red2), srcPort: 7, dstPort: 7 }, payload),
    tcpFrame({ ...ab, src: v6(red1), dst: v6(red2), srcPort: 7, dstPort: 7 }, payload),
    echoFrame({ ...ab, src: v4(red1), dst: v4(red2) }, payload),
    arpRequest({ sha: own, spa: v4(red1) as never, tpa: v4(red2) as never }),
    arpReply({ sha: own, spa: v4(red1) as never, tha: to[0]!, tpa: v4(red2) as never }),
    neighbourSolicitation({ srcMac: own, src: v6(red1) as never, target: v6(red2) as never }),
  ]
  const earlier = await sizes()
  using sender = lab.raw('red1')
  using near = lab.raw('red3')
  using far = lab.raw('red2')
  using stranger = lab.raw('blue1')
  using distant = lab.raw('blue2')
  const strangeSources = new Set<string>()
  let delivered = 0
  const known = [own, ...to].map(String)
  const watch = (): void => {
    for (const socket of [near, far]) {
      for (const frame of socket.receive()) {
        const source = frame.subarray(6, 12)
        if (equal(source, own)) delivered++
        if (!known.includes(String(source))) strangeSources.add(Buffer.from(source).toString('hex'))
      }
    }
  }
  for (let i = 0; i < frames; i++) {
    const header = concat(
      pick([...to, broadcastMac]) as Mac,
      own,
      pick([Uint8Array.of(8, 0), Uint8Array.of(8, 6), Uint8Array.of(0x86, 0xdd), bytes(2)]),
    )
    const kind = random(4)
    send(sender, kind === 0 ? bytes(14 + random(200)) : kind === 1 ? concat(header, bytes(random(300))) : mutilate(pick(honest), 0))
    if (i % 50 === 0) {
      watch()
      await sleep(0)
    }
  }
  await sleep(300)
  watch()
  // A guest that is in nobody's segment hears nothing; one in the same hears the sender, and whom it answers.
  assert.deepEqual([...strangeSources], [])
  assert.ok(delivered > frames / 50, `only ${delivered} of ${frames} frames were good enough to be delivered`)
  assert.deepEqual(
    [stranger, distant].map((socket) => socket.receive().filter((frame) => equal(frame.subarray(6, 12), own)).length),
    [0, 0],
  )
  await assertUnharmed(earlier)
})

test('out of the underlay: VXLAN that is cut, bent, and of VNIs that nobody has', async () => {
  await lab.setExclusive('h2', false)
  const earlier = await sizes()
  const [red1, red2] = [lab.guest('red1'), lab.guest('red2')]
  const macOf = async (host: string): Promise<Mac> =>
    asMac(macFrom(JSON.parse(await lab.must(host, 'ip', '-j', 'link', 'show', 'underlay0'))[0].address as string))
  const link = { srcMac: await macOf('h2'), dstMac: await macOf('h1'), src: ipFrom('192.0.2.2'), dst: ipFrom('192.0.2.1') }
  const inner = udpFrame(
    { srcMac: asMac(red2.mac), dstMac: asMac(red1.mac), src: v4(red2), dst: v4(red1), srcPort: 7, dstPort: 7 },
    bytes(100),
  )
  const outerLength = 14 + 20 + 8
  using socket = lab.raw('h2', 'underlay0')
  for (let i = 0; i < frames; i++) {
    const vni = vniFrom(pick([5001, 5002, 6001, random(1 << 24)]))
    const good = vxlanFrame({ ...link, vni }, random(3) === 0 ? bytes(random(120)) : mutilate(inner, 0))
    const bad = random(3) === 0 ? mutilate(good, outerLength) : random(3) === 0 ? mutilate(good, 14) : good
    send(socket, bad)
    if (i % 100 === 0) await sleep(0)
  }
  await sleep(300)
  await assertUnharmed(earlier)
})
