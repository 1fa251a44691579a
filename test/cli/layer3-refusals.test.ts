/** Bad input for subnets, routers, groups and NAT, typed and in documents: what is said, and that nothing changes. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { generateId } from '#abi/id.ts'
import { runHere } from './in-process.ts'
import { PrivateVpcd } from './private-vpcd.ts'

const ethlink = generateId('ethlink')

let vpcd: PrivateVpcd

before(async () => {
  vpcd = await PrivateVpcd.start()
  vpcd.ok('ethlink', 'create', '--ethlink-id', ethlink)
  vpcd.ok('ethlink', 'connect', '--ethlink-id', ethlink, '--l2-name', 'em0')
})

after(() => vpcd[Symbol.asyncDispose]())

/** Objects by the letters that the lines below name them with. */
const layer3 = {
  S: generateId('vpcsw'),
  R: generateId('vpcrtr'),
  W: generateId('subnet'),
  D: generateId('subnet'),
  X: generateId('subnet'),
  P: generateId('vpcp'),
  G: generateId('group'),
  N: generateId('vpcnat'),
  M: generateId('vpcnat'),
} as const
const words = (line: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => (match[1] ?? match[2]!).replace(/\$(\w)/, (_, name: 'S') => layer3[name]))

const set = [
  'switch create --switch-id $S --vni 6001',
  'router create --router-id $R',
  'subnet create --subnet-id $W --switch-id $S --vni 6001 --prefix4 10.1.0.0/24 --prefix6 fd01::/64 --router-id $R --dhcp on',
  'subnet create --subnet-id $D --switch-id $S --vni 6002 --prefix4 10.2.0.0/24 --router-id $R',
  "router set --router-id $R --route '0.0.0.0/0 igw'",
  'group create --group-id $G --switch-id $S',
  'switch port add --switch-id $S --port-id $P',
  'switch port set --port-id $P --vni 6001 --address 10.1.0.5 --group $G',
  `nat create --nat-id $N --router-id $R --ethlink-id ${ethlink} --pool 203.0.113.0/28`,
  'nat float add --nat-id $N --address 203.0.113.5 --inside 10.1.0.5',
]

