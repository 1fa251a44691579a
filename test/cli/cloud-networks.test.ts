/** The commands of docs/cloud-networks.md, and of docs/guest-services.md, exactly as printed, against a real API. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { currentContext } from '#cli/cloud/contexts.ts'
import { outputProblem } from '#cli/schema/outputs.ts'
import { readConfig, versions } from '#cni/invocation.ts'
import { checkSubnet } from '#oci/allowed.ts'
import { RealApi } from '../agent/real-api.ts'
import { runHere } from './in-process.ts'
import { vpcPath } from './run-vpc.ts'
import { blocksOf } from './shown-pages.ts'

const api = new RealApi('127.0.0.1')
before(() => api.start())
after(() => api[Symbol.asyncDispose]())

test('every command works, in the order of the page', () => {
  const blocks = [...blocksOf('cloud-networks', 'api'), ...blocksOf('guest-services', 'api')]
  const bin = join(api.directory, 'bin')
  mkdirSync(bin)
  symlinkSync(vpcPath, join(bin, 'vpc'))
  const env = { ...process.env, ...api.env, PATH: `${bin}:${process.env['PATH']}` }
  const run = (script: string) => spawnSync('sh', ['-eu', '-c', script], { encoding: 'utf8', env, cwd: api.directory })
  writeFileSync(join(api.directory, 'id.pub'), 'ssh-ed25519 AAAA me\n')
  writeFileSync(join(api.directory, 'web1.yaml'), '#cloud-config\n')
  for (const block of blocks) {
    const { status, stderr } = run(block)
    assert.equal(status, 0, `${block}\n${stderr}`)
  }
  const routes = JSON.parse(run('vpc route-table get far --vpc=gold --json').stdout) as { routes: { destination: string }[] }
  assert.equal(routes.routes[0]!.destination, '10.1.0.0/24')
})

/** No agent has written there which vnics are plugged in here. */
const away = ['--state-dir=/nonexistent']

/** What people type wrong, in the cloud of that page, with what they are told. */
const mistakes: readonly (readonly [line: string, told: RegExp])[] = [
  ['vpc create 0353aa89-25d9-1543-4708-9e96d953d18c --account=shop', /name: '0353aa89-\S+' looks like an id; a name has 1 to 63/],
  ['vnic create Web_1 --account=shop --subnet=web', /name: 'Web_1' is not a name; a name has 1 to 63 small letters/],
  [
    'cloud subnet create x --vpc=red --network4=10.1.0.128/25',
    /10\.1\.0\.128\/25 overlaps with 10\.1\.0\.0\/24 of subnet web; choose another/,
  ],
  ['cloud subnet create x --vpc=red --network4=10.7.0.5/24', /it has host bits; the network is 10\.7\.0\.0\/24/],
  ['cloud subnet create x --vpc=red --network6=fd00::1/64', /it has host bits; the network is fd00::\/64/],
  ['vnic create x --account=shop --subnet=web --address=10.9.9.9', /10\.9\.9\.9 is not in 10\.1\.0\.0\/24 of subnet web; choose another/],
  ['vnic create x --account=shop --subnet=web --address=10.1.0.1', /10\.1\.0\.1 is the gateway of subnet web; choose another/],
  ['vnic create x --account=shop --subnet=web --address=10.1.0.2', /10\.1\.0\.2 answers DHCP and DNS in subnet web; choose/],
  ['vnic create x --account=shop --subnet=web --address=10.1.0.255', /is the broadcast address of 10\.1\.0\.0\/24; choose another/],
  ['vnic create x --account=shop --subnet=web --mac=01:00:5e:00:00:01', /is a multicast MAC address; no interface can have it/],
  ['vnic create x --account=shop --subnet=web --mac=WEB1', /is taken: vnic web1 has it; choose another/],
  ['vnic create x --account=bank --subnet=red/web', /subnet: there is no subnet red\/web in this account/],
  ['cloud vm create x --account=bank --type=container --vnic=shop/web1', /vnics\.0: there is no vnic shop\/web1 in this account/],
  ['vnic plug bank/web1 --host=h1', /there is no vnic bank\/web1/],
  ['vnic plug web1 --account=shop --host=h9', /host: there is no host h9/],
  ['vnic plug db1 --account=shop --host=h2', /h2 takes no new guests; choose another host, or vpc host set h2 --schedulable=true/],
  ['vnic plug db1 --account=shop --host=h1', /h1 takes no new guests while it is drained; choose another host, or vpc host undrain h1/],
  ['floating-ip create x --account=shop --pool=public --ip=203.0.114.1', /203\.0\.114\.1 is not in 203\.0\.113\.0\/28/],
  ['transit create x --from=f1 --to=f1', /to: a transit leads to another facility/],
  ['transit create x --from=f1 --to=f2', /the way from this facility to that one is taken: transit f1-to-f2 has it/],
  ['transit create x --from=f1 --to=f9', /there is no facility f9/],
]

