/** `vpc api`, `vpc login` and `vpc cloud` as people use them: real processes, with and without TLS. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { runVpc, vpcPath } from './run-vpc.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-cloud-'))
const env = { XDG_CONFIG_HOME: join(directory, 'config'), VPC_API: '', VPC_TOKEN: '' }
const state = join(directory, 'state')
let api: ChildProcess
let url: string

/** Start `vpc api`, and wait until it says where it listens. */
async function start(...args: string[]): Promise<[ChildProcess, string]> {
  const child = spawn(
    vpcPath,
    ['api', '--state-dir', state, ...(args.includes('--port') ? [] : ['--port', '0']), '--agent-listen', '127.0.0.1:0', '--json', ...args],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  )
  for await (const line of createInterface(child.stdout!)) return [child, (JSON.parse(line) as { url: string }).url]
  throw new Error('the API ended')
}

async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  child.kill(signal)
  return ended
}

const vpc = (line: string) =>
  runVpc(
    line.match(/(?:'[^']*'|[^\s'])+/g)!.map((word) => word.replaceAll("'", '')),
    { env },
  )
function ok(line: string): string {
  const { code, stdout, stderr } = vpc(line)
  assert.equal(code, 0, `${line}: ${stderr}`)
  return stdout
}
function refused(code: number, line: string): string {
  const ran = vpc(line)
  assert.equal(ran.code, code, `${line}: ${ran.stdout}${ran.stderr}`)
  return ran.stderr
}

before(async () => {
  ;[api, url] = await start()
})
after(async () => {
  await stop(api)
  rmSync(directory, { recursive: true })
})

test('the first start writes a token for its owner alone, and the login keeps it so', () => {
  assert.match(refused(5, 'vpc list'), /not logged in.*vpc login --server URL/)
  assert.equal(statSync(join(state, 'admin-token')).mode & 0o777, 0o600)
  assert.match(ok(`login --server=${url} --token-file=${join(state, 'admin-token')}`), /logged in to http.* as admin/)
  assert.equal(statSync(join(env.XDG_CONFIG_HOME, 'vpc/contexts.json')).mode & 0o777, 0o600)
  assert.match(ok('context list'), / default +http:\S+ +yes/)
  const whole = `admin\\nadmin of the whole cloud\\nthe token expires at \\S+\\nasked ${RegExp.escape(url)}, context default\\n`
  assert.match(ok('whoami'), new RegExp(`^${whole}$`))
  const { principal, account, roles, context, server } = JSON.parse(ok('whoami --json'))
  assert.deepEqual([principal.name, account, context, server], ['admin', null, 'default', url])
  assert.deepEqual(roles, [{ role: 'admin', org: null, account: null, vpc: null, scopeId: null }])
  assert.match(refused(2, 'whoami --context=nosuch'), /there is no context nosuch; there are default/)
})

test('a vpc by names: made, found to be so, listed, changed, refused, destroyed', () => {
  ok('org create acme')
  ok('account create shop --org=acme')
  assert.match(ok('vpc create red --account=shop'), /^created vpc red/)
  assert.match(ok('vpc create red --account=shop'), /^unchanged: vpc red/)
  ok('cloud subnet create web --vpc=red --network4=10.0.0.0/24 --network6=auto')
  ok(`cloud group create app --account=shop --rule='direction=in protocol=tcp ports=80,443 cidr=10.0.0.0/8' --label=tier=web`)
  const [group] = JSON.parse(ok('cloud group list --json')) as any[]
  assert.deepEqual([group.rules[0].ports, group.rules[0].peers, group.labels], [['80', '443'], [{ cidr: '10.0.0.0/8' }], { tier: 'web' }])
  assert.match(
    ok('vnic create v1 --account=shop --subnet=web --group=app --address=10.0.0.9'),
    /^created vnic v1 \(\S+\): 02:\S+ 10\.0\.0\.9\n$/,
  )
  assert.match(ok('vnic list --vpc=red'), / v1 +\S+ +web +02:\S+ +10\.0\.0\.9 +app +unplugged/)
  assert.match(ok('vnic create v2 --account=shop --subnet=web --dry-run'), /^would create vnic v2\n[^]* addresses +auto\n/)
  assert.match(ok('vpc set red --mtu=1400'), /^changed vpc red/)
  assert.match(ok('vpc set red --mtu=1400'), /^unchanged/)
  assert.match(ok('vpc set red --unset=mtu'), /^changed vpc red/)
  assert.match(
    refused(4, 'vpc destroy red'),
    /^vpc: cannot destroy vpc red: vpc red is used by subnet web; destroy or change those first\n$/,
  )
  // A program reads who uses it, and which field is wrong.
  const { error } = JSON.parse(refused(4, 'vpc destroy red --json'))
  assert.deepEqual([error.code, error.users.map(({ name }: any) => name), error.count], ['in-use', ['web'], 1])
  const wrong = JSON.parse(refused(1, 'vnic create v2 --account=shop --subnet=nowhere --json')).error
  assert.deepEqual([wrong.fields[0].pointer, typeof wrong.request], ['/subnet', 'string'])
  assert.match(refused(4, 'vpc create red --account=shop --resolution=push'), /exists with other settings[^]*resolution +push +auto/)
  ok('vnic destroy v1')
  assert.match(ok('vnic destroy v1'), /^unchanged: there is no vnic v1/)
})

