/**
 * Who may open what, and what a descriptor may be used for: users and groups of a policy, narrowed descriptors,
 * programs that were given some.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { after, before, test } from 'node:test'
import { errno } from '#abi/errno.ts'
import { generateId, type Id } from '#abi/id.ts'
import { Descriptor } from '#client/descriptor.ts'
import { VpcError } from '#client/error.ts'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { assertNoLeaks, snapshot, type Snapshot } from '../leaks.ts'
import { Programs, runUnder } from './program.ts'

const nobody = 65534
const group = 61234
const stranger = 61235

let clean: Snapshot
let host: TestHost
let programs: Programs
let daemon: Daemon
let policy: string
const own: Id = generateId('vmnic')
const other: Id = generateId('vmnic')
before(async () => {
  clean = snapshot({ mark: `vpcd-${process.pid}-` })
  host = TestHost.create()
  programs = new Programs()
  chmodSync(host.directory, 0o755)
  policy = join(host.directory, 'policy.yaml')
  writeFileSync(
    policy,
    `rules:
  - { user: ${nobody}, types: [vmnic], ids: [${own}], rights: [read, write] }
  - { user: ${nobody}, types: [vmnic], rights: [read] }
`,
  )
  daemon = await host.start({ args: ['--group', String(group), '--policy', policy] })
})
after(async () => {
  programs[Symbol.dispose]()
  await host[Symbol.asyncDispose]()
  await assertNoLeaks(clean)
})

/**
 * A program of the library, run as another user; it loads its modules before it gives root away. Prints what `body`
 * logs.
 */
async function as(uid: number, groups: readonly number[], body: string): Promise<string> {
  const program = `const { Vpc } = await import('#client/vpc.ts')
    const { generateId } = await import('#abi/id.ts')
    process.setgroups(${JSON.stringify(groups)}), process.setgid(${uid}), process.setuid(${uid})
    const vpc = new Vpc({ socketPath: '${host.socketPath}' })
    const say = (what) => what.then((d) => console.log('yes'), (error) => console.log(error.code, error.message))
    ${body}
    process.exit()`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  return (await text(child.stdout!)).trim()
}

const fails = (code: string) => (error: unknown) => error instanceof VpcError && error.code === code

test('the policy gives a user what it says, and not more', async () => {
  await using first = await host.vpc.openVmnic(own, { create: true })
  await using second = await host.vpc.openVmnic(other, { create: true })
  assert.equal(await as(nobody, [], `await say(vpc.openVmnic('${own}', { write: true }))`), 'yes')
  assert.equal(await as(nobody, [], `await say(vpc.openVmnic('${other}'))`), 'yes')
  assert.match(
    await as(nobody, [], `await say(vpc.openVmnic('${other}', { write: true }))`),
    new RegExp(`^EACCES user ${nobody} may not write vmnic ${other}; the policy of this host gives it read$`),
  )
  assert.match(
    await as(nobody, [], `await say(vpc.openVmnic(generateId('vmnic'), { create: true }))`),
    /^EACCES .* may not create and write vmnic/,
  )
  assert.match(await as(nobody, [], `await say(vpc.openSwitch(generateId('vpcsw'), { create: true }))`), /^EACCES .* gives it nothing$/)
  assert.match(
    await as(stranger, [], `await say(vpc.mgmt())`),
    new RegExp(
      `^EPERM user ${stranger} .* may not open objects of this host; run as root \\(uid 0\\), or as a member of group ${group}, or get rights`,
    ),
  )
  assert.equal((await first.describe()).descriptors + (await second.describe()).descriptors, 2)
})

