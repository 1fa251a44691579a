/** The Ansible collection with Debian's ansible, against a real API by TLS. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { packageVersion } from '#cli/package-version.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { root, textOf } from '../sources.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-ansible-'))
const at = (...parts: string[]): string => join(directory, ...parts)
let api: ChildProcess | undefined
let url: string

const env = (): NodeJS.ProcessEnv => ({
  ...process.env,
  HOME: at('home'),
  LC_ALL: 'C.UTF-8',
  ANSIBLE_COLLECTIONS_PATH: at('collections'),
  ANSIBLE_NOCOLOR: '1',
  ANSIBLE_PIPELINING: '1',
  ANSIBLE_CALLBACK_PLUGINS: at('callbacks'),
  ANSIBLE_STDOUT_CALLBACK: 'lines',
  ANSIBLE_LOCALHOST_WARNING: 'false',
  ANSIBLE_LOCAL_TEMP: at('tmp'),
  // What is asked is on this machine.
  no_proxy: '*',
  VPC_API: url,
  VPC_TOKEN: readFileSync(at('state', 'admin-token'), 'utf8').trim(),
  VPC_CA: at('ca.pem'),
})

before(async () => {
  for (const name of ['home', 'tmp', 'plays', 'callbacks']) mkdirSync(at(name))
  copyFileSync(join(import.meta.dirname, 'ansible-lines.py'), at('callbacks', 'lines.py'))
  const subject = ['-subj', '/CN=api', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      ...subject,
      '-keyout',
      at('key.pem'),
      '-out',
      at('ca.pem'),
    ],
    { stdio: 'pipe' },
  )
  const words = [
    'api',
    `--state-dir=${at('state')}`,
    '--port=0',
    '--agent-listen=127.0.0.1:0',
    `--tls-cert=${at('ca.pem')}`,
    `--tls-key=${at('key.pem')}`,
    '--json',
  ]
  api = spawn(vpcPath, words, { stdio: ['ignore', 'pipe', 'ignore'] })
  for await (const line of createInterface(api.stdout!)) {
    url = (JSON.parse(line) as { url: string }).url
    break
  }
  const galaxy = (...args: string[]): string => execFileSync('ansible-galaxy', ['collection', ...args], { encoding: 'utf8', env: env() })
  galaxy('build', join(root, 'integrations/ansible'), '--output-path', at('build'))
  galaxy('install', at('build', `vpc-cloud-${packageVersion()}.tar.gz`), '--offline')
})
after(async () => {
  if (api?.exitCode === null) {
    const ended = once(api, 'exit')
    api.kill('SIGTERM')
    await ended
  }
  rmSync(directory, { recursive: true, force: true })
})

interface TaskResult {
  readonly changed: boolean
  readonly msg?: string
  readonly warnings?: readonly string[]
  readonly diff?: { readonly before: string; readonly after: string }
  readonly [key: string]: any
}

interface Played {
  readonly code: number | null
  readonly tasks: readonly { readonly name: string; readonly result: TaskResult }[]
  readonly text: string
}

let plays = 0
function play(yaml: string, ...options: string[]): Played {
  const file = at('plays', `${plays++}.yml`)
  writeFileSync(file, yaml)
  const { status, stdout, stderr } = spawnSync('ansible-playbook', ['-i', 'localhost,', '-c', 'local', ...options, file], {
    encoding: 'utf8',
    env: env(),
    timeout: 120_000,
  })
  const lines = stdout.split('\n').filter((line) => line.startsWith('@'))
  assert.ok(lines.length > 0, stdout + stderr)
  const tasks = lines.map((line) => JSON.parse(line.slice(1)) as Played['tasks'][number])
  return { code: status, tasks, text: stdout + stderr }
}

/** It must succeed. Gives whether each task changed something. */
function changes(yaml: string, ...options: string[]): boolean[] {
  const { code, tasks, text } = play(yaml, ...options)
  assert.equal(code, 0, text)
  return tasks.map(({ result }) => result.changed)
}

const playOf = (...tasks: string[]): string =>
  `- hosts: localhost\n  gather_facts: false\n  ignore_errors: true\n  tasks:\n${tasks.map((task) => `    - ${task}\n`).join('')}`
/** What tasks of one play say. Most of a play's time is its start. */
const results = (...tasks: string[]): TaskResult[] => play(playOf(...tasks)).tasks.map(({ result }) => result)
const changed = (...tasks: string[]): boolean[] => results(...tasks).map((result) => result.changed)
/** A task that only says what it would do. */
const dry = (task: string): string => `{ ${task}, check_mode: true, diff: true }`

const cloud = (line: string): any => {
  const { status, stdout, stderr } = spawnSync(vpcPath, [...line.split(' '), '--json'], { encoding: 'utf8', env: env() })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}
const blocks = [...textOf('docs/ansible.md').matchAll(/```yaml\n([^]*?)```/g)].map(([, text]) => text!)
const network = (): string =>
  blocks[0]!
    .replace(/server: "[^"]*"/, `server: "${url}"`)
    .replace(/token: "[^"]*"/, `token: "${env().VPC_TOKEN}"`)
    .replace('/etc/vpc/ca.pem', at('ca.pem'))

