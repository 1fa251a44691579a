/** The lab file: what it comes to, and how everything that can be wrong with one is told. */
import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { suite, test } from 'node:test'
import { formatIp } from '#wire/ip-address.ts'
import { formatPrefix } from '#wire/prefix.ts'
import { LabFileError } from './file-problem.ts'
import { parseLab, readLabFile } from './lab-file.ts'

const good = `
name: t
underlay: { network: 192.0.2.0/29 }
hosts: { h1: { address: 192.0.2.2 }, h2: {}, h3: }
customers:
  red: { subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00::/64' } } }
  blue: { subnets: { a: { vni: 5002, network: 10.0.0.0/24 } } }
guests:
  g1: { host: h1, subnet: red/a }
  g2: { host: h2, subnet: red/a, address: 10.0.0.1 }
  g3: { host: h3, subnet: blue/a }
`

/** What parsing says of a lab file, without the path. */
function problemsOf(text: string): string[] {
  try {
    parseLab(text, 'x')
    return []
  } catch (error) {
    assert.ok(error instanceof LabFileError, String(error))
    return error.message.split('\n')
  }
}

/** The good file with one thing changed. */
const changed = (from: string, to: string): string => {
  assert.ok(good.includes(from))
  return good.replace(from, to)
}

/** The good file with a router of red, and more. */
const routed = (more: string): string =>
  changed('red: { subnets', `red: { router: true, ${more}, subnets`).replace('address: 10.0.0.1 }', 'address: 10.0.0.2 }')

test('addresses that are left out are given out in order, around those that are named', () => {
  const lab = parseLab(good, 'x')
  assert.deepEqual(
    lab.hosts.map(({ address }) => formatIp(address)),
    ['192.0.2.2', '192.0.2.1', '192.0.2.3'],
  )
  assert.deepEqual(
    lab.guests.map(({ addresses }) => addresses.map(formatPrefix)),
    [['10.0.0.2/24', 'fd00::1/64'], ['10.0.0.1/24', 'fd00::2/64'], ['10.0.0.1/24']],
  )
  assert.deepEqual({ mtu: lab.underlay.mtuBytes, port: lab.underlay.port }, { mtu: 1500, port: 4789 })
})

test('every example is a good lab file', async () => {
  const examples = new URL('../../examples/', import.meta.url)
  const files = (await readdir(examples)).filter((name) => name.endsWith('.yaml'))
  assert.ok(files.length >= 5)
  const names = await Promise.all(files.map(async (name) => (await readLabFile(new URL(name, examples).pathname)).name))
  assert.equal(new Set(names).size, names.length, 'two examples share a name and could not be up at once')
})