const rule = 'group rule add --group-id $G --rule 1 --direction in'
const odd = Array.from({ length: 600 }, (_, i) => 2 * i + 1).join(',')
/** What is typed, and what stands against it: the thing, its value and the way out. */
const mistyped: readonly (readonly [line: string, code: number, said: RegExp])[] = [
  ['subnet set --subnet-id $D --prefix4 10.1.0.128/25', 4, /10.1.0.128\/25 overlaps 10.1.0.0\/24 of subnet .*; choose another prefix/],
  [
    'subnet create --subnet-id $X --switch-id $S --vni 6003 --prefix4 10.2.0.0/16 --router-id $R',
    4,
    /10.2.0.0\/16 overlaps 10.2.0.0\/24 of/,
  ],
  ['subnet create --subnet-id $X --switch-id $S --vni 6002 --prefix4 10.3.0.0/24', 4, /VNI 6002 is subnet .*; choose another with --vni/],
  ['subnet set --subnet-id $W --prefix4 10.1.0.7/24', 2, /'10.1.0.7\/24' .* has host bits; the network is 10.1.0.0\/24/],
  ['subnet set --subnet-id $W --prefix4 fd01::/64', 2, /--prefix4: 'fd01::\/64' is not IPv4/],
  ['subnet set --subnet-id $W --prefix4 224.0.0.0/8', 1, /cannot have addresses of 224.0.0.0\/8; choose a network of your own/],
  ['subnet set --subnet-id $W --gateway4 10.2.0.1', 1, /10.2.0.1 is outside of 10.1.0.0\/24; choose one inside, or none/],
  ['subnet set --subnet-id $W --gateway4 10.1.0.255', 1, /10.1.0.255 is the broadcast address of 10.1.0.0\/24; choose another/],
  ['subnet set --subnet-id $W --gateway4 10.1.0.5', 4, /port .* has its gateway's address 10.1.0.5; choose another gateway/],
  ['subnet set --subnet-id $W --mtu 500', 1, /an MTU of 500: packets of IPv6 have 1280 bytes/],
  ["subnet set --subnet-id $W --guest-routes '10.0.0.0/8 via 10.2.0.1'", 1, /10.2.0.1 is outside of 10.1.0.0\/24; name a station/],
  ['subnet set --subnet-id $W --dns 192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4,192.0.2.5', 2, /5 servers are more than the 4 that/],
  [
    'router route add --router-id $R --prefix 10.9.0.0/16 --via 10.77.0.1',
    1,
    /'10.9.0.0\/16 via 10.77.0.1' .* no subnet .*; name a station/,
  ],
  [
    'router route add --router-id $R --prefix 10.9.0.0/16 --via 10.1.0.1',
    1,
    /10.1.0.1' .* no subnet of the router has that address for a station/,
  ],
  ['router route add --router-id $R --prefix 10.9.0.1/16 --blackhole', 2, /'10.9.0.1\/16' .* host bits; the network is 10.9.0.0\/16/],
  ['router route add --router-id $R --prefix fd09::/16 --via 10.1.0.5', 1, /10.1.0.5 is of another family than fd09::\/16/],
  ['router route add --router-id $R --prefix 10.9.0.0/16 --peer $R', 1, /that is the router itself; its own subnets need no route/],
  ['router route add --router-id $R --prefix 10.9.0.0/16 --blackhole --igw', 2, /give one of --via, --peer, --igw, --blackhole/],
  ['router route add --router-id $R --prefix 10.1.0.0/24 --blackhole', 1, /is subnet\d+, which the router has anyway; choose a longer/],
  [
    "router set --router-id $R --route '10.9.0.0/16 igw' --route '10.9.0.0/16 blackhole'",
    1,
    /10.9.0.0\/16 of table 0 .* twice; give it once/,
  ],
  [`${rule} --protocol icmp --ports 80`, 2, /protocol icmp has no ports, so the rule never matches; leave the ports out, or give tcp/],
  [`${rule} --protocol tcp --icmp 8`, 2, /protocol tcp has no ICMP types, so the rule never matches; give icmp or icmpv6/],
  [`${rule} --protocol tcp --ports 90-80`, 2, /the range 90-80 has no port in it; write 80-90/],
  [`${rule} --ports 80`, 2, /protocol any has no ports, so the rule never matches/],
  [`${rule} --protocol icmp --peer fd00::/8`, 2, /icmp never comes from fd00::\/8; the protocol for these peers is icmpv6/],
  [`${rule} --protocol tcp --peer 10.0.0.1/8`, 2, /'10.0.0.1\/8' .* the network is 10.0.0.0\/8/],
  [`${rule} --protocol http`, 2, /a protocol is any, icmp, tcp, .* not 'http'/],
  [`${rule} --protocol tcp --peer ${generateId('set')}`, 1, /there is no address set of that id; create it first/],
  [`${rule} --protocol tcp --ports ${odd}`, 1, /1200 bounds of port ranges .* table port_cuts has room for 1023/],
  [
    `switch port set --port-id $P ${Array.from({ length: 17 }, () => `--group ${generateId('group')}`).join(' ')}`,
    1,
    /a port can be in 16 groups, not 17; put their rules into fewer groups/,
  ],
  [`switch port set --port-id $P --group ${generateId('group')}`, 1, /there is no group .*; create it with vpc group create/],
  ['switch port set --port-id $P --address 10.1.0.1', 4, /10.1.0.1 is the gateway of subnet .*; give the port another address/],
  [
    "nat set --nat-id $N --float '203.0.113.5 to 10.1.0.5' --float '203.0.113.5 to 10.1.0.6'",
    4,
    /203.0.113.5 stands there for 10.1.0.5 already; give/,
  ],
  ['nat float add --nat-id $N --address 203.0.113.6 --inside 10.1.0.5', 4, /10.1.0.5 has 203.0.113.5 already; a station has one public/],
  [
    `nat create --nat-id $M --router-id $R --ethlink-id ${ethlink} --pool 203.0.113.0/28 --float '203.0.113.5 to 10.1.0.6'`,
    4,
    /has it for 10.1.0.5; choose/,
  ],
  [
    'nat float add --nat-id $N --address 203.0.113.77 --inside 10.1.0.6',
    1,
    /203.0.113.77 is none of its public addresses \(203.0.113.0\/28\); choose/,
  ],
  ['nat float add --nat-id $N --address 203.0.113.6 --inside 10.9.0.6', 1, /no subnet of router .* has 10.9.0.6; name a station/],
  ['nat set --nat-id $N --no-pool', 1, /203.0.113.5 to 10.1.0.5: vpcnat\d+ has no public addresses; give it some with vpc nat set --pool/],
  [
    `nat create --nat-id $M --router-id $R --ethlink-id ${ethlink} --shared 203.0.113.9`,
    1,
    /vpcnat\d+ has no public addresses; give it some with/,
  ],
  ['nat set --nat-id $N --shared 203.0.113.5', 4, /vpcnat\d+ .* has it for 10.1.0.5; choose another, or remove it there first/],
]

/** The same in a document: a part of the export, what it becomes, and what is said of its line. */
const misspelt: readonly (readonly [part: RegExp, instead: string, said: RegExp])[] = [
  [/10\.2\.0\.0\/24/, '10.1.0.128/25', /:\d+: subnets\[1\].*10.1.0.128\/25 overlaps 10.1.0.0\/24 of subnet/],
  [/(prefix6: .*)/, '$1\n    gateway4: 10.2.0.1', /:\d+: subnets\[0\].gateway4: .* outside of 10.1.0.0\/24; choose one inside/],
  [/(0.0.0.0\/0 igw")/, '$1, "10.9.0.0/16 via 10.77.0.1"', /:\d+: routers\[0\].routes: .* no subnet of the router has that address/],
  [/(0.0.0.0\/0 igw")/, '$1, "10.9.0.1/16 blackhole"', /:\d+: routers\[0\].routes\[1\]: .* the network is 10.9.0.0\/16/],
  [/(203.0.113.5 to 10.1.0.5")/, '$1, "203.0.113.5 to 10.1.0.6"', /:\d+: nats\[0\].floats: .* stands there for 10.1.0.5 already/],
  [/ +pool: .*\n/, '', /:\d+: nats\[0\].*vpcnat0 has no public addresses; give it some/],
  [
    /(groups:\n +- unit: group0)/,
    '$1\n    rules: [{ id: 1, direction: in, protocol: icmp, ports: [80] }]',
    /:\d+: groups\[0\].rules\[0\]: .*never matches/,
  ],
  [
    /groups: .*group0.*/,
    'groups: [group9]',
    /:\d+: switches\[0\].ports\[0\].groups: .group9. is neither the unit, the id nor the name of an object in this document/,
  ],
]

test('what does not fit in layer 3 is refused by its name and value, typed and in documents, and changes nothing', async () => {
  const here = (line: string) => runHere(vpcd.socket, words(line))
  const exported = async (): Promise<string> => (await here('export')).stdout
  for (const line of set) assert.equal((await here(line)).failure?.message, undefined, line)
  const before = await exported()
  const other: string[] = []
  for (const [line, code, said] of mistyped) {
    const { failure, ...ran } = await here(line)
    if (ran.code !== code || ran.stdout !== '' || !said.test(failure?.message ?? '')) other.push(`${line}: ${ran.code} ${failure?.message}`)
    assert.equal(await exported(), before, line)
  }
  const file = join(vpcd.directory, 'layer3.yaml')
  for (const [part, instead, said] of misspelt) {
    const document = before.replace(part, instead)
    assert.notEqual(document, before, String(part))
    writeFileSync(file, document)
    const { failure, code } = await here(`apply ${file}`)
    if (code === 0 || !said.test(failure?.message ?? '')) other.push(`${instead}: ${code} ${failure?.message}`)
    assert.equal(await exported(), before, instead)
  }
  assert.deepEqual(other, [], 'refused in other words')
  const moved = await here('nat float add --nat-id $N --address 203.0.113.5 --inside 10.1.0.6')
  assert.match(moved.stdout, /203.0.113.5 to 10.1.0.6 \(was 203.0.113.5 to 10.1.0.5\)/)
})