test('--wait ends when the hosts follow, and names those that do not', () => {
  ok('vnic create w1 --account=shop --subnet=web')
  assert.match(ok('vnic set w1 --mtu=1400 --wait'), /^changed vnic w1/)
  for (const line of ['region create north', 'facility create f1 --region=north', 'host create h1 --facility=f1']) ok(`cloud ${line}`)
  const late = refused(1, 'vnic plug w1 --host=h1 --wait --timeout=100ms')
  assert.match(late, /^vpc: did plug vnic w1 in on h1, but a host does not follow yet: host h1: its agent is not connected/)
  assert.match(ok('vnic plug w1 --host=h1'), /^unchanged/)
  assert.match(refused(1, 'vnic unplug w1 --wait --timeout=1h'), /no time up to 5m/)
  assert.match(ok('vnic get w1'), /state +binding/)
  assert.match(refused(4, 'vnic destroy w1'), /vnic w1 is used by host h1; unplug it first \(.*vpc vnic unplug\)/)
  ok('vnic unplug w1')
  ok('vnic destroy w1 --wait')
})

test('a file may have the body, and a wrong key in it is named', () => {
  const file = join(directory, 'group.yaml')
  writeFileSync(file, 'account: shop\nrules:\n  - direction: in\n    protocol: udp\n    ports: ["53"]\n')
  assert.match(ok(`cloud group create dns -f ${file}`), /^created group dns/)
  // One wrong key in 2 000 lines.
  const rules = Array.from(
    { length: 250 },
    (_, i) =>
      `  - direction: in\n    protocol: tcp\n    ${i === 200 ? 'port' : 'ports'}:\n      - "${i + 1}"\n    peers:\n      - cidr: 10.0.0.0/8\n      - cidr: 10.${i}.0.0/16\n    note: x\n`,
  )
  writeFileSync(file, `account: shop\nrules:\n${rules.join('')}`)
  const wrong = refused(1, `cloud group create other -f ${file}`)
  assert.match(wrong, /group\.yaml, line 1606: rules\.200\.port: there is no field 'port'; did you mean ports\?\n$/)
  assert.match(refused(2, 'cloud subnet create x --vpc=red --network4=10.0.0.1/8'), /host bits; the network is 10\.0\.0\.0\/8/)
})

test('a machine of this host is destroyed by the name of no other account', () => {
  for (const account of ['east', 'west']) ok(`account create ${account} --org=acme`)
  ok('cloud vm create db1 --account=west --type=kvm')
  const [{ id }] = JSON.parse(ok('cloud vm list --account=west --json')) as [{ id: string }]
  const kernel = join(directory, 'vmlinuz')
  writeFileSync(kernel, '')
  const here = `--vm-dir=${join(directory, 'vm')}`
  ok(`vm create --vm-id=${id} --kernel=${kernel} ${here}`)
  // As vpc vm create NAME has it, which would start the guest.
  const file = join(directory, 'vm', id, 'vm.json')
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), name: 'db1' }))
  assert.match(ok(`vm destroy db1 --account=east ${here}`), /^unchanged: there is no vm db1/)
  ok('cloud vm set db1 --account=west --rename=db2')
  assert.match(
    refused(4, `vm destroy db1 ${here}`),
    new RegExp(`^vpc: db1 on this host is vm db2 of another account or name.* vm destroy ${id}\n$`),
  )
  assert.equal(JSON.parse(ok(`vm get db1 ${here} --json`)).id, id)
  assert.match(ok(`vm destroy ${id.slice(0, 8)} ${here}`), /^destroyed vm/)
  assert.match(ok(`vm destroy db1 ${here}`), /^unchanged/)
  assert.deepEqual(JSON.parse(ok(`vm list ${here} --json`)), [])
  // A name of the cloud goes before the beginning of an id.
  const other = 'deadbeef-0000-4000-8000-000000000001'
  ok(`vm create --vm-id=${other} --kernel=${kernel} ${here}`)
  ok('cloud vm create deadbeef --account=west --type=kvm')
  assert.match(ok(`vm destroy deadbeef ${here}`), /^destroyed vm deadbeef/)
  assert.equal(JSON.parse(ok(`vm get ${other} ${here} --json`)).id, other)
  assert.match(ok(`vm destroy deadbeef --account=west ${here}`), /^unchanged/)
  assert.match(ok(`vm destroy deadbeef ${here}`), new RegExp(`^destroyed machine ${other}`))
})