suite('what is wrong is told with its place, its value and the way out', () => {
  const cases: [what: string, text: string, told: RegExp][] = [
    ['a directive', 'a: %x', /^x:1:4: this is not YAML: a text that begins with % needs quotes$/],
    ['a reserved character', 'a: @x', /^x:1:4: this is not YAML: a text that begins with @ needs quotes$/],
    ['not YAML', 'a: [1', /^x:1:\d+: this is not YAML: a list that \[ begins has no \] at its end$/],
    ['no YAML in many ways', 'a: ]\n}: [', /^x:1:\d+: this is not YAML: [^\n]*$/],
    [
      'two keys in a line',
      'a: b: c',
      /^x:1:\d+: this is not YAML: this line has two keys; put a text with a colon and a space into quotes$/,
    ],
    ['a line without a key', 'a\nb: 1', /^x:1:\d+: this is not YAML: this line is neither KEY: VALUE nor/],
    ['empty', '', /^x:1:1: the file is empty/],
    ['a key twice', changed('name: t', 'name: t\nname: u'), /^x:3:1: this is not YAML: the key name stands here a second time; remove one/],
    ['a list', '- a', /^x:1:1: this must be a map with name, underlay, .*, not a list/],
    ['nothing but a name', 'name: t', /^x:1:1: 'underlay' and 'hosts' and 'customers' and 'guests' must be given/],
    [
      'unknown key',
      changed('underlay: {', 'underlay: { colour: red,'),
      /^x:3:21: underlay.colour: unknown key 'colour'; expected one of network, mtu, port/,
    ],
    ['a slip', changed('{ host: h1', '{ hos: h1'), /^x:9:14: guests.g1.hos: unknown key 'hos'; did you mean 'host'\?/],
    ['lab name', changed('name: t', 'name: a-b'), /^x:2:7: name: 'a-b' is not a name; names here are lower case letters and digits/],
    ['long name', changed('  g3:', '  g345678901234567:'), /^x:11:\d+: guests.g345678901234567: .* longer than 15 characters/],
    ['a device', changed('h2: {}', 'bridge0: {}'), /hosts.bridge0: 'bridge0' is what a device is called; choose another name/],
    ['two of a name', changed('  g3:', '  h3:'), /^x:11:\d+: guests.h3: hosts.h3 has this name/],
    ['underlay is taken', changed('  g3:', '  underlay:'), /guests.underlay: the underlay has this name/],
    ['host bits', changed('192.0.2.0/29', '192.0.2.1/29'), /^x:3:22: underlay.network: .* has host bits; the network is 192.0.2.0\/29/],
    ['MTU', changed('/29', '/29, mtu: 1300'), /underlay.mtu: this must be a whole number from 1330 to 65535, not '1300'/],
    ['MTU of IPv6', changed('192.0.2.0/29', "'2001:db8::/64', mtu: 1340"), /from 1350 to 65535, not '1340'/],
    [
      'host outside',
      changed('192.0.2.2', '192.0.2.9'),
      /hosts.h1.address: 192.0.2.9 is not for a machine in the underlay \(192.0.2.0\/29\); take one such as/,
    ],
    ['broadcast', changed('192.0.2.2', '192.0.2.7'), /192.0.2.7 is not for a machine/],
    ['host address twice', changed('h2: {}', 'h2: { address: 192.0.2.2 }'), /hosts.h2.address: host h1 has this address/],
    ['underlay full', changed('/29', '/31'), /hosts.h1.address: 192.0.2.2 is not/],
    ['VNI 0', changed('5001', '0'), /subnets.a.vni: this must be a whole number from 1 to 16777215, not '0'/],
    ['VNI of 25 bits', changed('5001', '16777216'), /from 1 to 16777215, not '16777216'/],
    ['VNI twice', changed('5002', '5001'), /customers.blue.subnets.a.vni: VNI 5001 is red\/a's; a VNI belongs to one subnet/],
    [
      'no network',
      changed('{ vni: 5002, network: 10.0.0.0/24 }', '{ vni: 5002 }'),
      /customers.blue.subnets.a: 'network' \(IPv4\) or 'network6'/,
    ],
    ['wrong family', changed("'fd00::/64'", '10.1.0.0/16'), /network6: 10.1.0.0\/16 is IPv4; this must be an IPv6 network/],
    [
      'overlap',
      changed("'fd00::/64' }", "'fd00::/64' }, b: { vni: 7, network: 10.0.0.128/25 }"),
      /subnets.b.network: 10.0.0.128\/25 overlaps 10.0.0.0\/24 of red\/a/,
    ],
    ['no such host', changed('host: h2', 'host: h9'), /guests.g2.host: there is no host 'h9'; expected one of h1, h2, h3/],
    [
      'no such subnet',
      changed('subnet: blue/a', 'subnet: blue/b'),
      /guests.g3.subnet: there is no subnet 'blue\/b'; did you mean 'blue\/a'\?/,
    ],
    ['guest outside', changed('address: 10.0.0.1', 'address: 10.0.1.1'), /10.0.1.1 is not for a machine in red\/a \(10.0.0.0\/24\)/],
    ['octal', changed('address: 10.0.0.1', 'address: 010.0.0.1'), /'010.0.0.1' is not an IPv4 address: '010' has a leading zero/],
    [
      'guest address twice',
      changed('{ host: h1, subnet: red/a }', '{ host: h1, subnet: red/a, address: 10.0.0.1 }'),
      /guests.g2.address: g1 has this address in red\/a/,
    ],
    [
      'no such family',
      changed('subnet: blue/a', "subnet: blue/a, address6: 'fd00::1'"),
      /guests.g3.address6: subnet blue\/a has no IPv6 network/,
    ],
    ['vtag alone', `${good}links: { w: { host: h1, vtag: 12 } }`, /links.w.vtag: a tag is the uplink's/],
    [
      'two uplinks',
      `${good}links: { w: { host: h1, uplink: red/a }, v: { host: h1, uplink: red/a } }`,
      /links.v: w is the uplink of red on h1/,
    ],
    ['no truth value', changed('red: { subnets', 'red: { router: 1, subnets'), /customers.red.router: this must be true or false, not '1'/],
    [
      'a gateway that nobody is',
      changed('network: 10.0.0.0/24 }', 'network: 10.0.0.0/24, gateway: 10.0.0.9 }'),
      /subnets.a.gateway: nobody answers for a gateway here; give the customer 'router: true'/,
    ],
    [
      'gateway outside',
      changed('blue: { subnets: { a: { vni: 5002,', 'blue: { router: true, subnets: { a: { vni: 5002, gateway: 10.0.1.1,'),
      /subnets.a.gateway: 10.0.1.1 is not for a machine in blue\/a/,
    ],
    [
      "a guest with the gateway's address",
      changed('red: { subnets', 'red: { router: true, subnets'),
      /guests.g2.address: the gateway has this address in red\/a/,
    ],
    [
      'DHCP without IPv4',
      changed("network: 10.0.0.0/24, network6: 'fd00::/64'", "dhcp: true, network6: 'fd00::/64'"),
      /the subnet needs a 'network'/,
    ],
    [
      'no such group',
      changed('{ host: h1, subnet: red/a }', '{ host: h1, subnet: red/a, groups: [web] }'),
      /guests.g1.groups\[0\]: there is no group of red 'web'/,
    ],
    [
      'a bad rule',
      changed('red: { subnets', 'red: { groups: { web: [{ id: 1, direction: in, ports: [80] }] }, subnets'),
      /customers.red.groups.web: \[0\] rule 1: protocol any has no ports/,
    ],
    [
      'a peer that is not a group',
      changed('red: { subnets', 'red: { groups: { web: [{ id: 1, direction: in, peers: [db] }] }, subnets'),
      /groups.web: \[0\] rule 1: 'db' is not .*; groups here: web/,
    ],
    [
      'a NAT without a router',
      `${good.replace('red: { subnets', 'red: { nat: { link: w, floats: { g1: 203.0.113.2 } }, subnets')}links: { w: { host: h1, address: 203.0.113.1/24 } }`,
      /customers.red.nat: a NAT serves a router; give customer red 'router: true'/,
    ],
    [
      "a public address that is the wire's",
      `${routed('nat: { link: w, floats: { g1: 203.0.113.1 } }')}links: { w: { host: h1, address: 203.0.113.1/24 } }`,
      /nat.floats.g1: link w has this address/,
    ],
    [
      "a public address of another's guest",
      `${routed('nat: { link: w, floats: { g3: 203.0.113.2 } }')}links: { w: { host: h1, address: 203.0.113.1/24 } }`,
      /nat.floats.g3: customer red has no guest 'g3'/,
    ],
    [
      'a wire without a network',
      `${routed('nat: { link: w, floats: { g1: 203.0.113.2 } }')}links: { w: { host: h1 } }`,
      /nat.link: link w must have an IPv4 address/,
    ],
  ]
  for (const [what, text, told] of cases)
    test(what, () => {
      const problems = problemsOf(text)
      assert.ok(
        problems.some((problem) => told.test(problem)),
        problems.join('\n') || 'nothing is told',
      )
    })
})

test('all problems of a file are told at once, in the order of the file', () => {
  const problems = problemsOf(changed('host: h1', 'host: h8').replace('host: h3', 'host: h9').replace('/29', '/29, mtu: x'))
  assert.ok(problems.length >= 1)
  const lines = problems.map((problem) => Number(problem.split(':')[1]))
  assert.deepEqual(
    lines,
    lines.toSorted((a, b) => a - b),
  )
})

test('a file that is not there is told with the way out', async () => {
  await assert.rejects(
    readLabFile('/nowhere/x.yaml'),
    /cannot read lab file \/nowhere\/x.yaml: there is no such file; the directory examples/,
  )
})
