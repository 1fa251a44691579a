/**
 * The long form: two hosts whose muxes may reach each other under IPsec alone (`far-vteps` with `ipsec`), with ESP by
 * `ip xfrm` as docs/underlay.md tells the operator. Whatever is missing of it, nothing leaves or comes in plain, and
 * the kernel counts by name what it drops.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { addPolicies, addStates, deletePolicies, deleteStates, xfrmCounts } from '../esp.ts'
import { kernelFor, newest } from '../packages.ts'
import { bringUpPair, startVpcd, type Pair, type PairHost } from '../pair.ts'
import { secretPattern, watchWire, type Seen } from '../watch-wire.ts'

/** Pings from the first container to the second: how many it sent, and how many came back. */
interface Pings {
  readonly sent: number
  readonly received: number
}

/**
 * Rounds of `count` pings, which bear the secret: one after the other until `during` has ended, then one more; without
 * `during`, one.
 */
async function exchange([one, two]: Pair['hosts'], count: number, during?: () => Promise<unknown>): Promise<Pings> {
  const { machine } = one
  const round = `ip netns exec guest ping -n -q -c ${count} -i 0.1 -W 1 -s 200 -p ${secretPattern} ${two.guest.v4}`
  const enough = during === undefined ? 'touch' : 'rm -f'
  const rounds = `until [ -e /tmp/enough ]; do ${round}; done; ${round}`
  await machine.must(`${enough} /tmp/enough; ( (${rounds}) >/tmp/pings 2>&1 & echo $! >/tmp/ping)`)
  try {
    await during?.()
  } finally {
    await machine.must('touch /tmp/enough; while [ -d /proc/$(cat /tmp/ping) ]; do sleep 0.1; done')
  }
  const ended = [...(await machine.must('cat /tmp/pings')).matchAll(/(\d+) packets transmitted, (\d+) received/g)]
  assert.ok(ended.length > 0, 'ping says nothing')
  const sum = (place: 1 | 2): number => ended.reduce((all, match) => all + Number(match[place]), 0)
  return { sent: sum(1), received: sum(2) }
}

/** Pings while something is done: how many came back, and what was seen on the wire. */
async function ping(pair: Pair, count: number, during?: () => Promise<unknown>): Promise<Seen & Pings> {
  let pings: Pings = { sent: 0, received: -1 }
  const seen = await watchWire(pair, async () => (pings = await exchange(pair.hosts, count, during)))
  return { ...seen, ...pings }
}

/** Pings of which none may come back or be seen in plain; a host counts each under a name. */
async function assertDropped(pair: Pair, at: PairHost, name: string): Promise<Seen> {
  const before = (await xfrmCounts(at)).get(name)
  assert.ok(before !== undefined, `/proc/net/xfrm_stat has no ${name}`)
  const seen = await ping(pair, 5)
  assert.equal(seen.received, 0)
  const counts = await xfrmCounts(at)
  assert.ok(counts.get(name)! >= before + 5, `${name} of ${at.machine.name} has not counted each packet: ${[...counts].join(' ')}`)
  assertNothingInPlain(seen)
  return seen
}

function assertNothingInPlain({ packets, clear }: Seen): void {
  assert.ok(!clear && !/\.4789: |VXLAN/.test(packets), packets.slice(0, 2000))
}