test('the documented play: a check changes nothing, the first run makes all, the second changes nothing', () => {
  const checked = play(network(), '--check')
  assert.equal(checked.code, 0, checked.text)
  assert.ok(checked.tasks.every(({ result }) => result.changed))
  assert.match(checked.text, /vpc red cannot be checked: account: there is no account shop/)
  assert.deepEqual(
    cloud('cloud org list').map((each: any) => each.name),
    [],
  )
  assert.deepEqual(changes(network()), [true, true, true, true, true, true])
  assert.deepEqual(changes(network()), [false, false, false, false, false, false])
  const { labels, groups, addresses } = cloud('cloud vnic get web1')
  assert.deepEqual([labels, groups.length, addresses.length], [{ app: 'web' }, 1, 2])
  assert.deepEqual(
    cloud('cloud group get app').rules.map((each: any) => [each.direction, each.ports]),
    [
      ['in', ['80', '443']],
      ['out', []],
    ],
  )
})

const vnic = (more: string): string => `vpc.cloud.vnic: { name: web1, account: shop, subnet: red/web, ${more} }`

test('what is left out stays, what differs changes, a check and its diff say what would', () => {
  const set = vnic('mtu: 1400')
  const all = results(set, dry(vnic('mtu: 1300')), set, vnic('labels: { tier: "1" }'), vnic('unset: [mtu]'), vnic('unset: [mtu]'))
  assert.deepEqual(
    all.map((result) => [result.changed, result.resource.mtu]),
    [
      [true, 1400],
      [true, 1300],
      [false, 1400],
      [true, 1400],
      [true, null],
      [false, null],
    ],
    JSON.stringify(all),
  )
  assert.deepEqual(all[1]!.diff, { before: 'mtu: 1400\n', after: 'mtu: 1300\n' })
  assert.deepEqual(all[3]!.resource.labels, { app: 'web', tier: '1' })
})

test('an error has the words of the API, and names the key', () => {
  const wrong: readonly (readonly [task: string, why: RegExp, pointer?: string])[] = [
    [vnic('addresses: [10.9.9.9]'), /^cannot change vnic web1: addresses/, '/addresses/0'],
    [vnic('mac: "02:00:00:00:00:77"'), /^cannot change vnic web1: mac/, '/mac'],
    ['vpc.cloud.vnic: { name: web2, account: shop, subnet: red/none }', /there is no subnet red\/none/, '/subnet'],
    ['vpc.cloud.vnic: { name: web2, account: shop, subnet: red/web, mtu: 5 }', /^cannot create vnic web2: \/?mtu/, '/mtu'],
    ['vpc.cloud.vnic: { name: web2, subnt: red/web }', /Unsupported parameters.*subnt/],
    ['vpc.cloud.vnic: { account: shop }', /give name or id: it says which vnic is meant/],
    [vnic('unset: [nothing]'), /unset: a vnic has no 'nothing'; it has account, addresses/],
    ['vpc.cloud.subnet: { name: web, vpc: red, state: absent }', /cannot destroy subnet web: /],
    ['vpc.cloud.org: { name: acme, token: wrong }', /cannot find org acme: .*token/],
    ['vpc.cloud.org: { name: acme, server: "https://127.0.0.1:1" }', /cannot reach the API at https:\/\/127\.0\.0\.1:1/],
  ]
  for (const [i, result] of results(...wrong.map(([task]) => task)).entries()) {
    const [task, why, pointer] = wrong[i]!
    assert.match(result.msg ?? '', why, task)
    if (pointer !== undefined) assert.equal(result.fields[0].pointer, pointer, JSON.stringify(result))
  }
})

test('things without a name are known by what they say', () => {
  const binding = 'vpc.cloud.role_binding: { principal: ann, role: operator, account: shop }'
  // The API has chosen one of them for web1, perhaps.
  const free = cloud('cloud vnic get web1').addresses.includes('10.0.0.77') ? '10.0.0.78' : '10.0.0.77'
  const all = [
    binding,
    'vpc.cloud.role_binding: { principal: ann, role: viewer, org: acme }',
    `vpc.cloud.address: { subnet: red/web, ip: ${free} }`,
    'vpc.cloud.router: { name: r1, vpc: red, interfaces: [{ subnet: red/web }] }',
  ]
  const gone = binding.replace(' }', ', state: absent }')
  const said = results(
    'vpc.cloud.principal: { name: ann, account: shop }',
    ...all,
    ...all,
    gone,
    '{ vpc.cloud.token: { name: t1, principal: ann }, diff: true }',
  )
  const [t, f] = [true, false]
  assert.deepEqual(
    said.map((each) => each.changed),
    [t, t, t, t, t, f, f, f, f, t, t],
    JSON.stringify(said),
  )
  assert.deepEqual(
    cloud('cloud role-binding list')
      .filter((each: any) => each.role !== 'admin')
      .map((each: any) => each.role),
    ['viewer'],
  )
  const { resource, diff } = said.at(-1)!
  assert.match(resource.token, /^vpc/)
  assert.match(diff!.after, /principal: /)
  assert.ok(!diff!.after.includes(resource.token), diff!.after)
})