test('a management handle of a user with few rights lists and finds what the user may read, and has programs supervised', async () => {
  await using _one = await host.vpc.openVmnic(own, { create: true })
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await sw.setName('red')
  const said = await as(
    nobody,
    [],
    `const mgmt = await vpc.mgmt(); await say(mgmt.export()); await say(mgmt.supervise(0))
    console.log(JSON.stringify([(await mgmt.describeAll()).map(({ id }) => id), (await mgmt.headers('any')).length, await mgmt.count('vpcsw'),
      await mgmt.find('red'), (await mgmt.find('vmnic0')).length]))`,
  )
  assert.match(
    said,
    /^EPERM cannot do 'export': that is about all of this host, and user \d+ lacks right read of type mgmt in its policy\nEINVAL .*not a listener of seccomp/,
  )
  assert.deepEqual(JSON.parse(said.split('\n').at(-1)!), [[own], 1, 0, [], 1])
})

test('--compat gives WRITE with an OPEN for READ to a caller who may write, and to no other', async () => {
  const program = programs.compile('compat')
  const sets = async (id: Id, code: number, ...options: string[]): Promise<void> => {
    await using _nic = await host.vpc.openVmnic(id, { create: true })
    const ran = await runUnder(host.socketPath, [program, id.replaceAll('-', ''), String(code)], { options })
    assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
  }
  await sets(own, errno.EPERM)
  await sets(own, 0, '--compat')
  await sets(own, 0, '--compat', '--user=nobody')
  await sets(other, errno.EPERM, '--compat', '--user=nobody')
})

test('members of the group may open everything, by their first group or another', async () => {
  assert.equal(statSync(host.socketPath).gid, group)
  for (const [uid, groups] of [
    [stranger, [group]],
    [group, []],
  ] as const)
    assert.equal(await as(uid, groups, `await say(vpc.openSwitch(generateId('vpcsw'), { create: true }))`), 'yes')
})

