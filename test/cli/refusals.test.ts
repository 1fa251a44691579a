/** Bad input, each with its exact message and exit code: what an operator sees after a mistake. Needs root. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Vpc } from '#client/vpc.ts'
import { jsonHere, runHere } from './in-process.ts'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc, vpcPath } from './run-vpc.ts'

const sw = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
const port = 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e'
const port2 = 'ea58b648-203b-a707-cd02-7a552c8d5295'
const vmnic = '07f95a11-6788-2ae7-c306-ba95cff1db38'
const vmnic2 = '17f95a11-6788-2ae7-c306-aa95cff1db38'
const ethlink = '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e'
const ethlink2 = '6c4acd32-1b8d-11e8-b408-0ec47a6c7d1e'
const mux = 'b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80'

let vpcd: PrivateVpcd

before(async () => {
  vpcd = await PrivateVpcd.start()
  vpcd.ok('switch', 'create', '--switch-id', sw, '--vni', '5001')
  for (const id of [vmnic, vmnic2]) vpcd.ok('vmnic', 'create', '--vmnic-id', id)
  for (const id of [port, port2]) vpcd.ok('switch', 'port', 'add', '--switch-id', sw, '--port-id', id)
  vpcd.ok('switch', 'port', 'connect', '--port-id', port, '--interface-id', vmnic)
  for (const id of [ethlink, ethlink2]) vpcd.ok('ethlink', 'create', '--ethlink-id', id)
  vpcd.ok('ethlink', 'connect', '--ethlink-id', ethlink, '--l2-name', 'em0')
  vpcd.ok('mux', 'create', '--mux-id', mux)
})

after(() => vpcd[Symbol.asyncDispose]())

/** What is typed, the exit code, and the error without `vpc: `. */
type Row = readonly [what: string, line: string, code: number, message: string]

