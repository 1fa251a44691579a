/**
 * The long form: hosts whose underlay is WireGuard, and hosts whose mux's port is in ESP. Traffic flows and fits, and
 * nothing leaves in clear text.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { espCommands } from '../esp.ts'
import { exchangePings, sendDatagrams, sendFile, assertNoErrors } from '../exchange.ts'
import { kernelFor, newest } from '../packages.ts'
import { bringUpPair, type Pair, type PairHost, type Underlay } from '../pair.ts'
import { secretPattern, watchWire } from '../watch-wire.ts'

/** One container tells the other the text, in pings whose payload it is. */
async function tellSecret([one, two]: Pair['hosts']): Promise<void> {
  await one.machine.must(`ip netns exec guest ping -n -q -c 5 -i 0.1 -s 200 -p ${secretPattern} ${two.guest.v4}`)
}

async function exchange(pair: Pair, mtu: number): Promise<void> {
  const [one, two] = pair.hosts
  await exchangePings(pair.hosts, mtu)
  await sendFile(one, two, { megabytes: 2 })
  await sendFile(two, one, { megabytes: 2 })
  await sendDatagrams(one, two)
  await assertNoErrors(pair)
}

/** A WireGuard interface over the NIC, with the keys that the test makes; the mux listens on its address. */
function wireGuard(publicKeys: ReadonlyMap<number, Promise<string>>) {
  return async ({ number, machine, address }: PairHost): Promise<Underlay> => {
    const peer = 3 - number
    await machine.must(`ip addr add ${address}/24 dev eth0 && ip link set eth0 up && ip link add wg0 type wireguard`)
    const set = `wg set wg0 listen-port 51820 private-key /tmp/key peer ${await publicKeys.get(peer)!}`
    await machine.must(`${set} endpoint 192.0.2.${peer}:51820 allowed-ips 198.51.100.${peer}/32`)
    await machine.must(`ip addr add 198.51.100.${number}/24 dev wg0 && ip link set wg0 up`)
    return { device: 'wg0', address: `198.51.100.${number}` }
  }
}

const kernel = kernelFor(newest)

test(`two hosts over WireGuard, ${kernel.release}`, { timeout: 1_800_000 }, async () => {
  const resolvers = new Map([1, 2].map((number) => [number, Promise.withResolvers<string>()]))
  const keys = new Map([...resolvers].map(([number, { promise }]) => [number, promise]))
  const configure = wireGuard(keys)
  const underlay = async (host: PairHost): Promise<Underlay> => {
    resolvers.get(host.number)!.resolve(await host.machine.must('umask 077; wg genkey >/tmp/key && wg pubkey </tmp/key'))
    return configure(host)
  }
  await using pair = await bringUpPair({ hosts: [{ kernel }, { kernel }], underlay })
  const { clear, packets } = await watchWire(pair, () => tellSecret(pair.hosts))
  assert.match(packets, /192\.0\.2\.1\.51820 > 192\.0\.2\.2\.51820: UDP/)
  assert.ok(!clear && !/\.4789: |VXLAN/.test(packets), packets.slice(0, 2000))
  await exchange(pair, 1420)
})

test(`two hosts over ESP in transport mode, ${kernel.release}`, { timeout: 1_800_000 }, async () => {
  const underlay = async (host: PairHost): Promise<Underlay> => {
    await host.machine.must(`ip addr add ${host.address}/24 dev eth0 && ip link set eth0 up`)
    for (const command of espCommands(host)) await host.machine.must(command)
    return { device: 'eth0', address: host.address }
  }
  await using pair = await bringUpPair({ hosts: [{ kernel }, { kernel }], underlay })
  const { clear, packets } = await watchWire(pair, () => tellSecret(pair.hosts))
  assert.match(packets, /192\.0\.2\.1 > 192\.0\.2\.2: ESP\(/)
  assert.ok(!clear && !/\.4789: |VXLAN/.test(packets), packets.slice(0, 2000))
  const mtu = await guestMtu(pair.hosts[0])
  assert.ok(mtu >= 1380 && mtu < 1450, `the container has an MTU of ${mtu}, which does not leave room for ESP`)
  // Outer packets that fit are in no fragments, and nothing of it is clear.
  const { packets: wrong } = await watchWire(pair, () => exchange(pair, mtu + 50), 'udp port 4789 or ip[6:2] & 0x3fff != 0')
  assert.equal(wrong.trim(), '')
})

/** The MTU that a container has in the end: vpcd asks the kernel every two seconds. */
async function guestMtu({ machine }: PairHost): Promise<number> {
  const less = '[ $(ip netns exec guest cat /sys/class/net/eth0/mtu) -lt 1450 ]'
  await machine.must(`for i in $(seq 100); do ${less} && break; sleep 0.1; done`)
  return Number(await machine.must('ip netns exec guest cat /sys/class/net/eth0/mtu'))
}