test('words that mean a thing of this host say how to get one of the cloud', () => {
  assert.match(refused(2, 'subnet create web --vpc=red'), /for a subnet of a cloud, vpc cloud subnet create/)
  assert.match(
    refused(2, 'group list app'),
    /vpc group get app shows one, vpc group list --switch-id=app those of a switch; for a group of a cloud, vpc cloud group list/,
  )
})

test('a whole vpc as a document: plan, apply, export, what is wrong in it, and documents of a host', () => {
  const file = join(directory, 'blue.yaml')
  const vnics = Array.from(
    { length: 500 },
    (_, i) => `  - name: v${i}\n    subnet: web\n    groups: []\n    ${i === 321 ? 'queue' : 'queues'}: 2\n`,
  )
  writeFileSync(file, `vpc: { name: blue, account: shop }\nsubnets:\n  - { name: web, network4: 10.0.0.0/22 }\nvnics:\n${vnics.join('')}`)
  // One wrong key in 2 000 lines.
  const wrong = refused(1, `plan ${file}`)
  assert.match(wrong, /blue\.yaml, line 1292: \/vnics\/321\/queue: there is no field 'queue'; did you mean queues\?\n$/)
  writeFileSync(file, 'vpc: { name: blue, account: shop, mtu: 1400 }\nsubnets:\n  - name: web\n    network4: 10.0.0.0/22\n')
  const planned = ok(`plan ${file}`)
  assert.match(planned, /create +vpc +blue +ipv6Prefix auto, mtu 1400\n create +subnet +web +network4 10\.0\.0\.0\/22, gateway4 auto\n/)
  const [, last] = /\na dry run: nothing was done; 2 to create\. This and no more: vpc (.*)\n$/.exec(planned)!
  assert.match(ok(last!), /\ndone: 2 created\n$/)
  assert.match(ok(`cloud apply ${file}`), /^nothing was done: vpc blue matches the document\n$/)
  const done = vpc(last!)
  assert.deepEqual([done.code, done.stdout], [4, 'nothing is to be done: vpc blue matches the document\n'])
  assert.match(done.stderr, /cannot apply .*: the document or vpc blue has changed since the plan was made, so nothing was done/)
  const exported = ok('cloud export --vpc=blue')
  assert.match(exported, /\nvpc:\n  name: blue\n  mtu: 1400\n  account: shop\nsubnets:\n  - name: web\n    network4: 10\.0\.0\.0\/22\n$/)
  writeFileSync(file, exported)
  assert.match(ok(`plan ${file}`), /nothing would be done, vpc blue matches the document/)
  assert.deepEqual(JSON.parse(ok(`cloud apply ${file} --dry-run --json`)).changes, [])
  assert.match(refused(1, `apply ${file}`), /blue\.yaml:\d+: vpc: this is a document of a vpc of a cloud; vpc cloud apply takes it/)
  writeFileSync(file, `${exported}  - name: db\n    network4: 10.1.0.0/24\n    network4: 10.2.0.0/24\n`)
  const [, repeated] = /line (\d+): the key network4 stands here a second time; remove one$/m.exec(refused(2, `plan ${file}`))!
  assert.equal(Number(repeated), exported.split('\n').length + 2)
  writeFileSync(file, 'switches:\n  - id: x\n')
  assert.match(refused(1, `plan ${file}`), /blue\.yaml, line 2: .*'switches' are in documents of a host.*vpc apply FILE/)
  writeFileSync(file, exported.replace('    network4', '     network4'))
  assert.match(refused(2, `plan ${file}`), /blue\.yaml, line \d+: this line, or the next, is indented in another way/)
  writeFileSync(file, exported)
  assert.match(refused(1, `cloud apply ${file} --plan=x`), /it is not a plan; give the 64 digits that .* vpc cloud plan, has/)
})