test('what is typed wrong is refused: what, why, the way out; and nothing is made', async () => {
  Object.assign(process.env, api.env)
  const type = (line: string) => runHere('', line.split(' '))
  const { stdout } = await type('vnic get web1 --account=shop --json')
  const { mac } = JSON.parse(stdout) as { mac: string }
  api.do('host create h2 --facility=f2 --schedulable=false')
  api.do('host drain h1')
  const count = async (): Promise<unknown> => [
    await api.get('/vnics'),
    await api.get('/vpcs'),
    await api.get('/subnets?vpc=red&account=shop'),
  ]
  const before = await count()
  for (const [line, told] of mistakes) {
    const { code, failure } = await type(line.replace('WEB1', mac))
    assert.match(failure?.message ?? 'nothing', told, line)
    assert.ok(code > 0, line)
  }
  assert.deepEqual(await count(), before)
})

test('a wrong key in a document of 2 000 lines is named with its line; a plan that something overtook is not done', async () => {
  const file = join(api.directory, 'big.yaml')
  const vnics = Array.from(
    { length: 664 },
    (_, n) => `  - name: v${n}\n    subnet: s1\n    addresses: [10.50.${n >> 7}.${(n & 127) + 10}]\n`,
  )
  const document = `vpc:\n  name: big\n  account: shop\nsubnets:\n  - name: s1\n    network4: 10.50.0.0/16\nvnics:\n${vnics.join('')}`
  assert.ok(document.split('\n').length > 1999)
  writeFileSync(file, document.replace('v498\n    subnet:', 'v498\n    subent:'))
  const { failure } = await runHere('', ['cloud', 'apply', file])
  assert.match(failure!.message, /big\.yaml, line 1503: \/vnics\/498\/subent: there is no field 'subent'; did you mean subnet\?$/)
  writeFileSync(file, document.slice(0, document.indexOf('vnics:')))
  const planned = await runHere('', ['cloud', 'plan', file, '--json'])
  assert.equal(outputProblem('cloud plan', planned.stdout), undefined)
  const { plan } = JSON.parse(planned.stdout) as { plan: string }
  api.do('vpc create big --account=shop')
  const late = await runHere('', ['cloud', 'apply', file, `--plan=${plan}`])
  assert.match(late.failure!.message, /vpc big has changed since the plan was made, so nothing was done; look at the new plan/)
  assert.deepEqual(((await api.get('/subnets?vpc=big&account=shop')) as { items: unknown[] }).items, [])
})

test('questions about paths, audit records and hosts that are emptied print what their schemas say', async () => {
  Object.assign(process.env, api.env)
  const verdicts: string[] = []
  for (const line of [
    'why shop/web1 10.1.0.250',
    'why shop/web1 198.51.100.7',
    'why 198.51.100.7 shop/web1',
    'why shop/web1 shop/web1',
    'why shop/web1 shop/db1 --tcp=5432',
    'why --all=shop/red',
    'cloud audit --limit=1000',
    'host drain h2 --dry-run',
    'host drain h2',
    'host drain h2',
    'host undrain h2',
    'host evacuate h2 --fenced --dry-run',
    'host evacuate h2 --fenced',
  ]) {
    const { path, stdout, failure } = await runHere('', [...line.split(' '), '--json', ...(line.startsWith('why') ? away : [])])
    assert.equal(failure, undefined, line)
    assert.equal(outputProblem(path, stdout), undefined, line)
    const { verdict, ...more } = JSON.parse(stdout) as { verdict?: string }
    if (verdict !== undefined) verdicts.push(verdict)
    const printed = path === 'cloud audit' ? [{ ...Object.values(more)[0]!, more: 1 }] : { ...more, ...(verdict && { verdict }), more: 1 }
    assert.match(outputProblem(path, JSON.stringify(printed)) ?? 'none', /more|Invalid/, `${line}, with a field more`)
  }
  assert.ok(verdicts.includes('blocked'), verdicts.join())
})

test('the OCI hook looks the name of an allowed subnet up once', async () => {
  Object.assign(process.env, api.env)
  const config = readConfig(JSON.stringify({ cniVersion: versions[0], name: 'oci', subnet: 'shop/red/web' }))
  const { server, token } = currentContext(undefined)
  const lookups = async (): Promise<number> => {
    const body = await (await fetch(`${server}/metrics`, { headers: { authorization: `Bearer ${token}` } })).text()
    return Number(/^\S*requests_total\{method="GET",kind="subnet",status="200"\} (\d+)/m.exec(body)?.[1] ?? 'none')
  }
  const before = await lookups()
  const found = await checkSubnet({ subnets: ['shop/red/web'] }, config, 'hook.yaml')
  assert.deepEqual([found?.name, (await lookups()) - before], ['web', 1])
  await assert.rejects(checkSubnet({ subnets: ['shop/red/db'] }, config, 'hook.yaml'), /may not name subnet shop\/red\/web/)
})