const rows: readonly Row[] = [
  [
    'a flow log into a folder that is not there',
    'flow log --file=/no-such-folder/flows.json',
    2,
    '--file: there is no directory /no-such-folder; make it, or name another file',
  ],
  [
    'a place of a flow log that is not there',
    'flow log --place=files=file:/no-such-folder/flows.json',
    2,
    '--place: there is no directory /no-such-folder; make it, or name another file',
  ],
  [
    'an id with the wrong type byte',
    `switch destroy --switch-id ${vmnic}`,
    2,
    `--switch-id: id ${vmnic} is the id of a vmnic (byte 9 is 6); for a switch use 07f95a11-6788-2ae7-c301-ba95cff1db38`,
  ],
  [
    'an id whose type byte is none',
    'switch destroy --switch-id da64c3f3-095d-91e5-df63-5aabcfc52468',
    2,
    `--switch-id: id da64c3f3-095d-91e5-df63-5aabcfc52468 byte 9 is 99, which is not a type; for a switch use ${sw}`,
  ],
  [
    'a multicast id',
    'vmnic create --vmnic-id 07f95a11-6788-2ae7-c306-bb95cff1db38',
    2,
    `--vmnic-id: id 07f95a11-6788-2ae7-c306-bb95cff1db38 has the multicast bit set in its MAC (byte 10); use ${vmnic}`,
  ],
  [
    'a VNI beyond 24 bits',
    `switch port set --port-id ${port} --vni 16777216`,
    2,
    "--vni: '16777216' is not a VNI; a VNI is a number from 0 to 16777215",
  ],
  [
    'an interface that does not exist',
    `ethlink connect --ethlink-id ${ethlink2} --l2-name nosuch0`,
    1,
    'cannot connect ethlink1 to interface nosuch0: this host has no interface of that name; it has wire0, em0',
  ],
  [
    'an interface that is wrapped already',
    `ethlink connect --ethlink-id ${ethlink2} --l2-name em0`,
    4,
    `cannot connect ethlink1 to interface em0: ethlink ethlink0 (${ethlink}) wraps it; destroy or disconnect that one first`,
  ],
  [
    'an ethlink that wraps another interface',
    `ethlink connect --ethlink-id ${ethlink} --l2-name wire0`,
    4,
    `ethlink0 (${ethlink}) is connected to em0; disconnect it first with vpc ethlink disconnect --ethlink-id=${ethlink}\n` +
      ' SETTING  ASKED  IS\n l2-name  wire0  em0',
  ],
  [
    'a port that is connected already',
    `switch port connect --port-id ${port} --interface-id ${vmnic2}`,
    4,
    `vpcp0 (${port}) is connected to vmnic0; disconnect it first with vpc switch port disconnect --port-id=${port} --interface-id=${vmnic}\n` +
      ` SETTING    ASKED                                 IS\n interface  ${vmnic2}  ${vmnic}`,
  ],
  [
    'an interface that is connected already',
    `switch port connect --port-id ${port2} --interface-id ${vmnic}`,
    4,
    `cannot connect vmnic0 to port vpcp1: it is connected to port vpcp0 (${port}); disconnect it there first`,
  ],
  [
    'disconnecting another interface',
    `switch port disconnect --port-id ${port} --interface-id ${vmnic2}`,
    4,
    `vpcp0 (${port}) is connected to vmnic0, not to ${vmnic2}\n` +
      ` SETTING    ASKED                                 IS\n interface  ${vmnic2}  ${vmnic}`,
  ],
  [
    'a listen address that the host does not have',
    `mux listen --mux-id ${mux} --listen-addr 198.51.100.7:4789`,
    1,
    'cannot listen on 198.51.100.7:4789 with vpcmux0: this host does not have address 198.51.100.7; it has 192.0.2.1',
  ],
  [
    'a listen address without a port',
    `mux listen --mux-id ${mux} --listen-addr 192.0.2.1`,
    2,
    "--listen-addr: '192.0.2.1' has no port; write 192.0.2.1:4789",
  ],
  [
    'a listen address that is a name',
    `mux listen --mux-id ${mux} --listen-addr h1:4789`,
    2,
    "--listen-addr: 'h1:4789' is not an address and port: 'h1' is not an IPv4 address",
  ],
  [
    'a switch that exists with another VNI',
    `switch create --switch-id ${sw} --vni 5002`,
    4,
    `vpcsw0 (${sw}) exists with other settings; change it with vpc switch set --switch-id=${sw}\n SETTING  ASKED  IS\n vni      5002   5001`,
  ],
  [
    'a vmnic that exists with another MAC',
    `vmnic create --vmnic-id ${vmnic} --mac 02:00:5e:10:00:01`,
    4,
    `vmnic0 (${vmnic}) exists with other settings; change it with vpc vmnic set --vmnic-id=${vmnic}\n` +
      ' SETTING  ASKED              IS\n mac      02:00:5e:10:00:01  ba:95:cf:f1:db:38',
  ],
  [
    'an object that does not exist',
    'vmnic get --vmnic-id 27f95a11-6788-2ae7-c306-ba95cff1db38',
    1,
    'there is no vmnic 27f95a11-6788-2ae7-c306-ba95cff1db38 on this host; create it first',
  ],
  ['a command that is none', 'switch port ad', 2, "there is no command 'switch port ad'; did you mean add?"],
  ['an option that is none', `switch create --swich-id ${sw}`, 2, 'switch create has no option --swich-id; did you mean --switch-id?'],
  [
    'an option left out',
    `switch port connect --port-id ${port}`,
    2,
    'switch port connect needs --interface-id; vpc list shows what there is, vpc switch port connect --help how to say it',
  ],
  [
    'nothing to set',
    `switch set --switch-id ${sw}`,
    2,
    'nothing to set; give --vni, --flood-unknown, --max-entries, --max-neighbours, --max-addresses, --up or --down',
  ],
  [
    'l2-name without uplink',
    `switch port add --switch-id ${sw} --port-id ${port} --l2-name em0`,
    2,
    '--l2-name and --ethlink-id are for an uplink; add --uplink',
  ],
]

for (const [what, line, code, message] of rows)
  test(what, () => {
    assert.equal(vpcd.refused(code, ...line.split(' ')), `vpc: ${message}`)
    const { stderr } = vpcd.vpc(...line.split(' '), '--json')
    const { error } = JSON.parse(stderr) as { error: { code: string; message: string } }
    assert.equal(error.message, message.split('\n')[0])
    assert.match(error.code, /^(usage|E[A-Z]+)$/)
  })

