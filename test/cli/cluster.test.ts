/** `vpc cluster`: two hosts with a vpcd each from one file, as people have it without a cloud. Needs root. */
import assert from 'node:assert/strict'
import { spawn, spawnSync, execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PrivateVpcd } from './private-vpcd.ts'
import { runVpc, vpcPath } from './run-vpc.ts'

const tag = `vc${process.pid}`
const [web, db, more] = [`${tag}-web`, `${tag}-db`, `${tag}-more`] as const
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' })
const pings = (netns: string, address: string): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-c', '1', '-W', '5', address]).status === 0

const head = `name: ${tag}
hosts:
  h1: { address: 198.51.100.1, device: em1 }
  h2: { address: 198.51.100.2, device: em2 }
customers:
  red:
    router: true
    subnets: { a: { vni: 5001, network: 10.0.0.0/24, network6: 'fd00::/64', gateway: 10.0.0.254, gateway6: 'fd00::fe' }, b: { vni: 5002, network: 10.0.1.0/24 } }
    groups: { db: [{ id: 10, direction: in, protocol: icmp, icmp: 8 }] }
  blue: { subnets: { a: { vni: 6001, network: 10.0.0.0/24 } } }
guests:
  ${web}: { host: h1, subnet: red/a, address: 10.0.0.1, address6: 'fd00::1' }
  ${db}: { host: h2, subnet: red/b, address: 10.0.1.2, groups: [db], as: shop0 }
  blue: { host: h2, subnet: blue/a, address: 10.0.0.1, vm: true }
`
const oneMore = `  ${more}: { host: h2, subnet: red/a, address: 10.0.0.3, address6: 'fd00::3' }\n`

let [h1, h2]: PrivateVpcd[] = []
let path: string
const say = (text: string): void => writeFileSync(path, text)
/** Run `vpc cluster VERB FILE --host NAME` on that host; it must succeed. */
const on = (host: 'h1' | 'h2', verb: string, ...more: string[]): string =>
  (host === 'h1' ? h1! : h2!).ok('cluster', verb, path, `--host=${host}`, ...more)

before(async () => {
  ;[h1, h2] = await Promise.all([PrivateVpcd.start(), PrivateVpcd.start()])
  ip('link', 'add', 'em1', 'netns', h1!.netns, 'type', 'veth', 'peer', 'name', 'em2', 'netns', h2!.netns)
  for (const [i, { netns }] of [h1!, h2!].entries()) {
    ip('-n', netns, 'addr', 'add', `198.51.100.${i + 1}/24`, 'dev', `em${i + 1}`)
    ip('-n', netns, 'link', 'set', `em${i + 1}`, 'up')
  }
  for (const netns of [web, db, more]) ip('netns', 'add', netns)
  path = join(h1!.directory, 'cluster.yaml')
  say(head)
})
after(async () => {
  for (const netns of [web, db, more]) spawnSync('ip', ['netns', 'del', netns])
  await Promise.all([h1, h2].map((each) => each?.[Symbol.asyncDispose]()))
})

test('guests of two hosts reach each other by one file, and a second time nothing is done', () => {
  assert.match(on('h1', 'plan'), /create +hostif .*a dry run: nothing was done; \d+ to create\n$/s)
  assert.deepEqual(h1!.devices().includes('vpcmux0'), false)
  for (const host of ['h1', 'h2'] as const) assert.match(on(host, 'apply'), /done: \d+ created\n$/)
  assert.ok(pings(web, '10.0.1.2'))
  assert.match(ip('-n', db, 'addr', 'show', 'shop0'), /10\.0\.1\.2\/24/)
  assert.match(h2!.ok('list'), / vmnic +\S+ +vmnic0 +blue /)
  for (const host of ['h1', 'h2'] as const) {
    assert.equal(on(host, 'apply'), 'nothing was done: the host matches the document\n')
    assert.equal(on(host, 'plan'), 'a dry run: nothing would be done, the host matches the document\n')
  }
})

test('a document follows from the file alone, and vpc apply takes it', () => {
  const written = on('h1', 'render')
  assert.match(written, new RegExp(`^# Host h1 of ${path}, written by vpc cluster render`))
  assert.equal(runVpc(['cluster', 'render', path, '--host=h1']).stdout, written)
  assert.equal(runVpc(['apply', '-'], { env: h1!.env, input: written }).stdout, 'nothing was done: the host matches the document\n')
  assert.deepEqual(JSON.parse(on('h1', 'render', '--json')).owner, `cluster-${tag}`)
  assert.equal(JSON.parse(h1!.ok('cluster', 'check', path, '--json')).hosts.length, 2)
  assert.match(h1!.ok('cluster', 'check', path), new RegExp(`h2 +198\\.51\\.100\\.2 +em2 +${db} blue`))
})