test('the inventory has vnics by vpc, subnet, group and label', () => {
  writeFileSync(
    at('guests.vpc.yml'),
    blocks.find((each) => each.includes('plugin:'))!,
  )
  const inventory = JSON.parse(execFileSync('ansible-inventory', ['-i', at('guests.vpc.yml'), '--list'], { encoding: 'utf8', env: env() }))
  for (const group of ['vpc_red', 'subnet_web', 'group_app', 'label_app_web']) assert.deepEqual(inventory[group].hosts, ['web1'], group)
  assert.equal(inventory._meta.hostvars.web1.ansible_host, cloud('cloud vnic get web1').addresses[0])
})

test('vnics of one name in two accounts are two hosts of the inventory', () => {
  cloud('account create bank --org=acme')
  cloud('vpc create blue --account=bank')
  cloud('cloud subnet create web --vpc=blue --network4=10.9.0.0/24')
  const other = cloud('vnic create web1 --account=bank --subnet=blue/web').resource
  writeFileSync(at('all.vpc.yml'), readFileSync(at('guests.vpc.yml'), 'utf8').replace(/^filters:.*/m, ''))
  const inventory = JSON.parse(execFileSync('ansible-inventory', ['-i', at('all.vpc.yml'), '--list'], { encoding: 'utf8', env: env() }))
  assert.deepEqual([inventory.account_bank.hosts, inventory.account_shop.hosts.includes('web1.shop')], [['web1.bank'], true])
  const { ansible_host: address, vpc_account: account } = inventory._meta.hostvars['web1.bank']
  assert.deepEqual([address, account], [other.addresses[0], 'bank'])
  assert.notEqual(inventory._meta.hostvars['web1.shop'].ansible_host, address)
  cloud('vnic destroy web1 --account=bank')
})

test('a label that looks like a template is a text, and not evaluated', () => {
  cloud('cloud vnic set web1 --label note={{40+2}}')
  const said = `- hosts: web1\n  gather_facts: false\n  tasks: [{ ansible.builtin.debug: { msg: "{{ vpc_labels.note }}" } }]\n`
  const { tasks, text } = play(said, '-i', at('guests.vpc.yml'))
  assert.equal(tasks[0]?.result.msg, '{{40+2}}', text)
})

test('the role makes a machine a host, and a vnic is plugged in there; twice changes nothing', () => {
  const vars = `{ vpc_host_name: h1, vpc_host_facility: f1, vpc_host_state_dir: ${at('agent')}, vpc_host_underlay: 192.0.2.1, vpc_host_services: false, vpc_host_command: ${vpcPath} }`
  const all = `${playOf('vpc.cloud.region: { name: r1 }', 'vpc.cloud.facility: { name: f1, region: r1 }')}
- hosts: localhost
  gather_facts: false
  roles: [{ role: vpc.cloud.host, vars: ${vars} }]
${playOf('vpc.cloud.vnic_binding: { vnic: web1, host: h1 }')}`
  const { code, text } = play(all)
  assert.equal(code, 0, text)
  assert.doesNotMatch(text, /vpcjoin1\./)
  assert.ok(existsSync(at('agent', 'identity.json')))
  assert.equal(cloud('cloud vnic get web1').binding.unit, 'hostif')
  assert.ok(!changes(all).some(Boolean))
  const gone = 'vpc.cloud.vnic_binding: { vnic: web1, state: absent }'
  assert.deepEqual(changed(dry(gone), gone, gone), [true, true, false])
})

test('absent removes, a check only says so, and twice changes nothing', () => {
  const gone = 'vpc.cloud.vpc: { name: red, account: shop, state: absent, cascade: true }'
  const count = 'vpc.cloud.vnic: { name: web1, account: shop }'
  const [would, still, did, again] = results(dry(gone), count, gone, gone)
  assert.deepEqual([would!.changed, still!.changed, did!.changed, again!.changed], [true, false, true, false])
  assert.deepEqual(cloud('cloud vnic list'), [])
})

test('ansible-doc shows each module', () => {
  const names = readdirSync(join(root, 'integrations/ansible/plugins/modules')).map((file) => `vpc.cloud.${file.replace('.py', '')}`)
  const docs = JSON.parse(
    execFileSync('ansible-doc', ['-t', 'module', '--json', ...names], { encoding: 'utf8', env: env(), maxBuffer: 1 << 26 }),
  )
  assert.deepEqual(Object.keys(docs).toSorted(), names.toSorted())
  for (const [name, { doc, examples, return: result }] of Object.entries<any>(docs)) {
    assert.ok(doc.options.server !== undefined && doc.short_description !== '', name)
    assert.ok(examples.includes(name) && result !== null, name)
  }
})
