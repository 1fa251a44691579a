/** Rules of a real kernel: which of them must see each packet of a mux. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, beforeEach, describe, test } from 'node:test'
import { PrivateNetns } from '../../../test/bpf/private-netns.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { followHost, objectionsTo, readRuleset, type HostChange, type Objections } from './host-rules.ts'

let netns: PrivateNetns
let ifindex: number

before(() => {
  netns = new PrivateNetns()
  ifindex = netns.veth('under0', 'under0-wire')[0]
})
after(() => netns[Symbol.dispose]())

const inside = (command: string, args: readonly string[], input?: string): string =>
  execFileSync('nsenter', [`--net=/run/netns/${netns.name}`, command, ...args], {
    encoding: 'utf8',
    input,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
const nft = (rules: string): string => inside('nft', ['-f', '-'], `flush ruleset\n${rules}`)
const asked = { device: 'under0', address: ipFrom('192.0.2.1'), port: 4789, vtepPorts: [8472] }
const found = (): Objections => netns.run(() => objectionsTo(readRuleset(), { ...asked, ifindex }))

/** A chain with rules, in a table of its own. */
const chain = (hook: string, rules: string, family = 'inet', more = ''): string =>
  `table ${family} t { ${more}\n chain c { type filter hook ${hook}; ${rules}\n }\n }\n`

beforeEach(() => nft(''))

/** Rules, and whether packets must be seen on their way out and in. */
const cases: readonly (readonly [what: string, rules: string, out: boolean, into: boolean])[] = [
  ['no rules', '', false, false],
  ['an empty chain that drops', chain('input priority 0; policy drop', ''), false, false],
  ['a counter of the port in OUTPUT', chain('output priority 0', 'udp dport 4789 counter'), true, false],
  ['a counter of the port of a VTEP', chain('output priority 0', 'udp dport 8472 counter'), true, false],
  ['a counter of another port', chain('output priority 0', 'udp dport 4790 counter'), false, false],
  ['a counter of TCP', chain('input priority 0', 'tcp dport 4789 counter'), false, false],
  ['a counter of all', chain('input priority 0', 'counter'), false, true],
  ['a limit in INPUT', chain('input priority 0', 'udp dport 4789 limit rate over 50/second drop'), false, true],
  ['a limit in PREROUTING', chain('prerouting priority raw', 'limit rate 50/second accept'), false, true],
  ['a quota in POSTROUTING', chain('postrouting priority 0', 'udp dport 4789 quota over 1 mbytes drop'), true, false],
  ['rules for what is forwarded', chain('forward priority 0; policy drop', 'counter drop'), false, false],
  [
    'a plain accept',
    chain('input priority 0; policy drop', 'ct state established,related accept; udp dport 4789 ip saddr 192.0.2.0/24 accept'),
    false,
    false,
  ],
  ['a plain drop', chain('output priority 0', 'ip daddr 192.0.2.2 udp dport 4789 drop'), false, false],
  ['a rule by VNI', chain('input priority 0', 'udp dport 4789 @th,96,24 5001 drop'), false, true],
  ['a rule by length', chain('input priority 0', 'udp dport 4789 meta length > 1000 drop'), false, true],
  ['a rule by the source port', chain('input priority 0', 'udp sport 50000 drop'), false, true],
  ['a rule for another interface', chain('input priority 0', 'iifname "other0" counter'), false, false],
  ['a rule for names like ours', chain('input priority 0', 'iifname "under*" counter'), false, true],
  ['a rule for another address of the host', chain('input priority 0', 'ip daddr 192.0.2.9 counter'), false, false],
  ['a rule for our address and others', chain('input priority 0', 'ip daddr { 192.0.2.1, 192.0.2.9 } counter'), false, true],
  ['a rule for IPv6', chain('input priority 0', 'ip6 saddr 2001:db8::1 counter'), false, false],
  ['a table for IPv6', chain('input priority 0', 'counter', 'ip6'), false, false],
  [
    'a rule in a chain that is jumped to',
    chain('input priority 0', 'udp dport 4789 jump d', 'inet', 'chain d { counter\n }\n'),
    false,
    true,
  ],
  [
    'a rule in a chain that nobody jumps to',
    chain('input priority 0', 'tcp dport 1 jump d', 'inet', 'chain d { counter\n }\n'),
    false,
    false,
  ],
  [
    'a rule behind a map of verdicts',
    chain('input priority 0', 'iifname vmap { "under0" : jump d }', 'inet', 'chain d { counter\n }\n'),
    false,
    true,
  ],
  [
    'the ingress of the interface',
    chain('ingress device "under0" priority 0', 'udp dport 4789 limit rate over 50/second drop', 'netdev'),
    false,
    true,
  ],
  ['the ingress of another', chain('ingress device "lo" priority 0', 'counter', 'netdev'), false, false],
  ['the egress of the interface', chain('egress device "under0" priority 0', 'udp dport 4789 counter', 'netdev'), true, false],
  ['a log', chain('output priority 0', 'udp dport 4789 log'), true, false],
  ['a mark that is set', chain('output priority 0', 'udp dport 4789 meta mark set 7'), true, false],
  [
    'masquerading of others',
    `table ip n { chain c { type nat hook postrouting priority 100; ip saddr 172.17.0.0/16 counter masquerade\n }\n }\n`,
    false,
    false,
  ],
  [
    'masquerading of all',
    `table ip n { chain c { type nat hook postrouting priority 100; oifname "under0" masquerade\n }\n }\n`,
    true,
    false,
  ],
]

