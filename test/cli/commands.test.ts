/** Commands against a real vpcd: what they change, print, and give as JSON. Needs root. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadTree } from '#cli/load.ts'
import { outputs } from '#cli/schema/outputs.ts'
import { jsonHere } from './in-process.ts'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc } from './run-vpc.ts'

const sw = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
const port = 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e'
const hostif = '1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3'
const vmnic = '07f95a11-6788-2ae7-c306-ba95cff1db38'
const ethlink = '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e'
const mux = 'b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80'

let vpcd: PrivateVpcd
const ok = (line: string): string => vpcd.ok(...line.split(' '))
const json = <T>(line: string): T => JSON.parse(ok(`${line} --json`)) as T

before(async () => {
  vpcd = await PrivateVpcd.start()
  ok(`switch create --switch-id ${sw} --vni 5001`)
  ok(`switch port add --switch-id ${sw} --port-id ${port}`)
  ok(`hostif create --hostif-id ${hostif}`)
  ok(`vmnic create --vmnic-id ${vmnic}`)
})

after(() => vpcd[Symbol.asyncDispose]())

test('a port gets the VNI of its switch, and its own settings all at once', () => {
  const settings = `--vni 5002 --vlan 7 --address 10.0.0.1 --address FD00::1 --antispoof off --held on`
  assert.equal(
    ok(`switch port set --port-id ${port} ${settings}`),
    `vpcp0 (${port}): vni 5002 (was 5001), vlan 7 (was 0), addresses 10.0.0.1, fd00::1 (was none), antispoof off (was on), held on (was off)\n`,
  )
  assert.match(ok(`switch port set --port-id ${port} ${settings}`), /^unchanged: vpcp0 /)
  assert.equal(
    ok('switch port list'),
    ' ID                                    UNIT NAME  SWITCH   VNI  VLAN  INTERFACE  UPLINK  ANTISPOOF  PASSES  MACS  HELD  ADDRESSES\n' +
      ` ${port}  vpcp0      vpcsw0  5002     7  -          no      off        -       -     yes   10.0.0.1 fd00::1\n`,
  )
  assert.match(ok(`switch port set --port-id ${port} --no-address --antispoof on --vni 5001 --vlan 0 --held off`), /addresses none/)
})

test('a port says what passes, and which MACs are behind it', () => {
  const settings = '--mac 02:00:00:00:09:02 --mac 02:00:00:00:09:01 --any-ethertype on --vrrp on'
  assert.equal(
    ok(`switch port set --port-id ${port} ${settings}`),
    `vpcp0 (${port}): any-ethertype on (was off), vrrp on (was off), macs 02:00:00:00:09:01, 02:00:00:00:09:02 (was none)\n`,
  )
  assert.match(ok('switch port list'), /on +any-ethertype vrrp +02:00:00:00:09:01 02:00:00:00:09:02 +no +any\n/)
  assert.match(ok(`switch port set --port-id ${port} --no-mac --any-ethertype off --vrrp off`), /macs none/)
  const { code, stderr } = runVpc(['switch', 'port', 'set', '--port-id', port, '--mac', '02:00:00:00:09:01', '--no-mac'])
  assert.deepEqual([code, stderr.includes('--mac and --no-mac exclude each other')], [2, true])
})

test('a port says what it is held to, and takes rates as people write them', () => {
  const { code, stderr } = runVpc(['switch', 'port', 'set', '--port-id', port, '--rate-out', '100mb'])
  assert.deepEqual([code, stderr.includes("'100mb' is not a number of bytes a second, with k, m or g behind it")], [2, true])
  assert.equal(
    ok(`switch port set --port-id ${port} --rate-out 100m --rate-in 1gbit --packet-rate-in 20k`),
    `vpcp0 (${port}): rate-out 100000000 (was 0), rate-in 125000000 (was 0), packet-rate-in 20000 (was 0)\n`,
  )
  assert.match(ok('export'), /rate-out: 100000000\n +rate-in: 125000000\n +packet-rate-in: 20000\n/)
  ok(`switch port set --port-id ${port} --rate-out 0 --rate-in 0 --packet-rate-in 0`)
})

test('a switch is set down and up', () => {
  assert.equal(
    ok(`switch set --switch-id ${sw} --down --flood-unknown on`),
    `vpcsw0 (${sw}): flood-unknown on (was off), up off (was on)\n`,
  )
  const [info] = json<{ up: boolean; floodUnknown: boolean; vni: number }[]>('switch list')
  assert.deepEqual([info!.up, info!.floodUnknown, info!.vni], [false, true, 5001])
  ok(`switch set --switch-id ${sw} --up --flood-unknown off`)
  assert.match(ok(`switch set --switch-id ${sw} --up`), /^unchanged/)
})

test('a connection is made, is so already, and is taken back', () => {
  const ids = `--port-id ${port} --interface-id ${hostif}`
  assert.equal(ok(`switch port connect ${ids}`), `vpcp0 (${port}) is connected to hostif0 (${hostif})\n`)
  assert.match(ok(`switch port connect ${ids}`), /^unchanged/)
  assert.match(ok('interface list'), new RegExp(`hostif +${hostif} +hostif0 +4a:6d:2a:d1:f0:c3 +1500 +vpcp0`))
  assert.match(ok(`switch port disconnect ${ids}`), /is disconnected from hostif0/)
  assert.match(ok(`switch port disconnect ${ids}`), /^unchanged/)
})

test('neighbours are set, read, listed and deleted', () => {
  const at = `--switch-id ${sw}`
  assert.equal(
    ok(`switch neighbour set ${at} --vni 5001 --address 10.0.0.2 --mac 02:00:5e:10:00:02`),
    `vpcsw0 (${sw}): 10.0.0.2 of VNI 5001 is 02:00:5e:10:00:02\n`,
  )
  const list = ok(`sw neighbor ls ${at}`)
  assert.equal(list, ' VNI   ADDRESS   MAC                FLAGS\n 5001  10.0.0.2  02:00:5e:10:00:02  -\n')
  assert.equal(ok(`switch neighbour get ${at} --vni 5001 --address 10.0.0.2`), '02:00:5e:10:00:02\n')
  const del = `switch neighbour del ${at} --vni 5001 --address 10.0.0.2`
  assert.match(ok(del), /deleted 1 neighbour/)
  assert.match(ok(del), /^unchanged/)
  // The command reads its own output, and a file of it deletes what it set.
  const { code } = runVpc(['switch', 'neighbour', 'set', '--switch-id', sw, '--file', '-'], { env: vpcd.env, input: list })
  assert.equal(code, 0)
  assert.equal(ok(`switch neighbour list ${at}`), list)
  writeFileSync(join(vpcd.directory, 'neighbours'), list)
  assert.match(ok(`switch neighbour del ${at} --file ${join(vpcd.directory, 'neighbours')}`), /deleted 1/)
  assert.match(
    vpcd.refused(1, ...`switch neighbour get ${at} --vni 5001 --address 10.0.0.2`.split(' ')),
    /has no neighbour 10.0.0.2 in VNI 5001/,
  )
})

test('a mux gets its underlay and listens, and shows both', () => {
  ok(`mux create --mux-id ${mux}`)
  ok(`ethlink create --ethlink-id ${ethlink}`)
  ok(`ethlink connect --ethlink-id ${ethlink} --l2-name em0`)
  assert.equal(ok(`mux connect --mux-id ${mux} --interface-id ${ethlink}`), `vpcmux0 (${mux}) is connected to ethlink0 (${ethlink})\n`)
  assert.match(ok(`mux con -M ${mux} -I ${ethlink}`), /^unchanged/)
  ok(`mux listen --mux-id ${mux} --listen-addr 192.0.2.1:4789`)
  assert.match(ok(`mux listen --mux-id ${mux} --listen-addr 192.0.2.1:4789`), /^unchanged/)
  const shown = ok(`mux show --mux-id ${mux}`)
  assert.match(shown, / underlay +ethlink0\n listen address +192.0.2.1\n listen port +4789\n/)
  // The underlay's 1600 less what VXLAN adds.
  assert.match(ok(`hostif get --hostif-id ${hostif}`), / mtu +1550, from the underlay\n/)
})

test('forwarding entries: one, many from a file, none half done', () => {
  const at = `--mux-id ${mux}`
  ok(`mux fte set ${at} --vni 5001 --mac 02:00:5e:10:00:02 --vtep 192.0.2.2 --forward`)
  ok(`mux fte set ${at} --vni 5001 --mac 00:00:00:00:00:00 --vtep 192.0.2.2`)
  ok(`mux fte set ${at} --vni 5001 --mac 00:00:00:00:00:00 --vtep 192.0.2.3`)
  assert.equal(ok(`mux ft get ${at} --vni 5001 --mac 00:00:00:00:00:00`).split('\n').toSorted().join(' '), ' 192.0.2.2 192.0.2.3')
  assert.match(ok(`mux fte del ${at} --vni 5001 --mac 00:00:00:00:00:00 --vtep 192.0.2.3`), /deleted 1 entry/)
  assert.match(ok(`mux fte del ${at} --vni 5001 --mac 00:00:00:00:00:00 --vtep 192.0.2.3`), /^unchanged/)
  const list = ok(`mux fte list ${at}`)
  assert.equal(
    list,
    ' VNI   MAC                VTEP       FLAGS\n 5001  00:00:00:00:00:00  192.0.2.2  -\n 5001  02:00:5e:10:00:02  192.0.2.2  forward\n',
  )

  // The command reads its own output, flags included.
  const file = join(vpcd.directory, 'entries')
  writeFileSync(file, list)
  assert.match(ok(`mux fte set ${at} --file ${file}`), /2 entries set/)
  assert.equal(ok(`mux fte list ${at}`), list)
  assert.match(ok(`mux fte clear-used ${at}`), /no entry counts as used/)
  assert.match(ok(`switch neighbour clear-used --switch-id ${sw}`), /no neighbour counts as used/)
  const mac = (n: number): string =>
    `02:00:00:${[n >> 16, (n >> 8) & 255, n & 255].map((byte) => byte.toString(16).padStart(2, '0')).join(':')}`
  const lines = Array.from({ length: 20_000 }, (_, n) => `5001 ${mac(n)} 192.0.2.${2 + (n % 200)}`)
  writeFileSync(file, `# many\n\n${lines.join('\n')}\n`)
  assert.equal(ok(`mux fte set ${at} --file ${file}`), `vpcmux0 (${mux}): 20000 entries set\n`)
  assert.equal(json<unknown[]>(`mux fte list ${at}`).length, 20_002)

  writeFileSync(file, `5001 ${mac(1)} 192.0.2.9\n5001 nonsense 192.0.2.9\n`)
  assert.equal(
    vpcd.refused(2, 'mux', 'fte', 'set', '--mux-id', mux, '--file', file),
    `vpc: ${file}, line 2: MAC: 'nonsense' is not a MAC address; one looks like 02:00:5e:10:00:01`,
  )
  assert.equal(ok(`mux fte get ${at} --vni 5001 --mac ${mac(1)}`), '192.0.2.3\n')
  writeFileSync(file, lines.join('\n'))
  assert.match(ok(`mux fte del ${at} --file ${file}`), /deleted 20000 entries/)
  assert.equal(ok(`mux fte list ${at}`), list)
})

test('a vmnic is frozen with its settings', () => {
  assert.equal(ok(`vmnic set --vmnic-id ${vmnic} --mtu 1550`), `vmnic0 (${vmnic}): mtu 1550 (was 1550, from the underlay)\n`)
  assert.match(ok(`vmnic set --vmnic-id ${vmnic} --mtu 1550`), /^unchanged/)
  ok(`vmnic set --vmnic-id ${vmnic} --num-queues 2 --mtu 1400 --freeze`)
  assert.equal(ok(`vmnic get -N ${vmnic} -n`), '2\n')
  assert.match(vpcd.refused(4, ...`vmnic set --vmnic-id ${vmnic} --num-queues 1`.split(' ')), /frozen; unfreeze it first$/)
  ok(`vmnic set --vmnic-id ${vmnic} --unfreeze --num-queues 1`)
  assert.match(ok('vmnic list'), new RegExp(`${vmnic} +vmnic0 +ba:95:cf:f1:db:38 +1400 +1 +no +-`))
})

test('settings that are refused half-way are all taken back', () => {
  const { code, stderr } = vpcd.vpc('switch', 'port', 'set', '--port-id', port, '--vlan', '9', '--address', '0.0.0.0')
  assert.equal(code, 1)
  assert.match(stderr, /^vpc: .*0\.0\.0\.0/)
  const [info] = json<{ vlan: number; addresses: string[] }[]>('switch port list')
  assert.deepEqual([info!.vlan, info!.addresses], [0, []])
})

test('an ethlink shows and takes its tag', () => {
  assert.equal(ok(`ethlink vtag --ethlink-id ${ethlink}`), '0\n')
  assert.equal(ok(`ethlink vlan -E ${ethlink} -s 42`), `ethlink0 (${ethlink}): vtag 42 (was 0)\n`)
  assert.equal(ok(`ethlink vtag -E ${ethlink} -g`), '42\n')
  assert.match(
    ok(`ethlink get ${ethlink}`),
    / unit name +ethlink0\n name +none\n id .*\n interface +em0\n vlan tag +42\n mac .*\n mtu .*\n port +none\n/,
  )
  assert.match(ok('ethlink set ethlink0 --vtag 42'), /^unchanged: ethlink0/)
  assert.equal(ok('ethlink set ethlink0 --vtag 0'), `ethlink0 (${ethlink}): vtag 0 (was 42)\n`)
  assert.match(vpcd.refused(2, 'ethlink', 'set', 'ethlink0'), /nothing to set; give --vtag/)
})

test('what one object says of others has their names', () => {
  ok(`switch port connect --port-id ${port} --interface-id ${hostif}`)
  ok(`name ${port} web`)
  assert.match(ok('hostif get hostif0'), / port +web \(vpcp0\)\n/)
  assert.match(ok(`switch get ${sw}`), / name +none\n[^]* ports +web \(vpcp0\)\n/)
  assert.match(ok('switch port get web'), / name +web\n[^]* switch +vpcsw0\n interface +hostif0\n[^]* antispoof +on\n/)
  ok('name web none')
  ok(`switch port disconnect --port-id ${port} --interface-id ${hostif}`)
})

test('counters, drops and the probe', () => {
  assert.match(ok('stats'), /^ UNIT +INTERFACE +RX PACKETS +RX BYTES +TX PACKETS/)
  assert.deepEqual(
    json<{ unit: string }[]>('stats')
      .map(({ unit }) => unit)
      .toSorted(),
    ['vpcmux0', 'vpcp0'],
  )
  assert.equal(ok('drops'), 'no packet was dropped\n')
  const results = json<{ name: string; state: string }[]>('doctor')
  assert.ok(results.some(({ name, state }) => name === 'tcx' && state === 'ok'))
})

// Each is typed twice: what it prints is as its schema says, and the second time it says that nothing changed.
const changes = [
  'switch create json --vni 7001',
  'switch set json --flood-unknown on',
  'switch port add json jp',
  'switch port add json ju',
  'switch port set jp --address 10.7.0.2 --vlan 3',
  'hostif create jh',
  'hostif set jh --mtu 1400',
  'switch port connect jp jh',
  'switch port disconnect jp jh',
  'vmnic create jv',
  'vmnic set jv --num-queues 2',
  'ethlink create je',
  'ethlink connect je --l2-name wire0',
  'ethlink vtag je -s 5',
  'switch port connect ju je',
  'switch port uplink json ju',
  'switch port remove json ju',
  'ethlink disconnect je',
  'mux create jm',
  'mux set vpcmux0 --direct off',
  'mux fte set vpcmux0 --vni 7001 --mac 02:00:00:00:70:01 --vtep 192.0.2.70',
  'mux fte del vpcmux0 --vni 7001 --mac 02:00:00:00:70:01',
  'switch neighbour set json --vni 7001 --address 10.7.0.9 --mac 02:00:00:00:70:01',
  'switch neighbour del json --vni 7001 --address 10.7.0.9',
  'router create jr',
  'router set jr --route 10.9.0.0/16_blackhole',
  'router route add jr --prefix 10.8.0.0/16 --blackhole',
  'router route del jr --prefix 10.8.0.0/16',
  'subnet create json js --prefix4 10.7.0.0/24 --router-id jr',
  'subnet set js --dhcp on',
  'group create json jg',
  'group set jg --on-revoke drain',
  'group rule add jg --rule 10 --direction in --protocol tcp --ports 80',
  'group rule del jg --rule 10',
  'group member add jg --address 10.7.0.8',
  'group member del jg --address 10.7.0.8',
  'address-set create json ja',
  'address-set set ja --network 192.0.2.0/24',
  'address-set add ja --network 198.51.100.0/24',
  'address-set remove ja --network 198.51.100.0/24',
  'nat create jn --router-id jr --pool 203.0.113.0/28',
  'nat set jn --via 192.0.2.71',
  'nat float add jn --address 203.0.113.3 --inside 10.7.0.2',
  'nat float remove jn --address 203.0.113.3',
  'switch port connect jp jh',
  'name vmnic1 jw',
  'switch neighbour set json --vni 7001 --address 10.7.0.8 --mac 02:00:00:00:70:02',
  'switch reset json',
  'mux disconnect vpcmux0',
]
const reads = [
  'list',
  'list -c',
  'switch list',
  'switch get json',
  'switch port list',
  'switch port get jp',
  'switch neighbour list json',
  'vmnic list',
  'vmnic get jw',
  'vmnic get jw --counters',
  'vmnic get jw -n',
  'vmnic genmac',
  'hostif list',
  'hostif get jh',
  'hostif genmac',
  'ethlink list',
  'ethlink vtag je',
  'ethlink get je',
  'interface list',
  'mux list',
  'mux show jm',
  'mux fte list vpcmux0',
  'subnet list',
  'subnet get js',
  'router list',
  'router get jr',
  'router route list jr',
  'group list',
  'group get jg',
  'group member list jg',
  'address-set list',
  'address-set get ja',
  'nat list',
  'nat get jn',
  'nat float list jn',
  'nat block list jn',
  'nat port list jn',
  'flow list',
  'stats',
  'drops',
  'drops --explain all',
  'drops --explain no_route',
  'doctor',
  'export',
  'version',
  'trace --port jp --to 10.7.0.9 --tcp 80',
]
const destroys = [
  'nat jn',
  'address-set ja',
  'group jg',
  'subnet js',
  'router jr',
  'mux jm',
  'ethlink je',
  'vmnic jw',
  'hostif jh',
  'switch json',
]

test('JSON is as vpc doc schema says, and says when nothing changed', async () => {
  const here = (line: string): Promise<any> => jsonHere(vpcd.socket, line)
  const wrong: string[] = []
  const tell = async (line: string, check: (value: any) => string | undefined): Promise<void> => {
    const problem = await here(line).then(check, (error: Error) => error.message)
    if (problem !== undefined) wrong.push(`${line}: ${problem}`)
  }
  for (const line of changes) {
    await tell(line, ({ changed }) => (changed === true ? undefined : `changed is ${changed} the first time`))
    await tell(line, ({ changed }) => (changed === false ? undefined : `changed is ${changed} the second time`))
  }
  for (const line of reads) await tell(line, () => undefined)
  for (const each of destroys) {
    const [kind, name] = each.split(' ')
    await tell(`${kind} destroy ${name}`, ({ changed }) => (changed === true ? undefined : 'it was there'))
  }
  assert.deepEqual(wrong, [])
})

test('every command has a schema, or prints no JSON', async () => {
  const commands = (await loadTree()).flatMap(({ path, command }) => (command === undefined ? [] : [path.join(' ')]))
  assert.deepEqual([...outputs.keys()].toSorted(), commands.toSorted())
  const all = JSON.parse(ok('doc schema')) as Record<string, { $schema: string }>
  assert.ok(Object.keys(all).length > 100)
  const one = JSON.parse(ok('doc schema sw ls')) as { type: string; items: { properties: object } }
  assert.deepEqual([one.type, 'floodUnknown' in one.items.properties], ['array', true])
  assert.match(vpcd.refused(2, 'doc', 'schema', 'exec'), /'exec' prints no JSON/)
})