/** Pings that all come back, in ESP alone. */
async function assertEncrypted(pair: Pair, during?: () => Promise<unknown>): Promise<void> {
  const seen = await ping(pair, 30, during)
  assert.equal(seen.received, seen.sent)
  assertNothingInPlain(seen)
  assert.match(seen.packets, /192\.0\.2\.1 > 192\.0\.2\.2: ESP\(/)
  assert.match(seen.packets, /192\.0\.2\.2 > 192\.0\.2\.1: ESP\(/)
}

/** In plain, ports follow the addresses. */
const fromOne = /192\.0\.2\.1(\.\d+)? > 192\.0\.2\.2/

const vpc = (words: string): string => `node bin/vpc.mjs ${words} </dev/null 2>&1`
const must = async ({ machine }: PairHost, ...commands: string[]): Promise<void> => {
  for (const command of commands) await machine.must(command)
}

/** The guards that a host has, as `ip xfrm policy` lists them. */
const guardCount = '$(ip xfrm policy list | grep -c "action block priority 2147483647")'
const untilGuarded = `for i in $(seq 100); do [ ${guardCount} = 2 ] && break; sleep 0.1; done; [ ${guardCount} = 2 ]`

/** vpcd has tried the mux again, and found nothing amiss. */
const clear = `${vpc('mux show --mux-id=vpcmux0 --json')} | grep -q '"trouble": *null'`
const untilServing = `for i in $(seq 60); do ${clear} && break; sleep 0.5; done; ${clear}`

/** What holds, step by step; each begins where the one before has ended. */
const steps: readonly (readonly [what: string, does: (pair: Pair) => Promise<void>])[] = [
  [
    'nothing leaves as long as nothing encrypts it',
    async (pair) => {
      const [one] = pair.hosts
      assert.doesNotMatch((await assertDropped(pair, one, 'XfrmOutPolBlock')).packets, fromOne)
      // A policy without keys.
      await must(one, addPolicies.out(one))
      assert.doesNotMatch((await assertDropped(pair, one, 'XfrmOutNoStates')).packets, fromOne)
    },
  ],

  [
    'a host takes nothing that it has no keys or no policy for',
    async (pair) => {
      const [one, two] = pair.hosts
      await must(one, addStates.out(one))
      // Which else comes with the first keys. Without it, no part of IPsec sees these packets.
      await must(two, 'modprobe esp4')
      assert.match((await assertDropped(pair, two, 'XfrmInNoStates')).packets, /192\.0\.2\.1 > 192\.0\.2\.2: ESP\(/)
      await must(two, addStates.in(two))
      await assertDropped(pair, two, 'XfrmInPolBlock')
    },
  ],

  [
    'packets pass encrypted',
    async (pair) => {
      const [one, two] = pair.hosts
      await must(two, addPolicies.in(two), addStates.out(two), addPolicies.out(two))
      await must(one, addStates.in(one), addPolicies.in(one))
      await assertEncrypted(pair)
    },
  ],

  [
    'keys are replaced without a lost packet: first those that hosts take, then those that they use',
    async (pair) => {
      const [one] = pair.hosts
      await assertEncrypted(pair, async () => {
        for (const host of pair.hosts) await must(host, addStates.in(host, 2))
        for (const host of pair.hosts) await must(host, addStates.out(host, 2), deleteStates.out(host))
        for (const host of pair.hosts) await must(host, deleteStates.in(host))
      })
      await must(one, 'ip xfrm state flush')
      await assertDropped(pair, one, 'XfrmOutNoStates')
      await must(one, addStates.in(one, 2), addStates.out(one, 2))
      await assertEncrypted(pair)
    },
  ],

  [
    'a host takes nothing in plain',
    async (pair) => {
      const [one, two] = pair.hosts
      await must(one, vpc('mux set --mux-id=vpcmux0 --no-far-vtep'), deletePolicies.out(one))
      const before = await xfrmCounts(two)
      const { received, clear } = await ping(pair, 5)
      assert.ok(clear, 'the other host did not send in plain')
      assert.equal(received, 0)
      // At least: containers send packets of their own, too.
      const assertCounted = async (name: string): Promise<void> => {
        const count = (await xfrmCounts(two)).get(name)!
        assert.ok(count >= before.get(name)! + 5, `${name} is ${count}, and was ${before.get(name)}`)
      }
      await assertCounted('XfrmInTmplMismatch')
      await must(two, deletePolicies.in(two))
      assert.equal((await ping(pair, 5)).received, 0)
      await assertCounted('XfrmInPolBlock')
      await must(two, addPolicies.in(two))
      await must(one, vpc("mux set --mux-id=vpcmux0 --far-vtep='192.0.2.2 ipsec'"), addPolicies.out(one))
      await assertEncrypted(pair)
    },
  ],

  [
    'vpcd sets its policies again when somebody flushes all',
    async (pair) => {
      const [one] = pair.hosts
      await must(one, 'ip xfrm policy flush', untilGuarded)
      await assertDropped(pair, one, 'XfrmOutPolBlock')
      await must(one, addPolicies.out(one), addPolicies.in(one))
      await assertEncrypted(pair)
    },
  ],

  [
    'a host whose kernel has no IPsec sends nothing, says why, and refuses to be told',
    async (pair) => {
      const [one] = pair.hosts
      await must(one, 'kill $(cat /tmp/vpcd.pid) && while [ -d /proc/$(cat /tmp/vpcd.pid) ]; do sleep 0.1; done')
      // As after a boot of such a kernel.
      await must(one, 'ip xfrm policy flush && ip xfrm state flush && rmmod xfrm_user')
      await must(one, 'mkdir -p /etc/modprobe.d && echo install xfrm_user /bin/false >/etc/modprobe.d/none.conf')
      await startVpcd(one.machine)
      assert.doesNotMatch((await ping(pair, 5)).packets, fromOne)
      const { output, code } = await one.machine.shell.run(vpc('audit --json'), 180_000)
      assert.notEqual(code, 0)
      assert.match(output, /vpcmux0.*this kernel has no IPsec \(CONFIG_XFRM_USER\)/s)
      await must(one, vpc('mux set --mux-id=vpcmux0 --no-far-vtep'), untilServing)
      assert.match((await ping(pair, 5)).packets, fromOne)
      const refused = await one.machine.shell.run(vpc("mux set --mux-id=vpcmux0 --far-vtep='192.0.2.2 ipsec'"), 180_000)
      assert.notEqual(refused.code, 0)
      assert.match(refused.output, /this kernel has no IPsec .* load xfrm_user, or take ipsec away from the VTEP/s)
    },
  ],
]

const kernel = kernelFor(newest)

test(`two hosts that reach each other under IPsec alone, ${kernel.release}`, { timeout: 1_800_000 }, async (t) => {
  await using pair = await bringUpPair({ hosts: [{ kernel }, { kernel }], way: 'ipsec' })
  for (const [what, does] of steps) await t.test(what, () => does(pair))
})
