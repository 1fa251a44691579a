/** `vpc attach`: a container in a switch by one command, for a host without a cloud. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { PrivateVpcd } from './private-vpcd.ts'

const tag = `va${process.pid}`
const [web, db] = [`${tag}-web`, `${tag}-db`] as const
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
const pings = (netns: string, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '1', '-W', '1', address]).status === 0

let vpcd: PrivateVpcd
before(async () => {
  vpcd = await PrivateVpcd.start()
  for (const netns of [web, db]) ip('netns', 'add', netns)
  vpcd.ok('switch', 'create', '--switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468')
  vpcd.ok('switch', 'create', '--switch-id=da64aaaa-095d-91e5-df01-5aabcfc52469')
})
after(async () => {
  for (const netns of [web, db]) spawnSync('ip', ['netns', 'del', netns])
  await vpcd[Symbol.asyncDispose]()
})

test('two containers reach each other after a command each; repeated, changed and taken back', () => {
  const attachWeb = ['attach', 'vpcsw0', `--netns=${web}`, '--address=10.0.0.1/24'] as const
  assert.match(vpcd.ok(...attachWeb), /^hostif0 is eth0 in \S+: 10\.0\.0\.1\/24/)
  assert.match(vpcd.ok(...attachWeb), /^already so: hostif0/)
  vpcd.ok('attach', 'da64c', `--netns=${db}`, '--address=10.0.0.2/24', '--gateway=10.0.0.254')
  assert.ok(pings(web, '10.0.0.2'))
  assert.match(ip('-n', db, 'route'), /default via 10\.0\.0\.254 dev eth0/)
  vpcd.ok('attach', 'vpcsw0', `--netns=${web}`, '--address=10.0.0.3/24')
  assert.ok(pings(db, '10.0.0.3'))
  assert.doesNotMatch(ip('-n', web, 'addr'), /10\.0\.0\.1\//)
  assert.doesNotMatch(vpcd.ok('switch', 'neighbour', 'list', '--switch-id=da64c3f3-095d-91e5-df01-5aabcfc52468'), /10\.0\.0\.1 /)
  assert.match(vpcd.ok('detach', 'vpcsw0', `--netns=${web}`), /^detached eth0/)
  assert.match(vpcd.ok('detach', 'vpcsw0', `--netns=${web}`), /^already so/)
  assert.doesNotMatch(ip('-n', web, '-o', 'link'), /eth0/)
})

test('what cannot be is refused, and leaves nothing', () => {
  const count = (): string => vpcd.ok('list')
  const before = count()
  assert.match(vpcd.refused(1, 'attach', 'vpcsw7', `--netns=${web}`), /there is no switch vpcsw7/)
  assert.match(vpcd.refused(2, 'attach', 'da64', `--netns=${web}`), /several switches begin with da64/)
  assert.match(vpcd.refused(1, 'attach', 'vpcsw0', '--netns=none-such'), /no network namespace none-such/)
  assert.match(vpcd.refused(4, 'attach', 'vpcsw0', `--pid=${process.pid}`), /in this host's own network namespace/)
  assert.match(vpcd.refused(1, 'attach', 'vpcsw0', `--netns=${web}`, '--as=eth1', '--address=10.0.0.9/24', '--gateway=10.9.0.1'), /gateway/)
  assert.equal(count(), before)
})