describe('nftables', () => {
  for (const [what, rules, out, into] of cases) {
    test(what, () => {
      nft(rules)
      const objections = found()
      assert.deepEqual([objections.out.length > 0, objections.in.length > 0], [out, into], JSON.stringify(objections))
    })
  }

  test('says which rule, and why', () => {
    nft(chain('output priority 0', 'udp dport 4789 counter'))
    assert.deepEqual(found(), { out: ['nftables: inet t c: counter'], in: [] })
  })
})

describe('tc and IPsec', () => {
  test('a filter on the ingress of the interface', () => {
    assert.deepEqual(found().in, [])
    inside('tc', ['qdisc', 'add', 'dev', 'under0', 'clsact'])
    assert.deepEqual(found().in, [])
    inside('tc', ['filter', 'add', 'dev', 'under0', 'ingress', 'protocol', 'ip', 'u32', 'match', 'u32', '0', '0', 'classid', '1:1'])
    assert.deepEqual(found(), { out: [], in: ['tc: a filter (u32) on the ingress of the interface'] })
    inside('tc', ['qdisc', 'del', 'dev', 'under0', 'clsact'])
    assert.deepEqual(found().in, [])
  })

  test('a policy', () => {
    const policy = (...selector: string[]): void => {
      inside('ip', ['xfrm', 'policy', 'flush'])
      inside('ip', ['xfrm', 'policy', 'add', ...selector])
    }
    const applies = 'IPsec: a policy may apply'
    policy('src', '192.0.2.1/32', 'dst', '192.0.2.2/32', 'proto', 'udp', 'dport', '4789', 'dir', 'out', 'action', 'block')
    assert.deepEqual(found(), { out: [applies], in: [] })
    policy('src', '0.0.0.0/0', 'dst', '192.0.2.0/24', 'dir', 'in', 'action', 'block')
    assert.deepEqual(found(), { out: [], in: [applies] })
    policy('src', '192.0.2.1/32', 'dst', '192.0.2.2/32', 'proto', 'tcp', 'dir', 'out', 'action', 'block')
    assert.deepEqual(found(), { out: [], in: [] })
    policy('src', '198.51.100.0/24', 'dst', '0.0.0.0/0', 'dir', 'out', 'action', 'block')
    assert.deepEqual(found(), { out: [], in: [] })
    inside('ip', ['xfrm', 'policy', 'flush'])
  })
})

test('the old iptables: any rule in a chain that the packets pass', () => {
  const iptables = (...args: string[]): string => inside('iptables-legacy', args)
  iptables('-L')
  assert.deepEqual(found(), { out: [], in: [] })
  iptables('-A', 'FORWARD', '-p', 'tcp', '-j', 'ACCEPT')
  assert.deepEqual(found(), { out: [], in: [] })
  iptables('-A', 'INPUT', '-p', 'udp', '-j', 'ACCEPT')
  assert.deepEqual(found(), { out: [], in: ['iptables: table filter has rules in INPUT'] })
  iptables('-F')
  assert.deepEqual(found(), { out: [], in: [] })
  iptables('-t', 'mangle', '-A', 'POSTROUTING', '-p', 'udp', '-j', 'ACCEPT')
  assert.deepEqual(found().out, ['iptables: table mangle has rules in POSTROUTING'])
  iptables('-t', 'mangle', '-F')
  assert.deepEqual(found(), { out: [], in: [] })
})

test('changes of rules, policies, filters, addresses and routes are told', async () => {
  let hear = (_: HostChange): void => {}
  const stop = netns.run(() => followHost((what) => hear(what)))
  const changes: readonly (readonly [what: HostChange, change: () => unknown])[] = [
    ['rules', () => nft(chain('output priority 0', 'udp dport 4789 counter'))],
    ['rules', () => inside('ip', ['xfrm', 'policy', 'add', 'src', '192.0.2.1/32', 'dst', '192.0.2.2/32', 'dir', 'out', 'action', 'block'])],
    ['rules', () => inside('tc', ['qdisc', 'add', 'dev', 'under0', 'clsact'])],
    ['routes', () => inside('ip', ['address', 'add', '192.0.2.1/24', 'dev', 'under0'])],
    ['routes', () => inside('ip', ['-6', 'address', 'add', '2001:db8::1/64', 'dev', 'under0'])],
    ['routes', () => inside('ip', ['route', 'add', 'blackhole', '198.51.100.0/24'])],
  ]
  for (const [what, change] of changes) {
    const { promise, resolve } = Promise.withResolvers<void>()
    hear = (told) => void (told === what && resolve())
    change()
    await promise
  }
  stop()
  inside('ip', ['xfrm', 'policy', 'flush'])
  inside('tc', ['qdisc', 'del', 'dev', 'under0', 'clsact'])
})
