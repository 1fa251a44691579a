/** `vpc export` and `vpc apply` against a real vpcd: what people read and write. Needs root. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc } from './run-vpc.ts'

const sw = 'da64c3f3-095d-91e5-df01-5aabcfc52468'
const port = 'fd436f9c-1f77-11e8-8002-0cc47a6c7d1e'
const hostif = '1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3'
const ethlink = '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e'
const mux = 'b1a7c2de-0c4d-4e57-9a05-3a2f5c6d7e80'

const whole = `# a comment
version: 1
ethlinks:
  - id: ${ethlink}
    l2-name: em0
muxes:
  - unit: vpcmux0
    id: ${mux}
    underlay: ${ethlink}
    listen: 192.0.2.1:4789
    entries:
      - { vni: 5001, mac: 00:00:00:00:00:00, vtep: 192.0.2.2 }
      - { vni: 5001, mac: "10:20:30:40:50:59", vtep: 192.0.2.2 }
hostifs:
  - { unit: hostif3, id: ${hostif} }
switches:
  - unit: vpcsw0
    id: ${sw}
    vni: 5001
    ports:
      - { id: ${port}, addresses: [10.0.0.1, "fd00::1"], interface: hostif3 }
    neighbours:
      - { vni: 5001, address: 10.0.0.9, mac: 02:00:00:00:00:09 }
`

let vpcd: PrivateVpcd
const ok = (line: string): string => vpcd.ok(...line.split(' '))

/** The path of a file with this text. */
function file(text: string): string {
  const path = join(vpcd.directory, 'host.yaml')
  writeFileSync(path, text)
  return path
}

before(async () => {
  vpcd = await PrivateVpcd.start()
})
after(() => vpcd[Symbol.asyncDispose]())

test('a document is planned, done, and then so already', () => {
  const path = file(whole)
  const plan = ok(`apply ${path} --dry-run`)
  assert.match(plan, /create +hostif3 +1f3e1cc2/)
  assert.match(plan, /create +vpcsw0 +da64c3f3-\S+ +vni 5001, neighbours -0 → \+1/)
  assert.deepEqual(vpcd.devices(), ['wire0', 'em0'])
  assert.match(ok(`apply ${path}`), /create +vpcp0 +fd436f9c/)
  assert.equal(ok(`apply ${path}`), 'nothing was done: the host matches the document\n')
  assert.equal(ok(`apply ${path} --dry-run`), 'a dry run: nothing would be done, the host matches the document\n')
  assert.match(ok('interface list'), /hostif3 .* 1550 +vpcp0/)
})

test('what is exported changes nothing, on this host and on one that was emptied', () => {
  const exported = ok('export')
  assert.match(exported, /^# The objects of a host/)
  assert.match(exported, / {6}- \{ vni: 5001, mac: "10:20:30:40:50:59", vtep: 192\.0\.2\.2 \}/)
  assert.equal(ok(`apply ${file(exported)}`), 'nothing was done: the host matches the document\n')
  const piped = runVpc(['apply', '-', '--json'], { env: vpcd.env, input: exported })
  assert.deepEqual(JSON.parse(piped.stdout), { dryRun: false, changed: false, changes: [] })
  assert.equal(
    runVpc(['apply', '-'], { env: vpcd.env, input: ok('export --json') }).stdout,
    'nothing was done: the host matches the document\n',
  )
  assert.match(
    vpcd.refused(4, 'apply', file('version: 1')),
    /the document lacks .*hostif3.*; nothing was done; to remove them: vpc apply --prune/,
  )
  assert.equal(ok('export'), exported)
  assert.match(ok(`apply ${file('version: 1')} --dry-run`), /a dry run: nothing was done; \d+ to remove \(with --prune\)\n$/)
  assert.match(ok(`apply ${file('version: 1')} --prune`), /done: \d+ removed\n$/)
  assert.deepEqual(vpcd.devices(), ['wire0', 'em0'])
  ok(`apply ${file(exported)}`)
  assert.equal(ok('export'), exported)
})

test('a change tells what was and what is', () => {
  const path = file(
    whole.replace('vni: 5001\n    ports', 'vni: 5002\n    ports').replace('addresses: [10.0.0.1, "fd00::1"], ', 'vlan: 7, '),
  )
  const plan = ok(`apply ${path} -n`)
  assert.match(plan, /change +vpcsw0 +\S+ +vni 5001 → 5002\n/)
  assert.match(plan, /change +vpcp0 +\S+ +vni 5001 → 5002, vlan 0 → 7, addresses 10.0.0.1 fd00::1 → -\n/)
  ok(`apply ${path}`)
  assert.match(ok('switch port list'), / 5002 +7 /)
  ok(`apply ${file(whole)}`)
})

test('a bad file is named with its line and key, and nothing is done', () => {
  const before = ok('export')
  const bad: readonly (readonly [from: string | RegExp, to: string, says: RegExp])[] = [
    ['vni: 5001\n    ports', 'vin: 5001\n    ports', /host\.yaml:19: switches\[0\]\.vin: unknown key 'vin'; expected one of id, unit/],
    ['192.0.2.1:4789', '192.0.2.1', /:10: muxes\[0\]\.listen: '192\.0\.2\.1' has no port/],
    ['interface: hostif3', 'interface: hostif4', /:21: switches\[0\]\.ports\[0\]\.interface: 'hostif4' is neither/],
    ['version: 1', 'version: 2', /:2: version: this is written for version 2; this vpcd reads version 1/],
    [hostif, sw, /:15: hostifs\[0\]\.id: id da64c3f3-\S+ is the id of a switch/],
    ['l2-name: em0', 'l2-name: [em0', /:\d+: this is not YAML: /],
    [/^.*$/s, '', /:1: version: 'version' must be given/],
    [
      'listen: 192.0.2.1:4789',
      'listen: 192.0.2.99:4789',
      /:10: muxes\[0\]\.listen: cannot listen on 192\.0\.2\.99:4789 .* does not have address/,
    ],
    ['l2-name: em0', 'l2-name: em7', /:5: ethlinks\[0\]\.l2-name: cannot connect ethlink0 to interface em7/],
    [/hostif3/g, 'hostif5', /:15: hostifs\[0\]\.unit: cannot make it hostif5: 1f3e1cc2-\S+ is hostif3 on this host/],
  ]
  for (const [from, to, says] of bad) {
    const ran = vpcd.vpc('apply', file(whole.replace(from, to)))
    assert.notEqual(ran.code, 0, String(says))
    assert.match(ran.stderr, says)
  }
  assert.equal(ok('export'), before)
})

test('a document of an owner makes and removes what is its own', () => {
  const own = '2f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c4'
  const before = ok('export')
  const path = file(`version: 1\nhostifs:\n  - id: ${own}\n`)
  assert.match(ok(`apply ${path} --owner agent`), new RegExp(`create +hostif\\d +${own} +owner agent`))
  assert.match(ok(`apply ${path} --owner agent`), /nothing was done/)
  const exported = ok('export --owner agent')
  assert.match(exported, new RegExp(`owner: agent\\n\\nhostifs:\\n  - unit: hostif\\d\\n    id: ${own}\\n`))
  assert.match(vpcd.refused(1, 'apply', '/etc'), /cannot read '\/etc': it is a directory/)
  assert.match(vpcd.refused(2, 'apply', file(exported), '--owner', 'other'), /--owner=other and 'owner: agent' of the document differ/)
  assert.match(ok(`apply ${file('version: 1\nowner: agent\nprune: true\n')}`), new RegExp(`remove +hostif\\d +${own}`))
  assert.equal(ok('export'), before)
})