/** What people type, the exit code, and what they are told: all that a new user's walk found. */
const walk: readonly (readonly [line: string, code: number, said: RegExp])[] = [
  ['apply nothere.yaml', 1, /^cannot open 'nothere.yaml': there is no such file or directory$/],
  ['switch neighbour set vpcsw0 --file nothere', 1, /^cannot open 'nothere': there is no such file or directory$/],
  ['switch port set vpcp0 --ssh-key-file nothere', 2, /^--ssh-key-file: cannot read 'nothere': there is no such file or directory$/],
  ['doc man --man-dir /proc/x', 1, /^cannot make directory '\/proc\/x': there is no such file or directory$/],
  ['doc md --dir /proc/x', 1, /^cannot make directory '\/proc\/x'/],
  ['shell autocomplete bash --dir /proc/x', 1, /^cannot make directory '\/proc\/x'/],
  ['switch port set vpcp0 --vlan 4095', 2, /^--vlan: '4095' is not a whole number from 0 to 4094$/],
  ['mux fte set vpcmux0 --vni 1 --mac 02:00:00:00:00:01 --vtep 192.0.2.9:0', 2, /^--vtep: '192.0.2.9:0' has port 0; leave it out/],
  ['mux listen vpcmux0 --listen-addr 192.0.2.1:0', 2, /^--listen-addr: '192.0.2.1:0' has port 0; VXLAN has 4789$/],
  ['port list', 2, /^there is no command 'port'; did you mean vpc switch port( or vpc nat port)?\?$/],
  ['neighbour list', 2, /^there is no command 'neighbour'; did you mean vpc switch neighbour\?$/],
  ['switch neighbour list', 2, /^switch neighbour list needs --switch-id; vpc list shows what there is/],
  ['list -t foo', 2, /is not a type of object; types are .*switch.*router/],
  ['lab up nothere.yaml', 1, /^cannot read lab file nothere.yaml: there is no such file/],
  ['ethlink get red', 1, /^there is no ethlink red on this host; vpc list shows what there is/],
  ['ethlink steal red', 2, /^there is no command 'ethlink steal'/],
]

test('what a walk found is said in words, with the exit code that the table has', async () => {
  for (const [line, code, said] of walk) {
    const ran = await runHere(vpcd.socket, line.split(' '))
    assert.deepEqual([ran.code, ran.stdout], [code, ''], line)
    assert.match(ran.failure!.message, said, line)
  }
  const file = join(vpcd.directory, 'octal.yaml')
  writeFileSync(file, `version: 1\nswitches:\n  - id: ${sw}\n    vni: 010\n`)
  assert.match(vpcd.refused(1, 'apply', '--dry-run', file), /octal.yaml:4: 010 is ambiguous, since some read it as octal; write 10$/)
  assert.match(vpcd.vpc('exec', './nothere').stderr, /^vpc: cannot start '.\/nothere': there is no such file or directory\n$/)
  const nobody = runVpc(['doc', 'man', '--man-dir', join(vpcd.directory, 'x')], { uid: 65534 })
  assert.deepEqual([nobody.code, nobody.stdout], [5, ''])
  assert.match(nobody.stderr, /^vpc: cannot make directory '.*': permission denied\n$/)
  for (const name of ['issuer', 'api', 'docker-driver']) {
    const listen = name === 'docker-driver' ? [`--listen=${join(vpcd.directory, 'driver.sock')}`] : []
    const { code, stdout, stderr } = runVpc([name, `--state-dir=${vpcd.directory}`, ...listen], { uid: 65534 })
    assert.deepEqual([name, code, stdout, / (permission denied|EACCES)/.test(stderr)], [name, 5, '', true], stderr)
  }
  const lab = runVpc(['lab', 'up', fileURLToPath(new URL('../../examples/two-hosts.yaml', import.meta.url))], { uid: 65534 })
  assert.deepEqual([lab.code, /a lab needs root/.test(lab.stderr)], [5, true], lab.stderr)
  assert.match(vpcd.ok('-v'), /^vpc \d/)
})

