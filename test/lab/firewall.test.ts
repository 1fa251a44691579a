/**
 * What the hosts' rules say holds for every packet of an overlay: counters, limits, verdicts by VNI; and the setting
 * that overrides it.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, afterEach, before, suite, test } from 'node:test'
import type { MuxInfo } from '#abi/info.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

let lab: ScratchLab

/** Replace all rules of a host. */
function rules(host: string, text: string): void {
  const { status, stderr } = spawnSync('nsenter', [`--net=/run/netns/${lab.netns(host)}`, 'nft', '-f', '-'], {
    input: `flush ruleset\n${text}`,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
}

const chain = (hook: string, rule: string, family = 'inet'): string =>
  `table ${family} t {\n chain c {\n type filter hook ${hook} priority 0\n ${rule}\n }\n }\n`

async function mux(host: string): Promise<MuxInfo> {
  await using object = await lab.vpc(host).openMux(lab.host(host).muxId)
  return await object.describe()
}

async function setDirect(host: string, way: 'off' | 'auto' | 'on'): Promise<void> {
  await using object = await lab.vpc(host).openMux(lab.host(host).muxId, { write: true })
  await object.setDirect(way)
}

/** Wait until vpcd reports the expected state of a host's mux. */
async function untilMux(host: string, holds: (info: MuxInfo) => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (holds(await mux(host))) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(JSON.stringify(await mux(host)))
}

const objects = (info: MuxInfo): boolean => info.objections.out.length + info.objections.in.length > 0

/** Echoes that come back of those that go from red1 to red2, a few at a time so that no socket overflows. */
async function echoes(count = 100): Promise<number> {
  const { stdout } = await lab.run('red1', 'ping', '-n', '-q', '-i', '0.005', '-c', String(count), '-W', '1', '10.0.0.2')
  return Number(/(\d+) received/.exec(stdout)?.[1])
}

async function counted(host: string): Promise<number> {
  return Number(/counter packets (\d+)/.exec(await lab.must(host, 'nft', 'list', 'ruleset'))?.[1])
}

/** Packets that a host's vxlan device has sent and received: those that did not go the direct ways. */
async function byDevice(host: string): Promise<{ readonly sent: number; readonly received: number }> {
  const [link] = JSON.parse(await lab.must(host, 'ip', '-s', '-j', 'link', 'show', 'vpcmux0')) as [
    { stats64: { tx: { packets: number }; rx: { packets: number } } },
  ]
  return { sent: link.stats64.tx.packets, received: link.stats64.rx.packets }
}

async function deviceShare(host: string): Promise<{ readonly sent: number; readonly received: number }> {
  const before = await byDevice(host)
  assert.equal(await echoes(), 100)
  const now = await byDevice(host)
  return { sent: now.sent - before.sent, received: now.received - before.received }
}

suite('the hosts have rules', () => {
  before(async () => {
    lab = await ScratchLab.up(twoCustomers)
    await lab.must('red1', 'ping', '-c', '2', '-i', '0.2', '10.0.0.2')
  })
  after(async () => lab?.[Symbol.asyncDispose]())
  afterEach(async () => {
    for (const host of ['h1', 'h2']) {
      rules(host, '')
      await setDirect(host, 'auto')
      await untilMux(host, (info) => !objects(info))
    }
  })

  test('without rules few packets take the long way', async () => {
    const { sent, received } = await deviceShare('h1')
    assert.ok(sent < 60 && received < 60, JSON.stringify({ sent, received }))
  })

  for (const [what, hook, family] of [
    ['OUTPUT', 'output', 'inet'],
    ['the egress of the interface', 'egress device "underlay0"', 'netdev'],
  ] as const)
    test(`a counter in ${what} counts every packet`, async () => {
      rules('h1', chain(hook, 'udp dport 4789 counter', family))
      await untilMux('h1', objects)
      assert.equal(await echoes(), 100)
      const count = await counted('h1')
      assert.ok(count >= 100, `${count} of 100`)
    })

  for (const [what, hook, family] of [
    ['INPUT', 'input', 'inet'],
    ['the ingress of the interface', 'ingress device "underlay0"', 'netdev'],
  ] as const)
    test(`a limit in ${what} limits`, async () => {
      rules('h2', chain(hook, 'udp dport 4789 limit rate over 20/second burst 5 packets drop', family))
      await untilMux('h2', objects)
      const came = await echoes()
      assert.ok(came > 0 && came < 60, `${came} of 100`)
    })

  test('a rule by VNI refuses that VNI alone, every packet of it', async () => {
    rules('h2', chain('input', 'udp dport 4789 @th,96,24 6001 drop'))
    await untilMux('h2', objects)
    assert.equal(await echoes(), 100)
    const { stdout } = await lab.run('blue1', 'ping', '-n', '-q', '-i', '0.01', '-c', '20', '-W', '1', '10.0.0.2')
    assert.match(stdout, / 0 received/)
  })

  test('a plain verdict holds, and keeps the direct ways for whom it lets through', async () => {
    const accept = 'udp dport 4789 ip saddr 192.0.2.0/24 accept'
    rules(
      'h2',
      `table inet t {\n chain c {\n type filter hook input priority 0; policy drop;\n ct state established accept\n ${accept}\n }\n }\n`,
    )
    assert.deepEqual((await mux('h2')).objections, { out: [], in: [] })
    const { received } = await deviceShare('h2')
    assert.ok(received < 60, `${received} of 100 the long way`)
    rules('h2', chain('input', 'udp dport 4789 drop'))
    let came = Infinity
    for (const end = Date.now() + 20_000; came > 0 && Date.now() < end;) came = await echoes(5)
    assert.equal(came, 0, 'a drop is not heeded')
  })

  test('direct off takes the long way without any rule; direct on takes the short one past a counter, and audit says so', async () => {
    await setDirect('h1', 'off')
    const { sent, received } = await deviceShare('h1')
    assert.ok(sent >= 100 && received >= 100, JSON.stringify({ sent, received }))
    rules('h1', chain('output', 'udp dport 4789 counter'))
    await setDirect('h1', 'on')
    await untilMux('h1', objects)
    assert.ok((await deviceShare('h1')).sent < 60)
    await using mgmt = await lab.vpc('h1').mgmt()
    const { items, notes } = await mgmt.audit()
    assert.deepEqual(items, [])
    assert.match(notes.join('\n'), /vpcmux0: the host's rules see only samples .*nftables: inet t c: counter/)
    await setDirect('h1', 'auto')
    assert.ok((await deviceShare('h1')).sent >= 100)
  })
})