/** A command that goes on, and its lines of JSON. */
function follow(line: string): { child: ChildProcess; next: () => Promise<any> } {
  const child = spawn(vpcPath, line.split(' '), { stdio: ['ignore', 'pipe', 'ignore'], env: { ...process.env, ...env } })
  const lines = createInterface(child.stdout!)[Symbol.asyncIterator]()
  return { child, next: async () => JSON.parse((await lines.next()).value as string) }
}

test('a watch goes on over the death of the API, and misses nothing', async () => {
  const { child, next } = follow('watch vpc --json')
  try {
    // It has begun once it tells of something.
    const first = next()
    for (let mtu = 1300; (await Promise.race([first, undefined])) === undefined && mtu < 1400; mtu++) {
      ok(`vpc set blue --mtu=${mtu}`)
      await Promise.race([first, new Promise((resolve) => setTimeout(resolve, 100))])
    }
    assert.equal((await first).resource.name, 'blue')
    await stop(api, 'SIGKILL')
    ;[api, url] = await start('--port', new URL(url).port)
    ok('vpc set blue --mtu=1500')
    for (let mtu = 0; mtu !== 1500;) {
      const { event, resource } = await next()
      assert.equal(event, 'put')
      mtu = resource.mtu
    }
    ok('cloud subnet destroy web --vpc=blue')
    ok('vpc destroy blue')
    // First its door closes, which shows as its state.
    const closing = await next()
    assert.deepEqual([closing.event, closing.resource.state], ['put', 'closing'])
    assert.equal((await next()).event, 'delete')
  } finally {
    await stop(child)
  }
})

test('killed in the middle it comes back with everything, and no second token', async () => {
  const first = readFileSync(join(state, 'admin-token'), 'utf8')
  await stop(api, 'SIGKILL')
  assert.match(refused(3, 'vpc list'), /cannot be reached/)
  ;[api, url] = await start()
  assert.equal(readFileSync(join(state, 'admin-token'), 'utf8'), first)
  ok(`login --server=${url} --token-file=${join(state, 'admin-token')}`)
  assert.match(ok('vpc list'), / red /)
  assert.match(refused(1, `api --state-dir ${state} --port 0`), /^vpc: /)
})

test('with a certificate it speaks TLS 1.3; without one it listens on this machine alone', async () => {
  assert.match(refused(1, `api --state-dir ${join(directory, 'second')} --listen 0.0.0.0 --port 0`), /in clear; give --tls-cert/)
  const [cert, key] = [join(directory, 'api.crt'), join(directory, 'api.key')]
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
      '-days',
      '2',
      '-keyout',
      key,
      '-out',
      cert,
      ...subject,
    ],
    { stdio: 'ignore' },
  )
  await stop(api)
  ;[api, url] = await start('--tls-cert', cert, '--tls-key', key)
  assert.match(url, /^https:/)
  const login = `login --server=${url} --token-file=${join(state, 'admin-token')}`
  assert.match(refused(3, login), /no authority that this machine trusts .*vpc login --ca=FILE, or VPC_CA=FILE/)
  assert.match(refused(3, login.replace('https:', 'http:')), /ended the connection without an answer; does it speak TLS \(https:/)
  assert.match(
    refused(3, `${login.replace('127.0.0.1', 'localhost')} --ca=${cert}`),
    /for 127\.0\.0\.1, and not for localhost; .*--server-name=127\.0\.0\.1/,
  )
  // What a program says, and an authority that this machine trusts.
  const token = readFileSync(join(state, 'admin-token'), 'utf8').trim()
  const named = { ...env, VPC_API: url.replace('127.0.0.1', 'localhost'), VPC_TOKEN: token, VPC_SERVER_NAME: '127.0.0.1' }
  for (const trust of ['VPC_CA', 'SSL_CERT_FILE']) {
    const { code, stderr } = runVpc(['vpc', 'list'], { env: { ...named, [trust]: cert } })
    assert.deepEqual([trust, code, stderr], [trust, 0, ''])
  }
  ok(`login --server=${url} --ca=${cert} --name=tls --token-file=${join(state, 'admin-token')}`)
  assert.match(ok('vpc list'), / red /)
  assert.match(ok('context use default'), /default is asked from now on/)
})