test('an address in another form, a MTU given back and a guest that runs are as people expect', async () => {
  const here = (line: string): Promise<any> => jsonHere(vpcd.socket, line)
  const set = await here('switch port set vpcp1 --address ::ffff:10.0.0.1')
  assert.deepEqual(set.object.addresses, ['10.0.0.1'])
  assert.equal((await here('switch port set vpcp1 --address 10.0.0.1')).changed, false)
  await here('switch port set vpcp1 --no-address')
  const usual = (await here('vmnic get vmnic1')).mtuBytes
  await here('vmnic set vmnic1 --mtu 1400')
  const back = await here('vmnic set vmnic1 --mtu auto')
  assert.deepEqual([back.changed, back.object.mtuSet, back.object.mtuBytes], [true, false, usual])
  assert.equal((await here('vmnic set vmnic1 --mtu auto')).changed, false)
  await here('mux connect vpcmux0 ethlink0')
  await here('mux listen vpcmux0 --listen-addr 192.0.2.1:4789')
  const own = await runHere(vpcd.socket, 'mux fte set vpcmux0 --vni 1 --mac 02:00:00:00:00:01 --vtep 192.0.2.1'.split(' '))
  assert.match(own.failure!.message, /192.0.2.1 is where vpcmux0 .* itself listens/)
  await here('mux disconnect vpcmux0')
  const holder = spawn(
    'nsenter',
    [`--net=/run/netns/${vpcd.netns}`, vpcPath, 'vmnic', 'exec', '--vmnic-id', 'vmnic1', '--', 'sleep', '600'],
    {
      env: { ...process.env, ...vpcd.env },
      stdio: 'ignore',
    },
  )
  try {
    const client = new Vpc({ socketPath: vpcd.socket })
    await using nic = await client.openVmnic(vmnic2)
    for (let i = 0; (await nic.openQueues()) === 0; i++) {
      assert.ok(i < 800, 'the program has the queue open')
      await sleep(25)
    }
    const kept = await runHere(vpcd.socket, ['vmnic', 'destroy', 'vmnic1'])
    assert.deepEqual([kept.code, /is open in a hypervisor; stop its guest first, or give --force/.test(kept.failure!.message)], [4, true])
  } finally {
    holder.kill('SIGKILL')
  }
})

test('what was refused changed nothing', () => {
  assert.equal(
    vpcd.ok('list', '-c'),
    ' TYPE     COUNT\n ethlink      2\n vmnic        2\n vpcmux       1\n vpcp         2\n vpcsw        1\n   TOTAL     8\n',
  )
})

test('a vpcd that is not there', () => {
  const socket = join(vpcd.directory, 'nowhere.sock')
  const { code, stdout, stderr } = runVpc(['list', '--socket', socket])
  const message = `cannot reach vpcd on ${socket}: there is no such socket; start it with \`vpc daemon\`, or set VPC_SOCKET to the socket of the one that runs`
  assert.deepEqual([code, stdout, stderr], [3, '', `vpc: ${message}\n`])
  const json = runVpc(['list', '--json', '--socket', socket])
  assert.deepEqual(JSON.parse(json.stderr), { error: { code: 'unreachable', message } })
})

test('no privileges', () => {
  chmodSync(vpcd.directory, 0o755)
  const nobody = runVpc(['list'], { env: vpcd.env, uid: 65534 })
  const why = `cannot reach vpcd on ${vpcd.socket}: this user may not use it; run this as root or as a member of the group of the socket`
  assert.deepEqual([nobody.code, nobody.stderr], [5, `vpc: ${why}\n`])
  const daemon = runVpc(['daemon', '--run-dir', join(vpcd.directory, 'r2'), '--state-dir', join(vpcd.directory, 's2')], { uid: 65534 })
  assert.equal(daemon.code, 5)
  assert.match(daemon.stderr, /^vpc: .*user 65534 without .*; run it as root, or give it these capabilities/ms)
})

test('a second vpcd on the same directories', () => {
  const places = ['--run-dir', join(vpcd.directory, 'run'), '--state-dir', join(vpcd.directory, 'state'), '--bpffs', vpcd.bpffs]
  const { code, stderr } = vpcd.vpc('daemon', ...places, '-l', 'error')
  assert.equal(code, 1)
  assert.match(stderr, /^vpc: another vpcd, process \d+, uses /)
})

test('a hostif whose container took it along', async () => {
  const id = '1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3'
  const create = ['hostif', 'create', '--hostif-id', id]
  vpcd.ok(...create)
  execFileSync('ip', ['-n', vpcd.netns, 'link', 'delete', 'hostif0'])
  while (!vpcd.ok('hostif', 'get', '--hostif-id', id).includes('missing')) await sleep(50)
  assert.match(
    vpcd.refused(4, ...create),
    /hostif0 .* exists, but its device was deleted.*vpc audit --repair\n SETTING +ASKED +IS\n device +hostif0 +missing$/,
  )
  vpcd.ok('audit', '--repair')
  assert.match(vpcd.ok(...create), /^unchanged: /)
  vpcd.ok('hostif', 'destroy', '--hostif-id', id)
})