test('a guest more reaches the others and changes none; a guest less goes with --prune alone', () => {
  const mine = h2!.ok('switch', 'create', 'own', '--vni=7001')
  say(head + oneMore)
  const [added] = [JSON.parse(on('h2', 'apply', '--json')).changes as { action: string; type: string }[]]
  assert.deepEqual(
    added
      .filter(({ action }) => action === 'create')
      .map(({ type }) => type)
      .sort(),
    ['hostif', 'vpcp'],
  )
  assert.match(on('h1', 'apply'), /done: 2 changed\n$/)
  for (const address of ['10.0.0.3', 'fd00::3']) assert.ok(pings(web, address), address)
  say(head)
  assert.equal(on('h2', 'apply', '--dry-run', '--prune'), on('h2', 'plan'))
  assert.match(on('h2', 'apply', '-n'), /^a dry run: nothing was done; 2 to change, 2 to remove \(with --prune\)\n$/m)
  assert.match(
    h2!.refused(4, 'cluster', 'apply', path, '--host=h2'),
    /the document lacks .*; nothing was done; to remove them: vpc cluster apply --prune/,
  )
  assert.ok(pings(web, '10.0.0.3'))
  assert.match(on('h2', 'apply', '--prune'), /2 removed\n$/)
  assert.match(on('h1', 'apply'), /done: 2 changed\n$/)
  assert.equal(pings(web, '10.0.0.3'), false)
  assert.match(h2!.ok('list'), / own /, mine)
})

test('what is wrong is told by line and key of the file, and nothing is done', () => {
  const before = h1!.ok('export')
  const refused = (text: string, code: number, says: RegExp, ...options: string[]): void => {
    say(text)
    assert.match(h1!.refused(code, 'cluster', 'apply', path, ...options), says)
  }
  refused(head, 1, /there is no host 'h3' in cluster \S+; its hosts: h1, h2/, '--host=h3')
  refused(head, 2, /this machine is called '\S+', and no host of cluster \S+ is; say which one with --host: h1, h2/)
  refused(head.replace('as: shop0', 'az: shop0'), 1, /cluster\.yaml:13:\d+: guests\.\S+\.az: unknown key 'az'/, '--host=h1')
  refused(
    head.replace('address: 10.0.1.2, ', ''),
    1,
    /:13:\d+: guests\.\S+: 'address' must be given: an address of 10\.0\.1\.0\/24/,
    '--host=h1',
  )
  refused(head.replace('10.0.1.2', '10.9.1.2'), 1, /^[^\n]*:13:\d+: [^\n]*\.address: 10\.9\.1\.2 is not for a machine [^\n]*$/, '--host=h1')
  refused(
    head.replace('address: 198.51.100.2', "address: '2001:db8::2'"),
    1,
    /:4:\d+: hosts\.h2\.address: host h1 has an address of the other family/,
    '--host=h1',
  )
  refused(head.replace('em1', 'em7'), 1, /cluster\.yaml:3: hosts\.h1: .*em7/, '--host=h1')
  refused(head.replace('198.51.100.1', '198.51.100.9'), 1, /cluster\.yaml:3: hosts\.h1: cannot listen on 198\.51\.100\.9/, '--host=h1')
  refused(
    `${head}  gone: { host: h1, subnet: blue/a, address: 10.0.0.9, as: x0 }\n`,
    1,
    /cluster\.yaml:15: guests\.gone: .*no network namespace \S*gone/,
    '--host=h1',
  )
  refused(
    `${head}  two: { host: h1, subnet: red/a, address: 10.0.0.9, address6: 'fd00::9', netns: ${web} }\n`,
    1,
    /guests\.two: \S+ is eth0 in \S+ on h1; give another name with 'as'/,
    '--host=h1',
  )
  assert.equal(h1!.ok('export'), before)
  const [example] = /```yaml\n(.*?)```/s.exec(readFileSync(new URL('../../docs/cluster.md', import.meta.url), 'utf8'))!.slice(1)
  const file = readFileSync(new URL('../../examples/cluster/two-hosts.yaml', import.meta.url), 'utf8')
  assert.equal(file.replace(/^#.*\n/gm, ''), example)
  say(example!)
  h1!.ok('cluster', 'check', path)
})

test('an apply that is killed half way, with its vpcd, leaves the host as it was; repeated, it is done', async () => {
  const before = h2!.ok('export')
  const guests = Array.from({ length: 60 }, (_, i) => `  vm${i + 1}: { host: h2, subnet: blue/a, address: 10.0.0.${i + 101}, vm: true }\n`)
  say(head + guests.join(''))
  const devices = h2!.devices().length
  const child = spawn(vpcPath, ['cluster', 'apply', path, '--host=h2'], { env: { ...process.env, ...h2!.env }, stdio: 'ignore' })
  const ended = once(child, 'exit')
  for (const end = performance.now() + 20_000; h2!.devices().length < devices + 5; await sleep(1))
    assert.ok(performance.now() < end && child.exitCode === null, 'devices are made while it runs')
  await h2!.killDaemon()
  child.kill('SIGKILL')
  await ended
  await h2!.startDaemon()
  assert.equal(h2!.ok('export'), before)
  assert.equal(h2!.devices().length, devices)
  assert.match(on('h2', 'apply'), /done: 120 created, 1 changed\n$/)
  assert.equal(on('h2', 'apply'), 'nothing was done: the host matches the document\n')
  assert.ok(pings(web, '10.0.1.2'))
})

test('a host that is no longer in the file is cleared by an empty document of the owner', () => {
  const { code, stdout, stderr } = runVpc(['apply', '-', `--owner=cluster-${tag}`, '--prune'], { env: h2!.env, input: 'version: 1\n' })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /done: \d+ removed\n$/)
  assert.deepEqual(
    (JSON.parse(h2!.ok('list', '--json')) as { name: string }[]).map(({ name }) => name),
    ['own'],
  )
})