test('SIGHUP has the policy read again as a whole; a bad one changes nothing', async () => {
  await using _nic = await host.vpc.openVmnic(other, { create: true })
  const attempt = `await say(vpc.openVmnic('${other}', { write: true }))`
  const reload = async (content: string, said: RegExp): Promise<void> => {
    const from = daemon.lines.length
    writeFileSync(policy, content)
    process.kill(daemon.pid, 'SIGHUP')
    for (let waited = 0; !daemon.lines.slice(from).some((line) => said.test(line)); waited += 10) {
      assert.ok(waited < 5000, daemon.lines.slice(from).join('\n'))
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  assert.match(await as(nobody, [], attempt), /^EACCES/)
  await reload(
    `rules:\n  - { user: ${nobody}, rights: [read, write] }\n  - { user: nobody, rights: [all] }\n`,
    /policy.yaml:3: \\"all\\" is not a right; they are read, write, create/,
  )
  assert.match(await as(nobody, [], attempt), /^EACCES/)
  await reload(`rules:\n  - { user: nobody, rights: [read, write] }\n`, /configuration was read again/)
  assert.equal(await as(nobody, [], attempt), 'yes')
  await reload(`rules: []\n`, /configuration was read again/)
  assert.match(await as(nobody, [], attempt), /^EPERM/)
})

test('vpcd does not start with a policy or a group that is wrong', async () => {
  await using second = TestHost.create()
  writeFileSync(join(second.directory, 'p'), 'rules:\n  - group: [1]\n    rights: [read]\n')
  for (const [args, said] of [
    [['--policy', join(second.directory, 'none')], /the policy cannot be used: .*none: cannot be read: there is no such file/],
    [['--policy', join(second.directory, 'p')], /\/p:2: a group is a name or a number/],
    [['--group', 'no-such-group'], /there is no group 'no-such-group'; make it with `groupadd --system no-such-group`/],
  ] as const) {
    const refused = second.spawn({ args })
    assert.equal(await refused.ended, 1)
    assert.match(refused.lines.join('\n'), said)
  }
})

test('an unprivileged program has the descriptor that it was given, and nothing else', async () => {
  await using nic = await host.vpc.openVmnic(own, { create: true })
  const program = programs.compile('narrow')
  const options = ['--user', 'nobody', '--no-open', '--open', `vmnic:${own}:rw`]
  assert.deepEqual(await runUnder(host.socketPath, [program], { options }), { code: 0, stdout: 'done\n', stderr: '' })
  const { queues, mtuBytes } = await nic.describe()
  assert.deepEqual([queues, mtuBytes], [5, 1400])
  assert.deepEqual(await nic.rights(), { read: true, write: true, operations: null }, 'another descriptor of the same object is as it was')
})

test('a narrowed descriptor of the library refuses, and stops telling events', async () => {
  await using sw = await host.vpc.openSwitch(generateId('vpcsw'), { create: true })
  await sw.ctl('vpcswListen')
  await sw.limit({ write: false })
  await assert.rejects(sw.setVni(5), fails('EPERM'))
  await sw.limit({ operations: ['vpcswVniGet', 'metaDescribe'] })
  assert.deepEqual(await sw.rights(), { read: true, write: false, operations: ['vpcswVniGet', 'metaDescribe'] })
  assert.equal(await sw.vni(), 0)
  assert.equal((await sw.describe()).type, 'vpcsw')
  await assert.rejects(sw.ports(), fails('EPERM'))
  await sw.limit({ operations: ['vpcswVniGet', 'vpcswPortList'] })
  await assert.rejects(sw.ports(), fails('EPERM'))
  await assert.rejects(sw.describe(), fails('EPERM'))
})

test('a process that inherits a narrowed descriptor has no more', async () => {
  const nic = await host.vpc.openVmnic(other, { create: true })
  await nic.limit({ operations: ['vmnicQueuesGet'] })
  const program = `const { Descriptor } = await import('#client/descriptor.ts')
    await using d = await Descriptor.fromFd(3)
    await d.ctl('vmnicQueuesGet')
    await d.ctl('metaMtuGet').then(() => console.log('done'), (error) => console.log(error.code))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit', nic.fd] })
  await nic.close()
  assert.equal(await text(child.stdout!), 'EPERM\n')
  assert.ok(Descriptor)
})

test('vpc exec says what is wrong', async () => {
  for (const [options, argv, said] of [
    [['--open', 'vmnic:x:rw'], ['true'], /^vpc: there is no vmnic x on this host/],
    [['--open', `vmnic:${own}:rwx`], ['true'], /'rwx' are not rights; say r to read, rw to read and write/],
    [['--open', `vmnic:${other}:r`], ['true'], /^vpc: there is no vmnic/],
    [['--user', 'no-such-user'], ['true'], /^vpc: there is no user 'no-such-user'/],
    [[], ['/no/such/program'], /^vpc: cannot start '\/no\/such\/program': there is no such file/],
  ] as const) {
    const { code, stderr } = await runUnder(host.socketPath, argv, { options })
    assert.match(stderr, said)
    assert.notEqual(code, 0)
  }
  const { status, stderr } = spawnSync('bin/vpc.mjs', ['exec', 'true'], {
    encoding: 'utf8',
    env: { ...process.env, VPC_SOCKET: '/nowhere' },
  })
  assert.equal(status, 3)
  assert.match(stderr, /cannot reach vpcd on \/nowhere/)
})

test('the example owns the number of queues of one vmnic, and nothing more', async () => {
  await using nic = await host.vpc.openVmnic(generateId('vmnic'), { create: true })
  const program = join(programs.directory, 'set-queues')
  execFileSync('clang', [
    '-Wall',
    '-Werror',
    '-o',
    program,
    fileURLToPath(new URL('../../examples/set-queues/set-queues.c', import.meta.url)),
  ])
  const options = ['--user', 'nobody', '--no-open', '--open', `vmnic:${nic.id}:rw`]
  const ran = await runUnder(host.socketPath, [program, '4'], { options })
  const stderr = 'destroy the vmnic: Operation not permitted\n'
  assert.deepEqual(ran, { code: 0, stdout: `user ${nobody}: the vmnic has 4 queues\n`, stderr })
  assert.equal(await nic.queues(), 4)
})
