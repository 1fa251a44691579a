/**
 * The original's example, exactly as in its documentation, against a real vpcd: once, twice, and taken down twice.
 * Needs root.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'

const setUp = `
vpc switch create --vni=123 --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468
vpc vmnic create --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38
vpc vmnic set --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38 --num-queues=2
vpc switch port add --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468 --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e
vpc switch port connect --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --interface-id=07f95a11-6788-2ae7-c306-ba95cff1db38
vpc switch port add --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468 --port-id=ea58b648-203b-a707-cd02-7a552c8d5295 --uplink --l2-name=em0 --ethlink-id=5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e
vpc vmnic get --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38
`

const takeDown = `
vpc ethlink destroy --ethlink-id=5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e
vpc switch port disconnect --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e --interface-id=07f95a11-6788-2ae7-c306-ba95cff1db38
vpc vmnic destroy --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38
vpc switch port remove --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468 --port-id=fd436f9c-1f77-11e8-8002-0cc47a6c7d1e
vpc switch destroy --switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468
`

const listed = ` TYPE     ID                                    UNIT NAME  IN
 ethlink  5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e  ethlink0   vpcp1
 vmnic    07f95a11-6788-2ae7-c306-ba95cff1db38  vmnic0     vpcp0
 vpcp     ea58b648-203b-a707-cd02-7a552c8d5295  vpcp1      vpcsw0
 vpcp     fd436f9c-1f77-11e8-8002-0cc47a6c7d1e  vpcp0      vpcsw0
 vpcsw    da64c3f3-095d-91e5-df01-5aabcfc52468  vpcsw0     -
   TOTAL                    5
`

const id = {
  switch: 'da64c3f3-095d-91e5-df01-5aabcfc52468',
  uplink: 'ea58b648-203b-a707-cd02-7a552c8d5295',
  ethlink: '5c4acd32-1b8d-11e8-b408-0cc47a6c7d1e',
  vmnic: '07f95a11-6788-2ae7-c306-ba95cff1db38',
}

/** Run lines as a script that ends with the first command that fails. Gives its output, a line each. */
function shell(vpcd: PrivateVpcd, script: string): string[] {
  const { status, stdout, stderr } = spawnSync('sh', ['-e', '-c', script], { encoding: 'utf8', env: { ...process.env, ...vpcd.env } })
  assert.deepEqual([status, stderr], [0, ''])
  return stdout.trimEnd().split('\n')
}

const vmnicShown = [
  ' unit name  vmnic0',
  ' name       none',
  ` id         ${id.vmnic}`,
  ' device     vmnic0',
  ' mac        ba:95:cf:f1:db:38',
  ' mtu        1500, from the underlay',
  ' queues     2',
  ' frozen     no',
  ' owner      root',
  ' port       vpcp0',
]

test('the example of the original runs as it stands, and again without harm', async () => {
  await using vpcd = await PrivateVpcd.start()
  const before = vpcd.devices()

  const first = shell(vpcd, setUp)
  assert.deepEqual(first.slice(6), vmnicShown)
  assert.deepEqual(first.slice(0, 6), [
    `created vpcsw0 (${id.switch})`,
    `created vmnic0 (${id.vmnic})`,
    `vmnic0 (${id.vmnic}): queues 2 (was 1)`,
    `port fd436f9c-1f77-11e8-8002-0cc47a6c7d1e is in vpcsw0 (${id.switch})`,
    `vpcp0 (fd436f9c-1f77-11e8-8002-0cc47a6c7d1e) is connected to vmnic0 (${id.vmnic})`,
    `port ${id.uplink} is the uplink of vpcsw0 (${id.switch})`,
  ])
  assert.equal(vpcd.ok('list'), listed)
  assert.deepEqual(vpcd.devices().toSorted(), [...before, 'vmnic0', 'vpcsw0', 'ethlink0'].toSorted())

  const second = shell(vpcd, setUp)
  for (const line of second.slice(0, 6)) assert.match(line, /^unchanged: /)
  assert.deepEqual(second.slice(6), vmnicShown)
  assert.equal(vpcd.ok('list'), listed)

  for (const line of shell(vpcd, takeDown)) assert.doesNotMatch(line, /^unchanged/)
  for (const line of shell(vpcd, takeDown)) assert.match(line, /^unchanged: there is no /)
  assert.equal(vpcd.ok('list'), ' TYPE   ID  UNIT NAME\n  TOTAL  0\n')
  assert.deepEqual(vpcd.devices(), before)
})

test('what the example made is there after vpcd was stopped and started', async () => {
  await using vpcd = await PrivateVpcd.start()
  shell(vpcd, setUp)
  assert.equal(await vpcd.stopDaemon(), 0)
  assert.match(vpcd.refused(3, 'list'), /^vpc: cannot reach vpcd on /)
  await vpcd.startDaemon()
  assert.equal(vpcd.ok('list'), listed)
  for (const line of shell(vpcd, setUp).slice(0, 6)) assert.match(line, /^unchanged: /)
})

test('an uplink that cannot be made leaves nothing of it', async () => {
  await using vpcd = await PrivateVpcd.start()
  vpcd.ok('switch', 'create', '--switch-id', id.switch)
  const before = vpcd.ok('list')
  const add = ['switch', 'port', 'add', '--switch-id', id.switch, '--port-id', id.uplink, '--uplink', '--ethlink-id', id.ethlink]
  vpcd.refused(1, ...add, '--l2-name', 'nosuch0')
  assert.equal(vpcd.ok('list'), before)

  // What was there before stays.
  vpcd.ok('ethlink', 'create', '--ethlink-id', id.ethlink)
  vpcd.ok('switch', 'port', 'add', '--switch-id', id.switch, '--port-id', id.uplink)
  const both = vpcd.ok('list', '--json')
  vpcd.refused(1, ...add, '--l2-name', 'nosuch0')
  assert.equal(vpcd.ok('list', '--json'), both)
  vpcd.ok(...add, '--l2-name', 'em0')

  // Another uplink is refused, after the port, the connection and the ethlink were made: all of them go again.
  const made = vpcd.ok('list', '--json')
  const [port, ethlink] = ['aa58b648-203b-a707-cd02-7a552c8d5295', '6c4acd32-1b8d-11e8-b408-0cc47a6c7d1e']
  const other = [
    'switch',
    'port',
    'add',
    '--switch-id',
    id.switch,
    '--port-id',
    port,
    '--uplink',
    '--ethlink-id',
    ethlink,
    '--l2-name',
    'wire0',
  ]
  assert.match(vpcd.refused(4, ...other), /^vpc: vpcsw0 \(\S+\) has another uplink; remove that port first\n SETTING +ASKED +IS\n uplink /)
  assert.equal(vpcd.ok('list', '--json'), made)
})
