/**
 * The pages for people who install the Debian package, followed on two machines that boot: first steps, a second
 * machine, an upgrade and a way back under traffic, backup and restore, a boot, and leaving. `npm run test:package`.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { after, before, test, type TestContext } from 'node:test'
import { buildDeb } from '../../../scripts/package/deb.ts'
import { architectureHere } from '../../../scripts/package/native.ts'
import { dropInFile } from '#cli/up/api-config.ts'
import { missingIn } from '../../cli/machines.ts'
import { PageReader, stepsOf, type Ended, type Step } from '../../cli/shown-pages.ts'
import { textOf } from '../../sources.ts'
import { addresses, bootTwo } from '../two-machines.ts'

const out = join(import.meta.dirname, '../../../build/package/two-hosts')
const architecture = architectureHere()
let machines: Awaited<ReturnType<typeof bootTwo>>

before(async () => {
  mkdirSync(out, { recursive: true })
  const files: string[] = []
  for (const version of ['0.1.0-1', '0.1.0-2']) files.push(await buildDeb({ architecture, version, out, epoch: 1_800_000_000, level: 0 }))
  machines = await bootTwo()
  for (const { root } of Object.values(machines)) {
    for (const file of files) cpSync(file, join(root, 'srv', basename(file)))
    // Whoever types these lines says yes.
    writeFileSync(join(root, 'etc/apt/apt.conf.d/yes'), 'APT::Get::Assume-Yes "true";\n')
  }
})
after(async () => {
  for (const machine of Object.values(machines ?? {})) await machine[Symbol.asyncDispose]()
  rmSync(out, { recursive: true, force: true })
})

const on = (at: string): (typeof machines)['h1'] => machines[at as 'h1' | 'h2']

/** What it prints on both streams, in its order. */
function run(at: string, script: string): Ended {
  const { status, stdout } = on(at).try('sh', '-c', `exec 2>&1\ncd /srv\nset -e\n${script.replaceAll('_amd64', `_${architecture}`)}`)
  return { code: status, text: stdout }
}

const reader = new PageReader()

async function follow(page: string, isWanted: (step: Step) => boolean = () => true): Promise<void> {
  const steps = stepsOf(page, textOf(`docs/${page}.md`), true).filter(isWanted)
  assert.ok(steps.length > 0, page)
  for (const step of steps) {
    await reader.follow(step, (script) => run(step.at, script))
  }
}

/** A ping that goes on, from the container on h2 to the one on h1. What ends it holds that all were answered. */
async function pinging(t: TestContext): Promise<() => Promise<void>> {
  const { h2 } = machines
  h2.sh('ip netns exec app ping -n -i 0.05 -w 1200 10.0.0.11 >/srv/ping.log 2>&1 & echo $! >/srv/ping.pid')
  const log = (): string => h2.sh('grep ttl= /srv/ping.log || true')
  const answered = (): number => missingIn(log()).answered
  await h2.until('pings are answered', () => answered() > 5)
  return async () => {
    const before = answered()
    await h2.until('pings are still answered', () => answered() > before + 5)
    h2.sh('kill -INT $(cat /srv/ping.pid); while kill -0 $(cat /srv/ping.pid) 2>/dev/null; do sleep 0.1; done')
    assert.deepEqual(missingIn(log()).missing, [])
    t.diagnostic(`${answered()} pings, all answered`)
  }
}

const isActive = (at: string, unit: string): boolean => on(at).try('systemctl', 'is-active', unit).stdout.trim() === 'active'

test('first steps on one machine, with the package', () => follow('first-steps'))

test('what vpc up has started are the units of the package', () => {
  for (const unit of ['vpcd', 'vpc-issuer', 'vpc-api', 'vpc-agent']) assert.ok(isActive('h1', unit), unit)
  assert.match(run('h1', `cat ${dropInFile}`).text, new RegExp(` --listen=${RegExp.escape(addresses['h1']!)} .* --own-tls\n`))
  assert.equal(run('h1', 'dpkg --verify vpc').text, '')
  assert.match(run('h1', 'vpc up').text, /^unchanged: everything runs/)
  assert.equal(run('h1', 'ps -e -o unit:30=,args= | grep "/usr/lib/vp[c]" | grep -v "^vpc.*service" || true').text, '')
})

test('a cloud that was started by hand: vpc up leaves its API where it is, and brings all of it back', () => {
  const ok = (script: string): string => {
    const { code, text } = run('h2', script)
    assert.equal(code, 0, `${script}\n${text}`)
    return text
  }
  const refused = (script: string, why: RegExp): void => {
    const { code, text } = run('h2', script)
    assert.notEqual(code, 0)
    assert.match(text, why)
  }
  ok(`apt install ./vpc_0.1.0-1_amd64.deb; systemctl enable --now vpc-issuer vpc-api
vpc login --server=http://127.0.0.1:7473 --name=mine --token-file=/var/lib/vpc/api/admin-token`)
  assert.match(ok('vpc up'), /^started agent;[^]*the API is at http:\/\/127\.0\.0\.1:7473\n[^]*cannot join/m)
  ok(
    `test ! -e ${dropInFile}; vpc context use mine; vpc host list; vpc login --server=http://127.0.0.1:7473 --token-file=/var/lib/vpc/admin-token`,
  )
  ok('ip netns add own; vpc vnic attach own1 --subnet=default --netns=own')
  // The counter of a unit that has died before says nothing of this start.
  ok('kill -KILL $(systemctl show --property=MainPID --value vpc-agent); vpc up')
  assert.match(ok('vpc up --port=7500'), /http:\/\/127\.0\.0\.1:7500\n/)
  ok('vpc down')
  assert.match(ok('vpc up --address=203.0.113.2'), /^started issuer, api, agent;[^]*https:\/\/203\.0\.113\.2:7500\n/m)
  assert.match(ok('cat /proc/$(systemctl show --property=MainPID --value vpc-api)/cmdline | tr "\\0" " "'), / --listen=203\.0\.113\.2 /)
  ok('ip netns exec own ip link show eth0; cp /etc/vpc/api.yaml /srv/api.yaml; echo "port: 7600" >>/etc/vpc/api.yaml')
  refused('vpc up --port=7700', /--port=7700: \/etc\/vpc\/api\.yaml has the API at http:\/\/127\.0\.0\.1:7600/)
  assert.match(ok('vpc up'), /http:\/\/127\.0\.0\.1:7600\n/)
  ok(`test ! -e ${dropInFile}; echo "tls-cert: /srv/cert" >>/etc/vpc/api.yaml`)
  refused('vpc up', /api\.yaml says tls-cert/)
  ok('cp /srv/api.yaml /etc/vpc/api.yaml; vpc up --address=203.0.113.2; systemctl stop vpcd')
  assert.match(ok('vpc down --purge'), /^stopped agent, api, issuer, and removed their data; vpcd goes on/m)
  assert.equal(ok('vpc list --json | grep -c id || true; ls -d /etc/systemd/system/vpc-api* 2>/dev/null || true; dpkg --verify vpc'), '0\n')
  ok('ip netns del own; apt purge vpc; rm -r ~/.config/vpc /srv/api.yaml')
})

test('a second machine, with the package', () => follow('two-machines'))

test('an upgrade of both and a way back lose no packet', async (t) => {
  const isBack = (step: Step): boolean => step.script.includes('--allow-downgrades')
  const end = await pinging(t)
  await follow('upgrade', (step) => !isBack(step))
  for (const at of ['h1', 'h2']) assert.equal(run(at, "dpkg-query -f '${Version}' -W vpc").text, '0.1.0-2')
  await follow('upgrade', isBack)
  assert.equal(run('h2', "dpkg-query -f '${Version}' -W vpc").text, '0.1.0-1')
  await on('h2').until('the agent runs again', () => isActive('h2', 'vpc-agent'))
  await end()
})

test('backup and restore of the cloud of the package', () => follow('backup'))

test('both machines boot, and all is there again', async () => {
  await Promise.all(Object.values(machines).map((machine) => machine.stop()))
  await Promise.all(Object.values(machines).map((machine) => machine.start()))
  // A boot forgets namespaces; vpcd hands the interfaces over once they are there again.
  for (const [at, name] of [
    ['h1', 'web'],
    ['h1', 'db'],
    ['h2', 'app'],
  ] as const)
    run(at, `ip netns add ${name}`)
  await on('h2').until('one reaches the other', () => run('h2', 'ip netns exec app ping -c 1 -W 1 10.0.0.11').code === 0)
  await on('h1').until('both hosts are ready', () => (run('h1', 'vpc host list').text.match(/ ready /g) ?? []).length === 2)
  assert.match(run('h1', 'vpc up').text, /^unchanged: everything runs/)
})

test('a host leaves, the cloud goes, and the purge leaves nothing', async () => {
  await follow('uninstall', ({ script }) => !script.startsWith('rmdir '))
  for (const [at, machine] of Object.entries(machines)) {
    machine.sh('rm -r /srv/vpc_* ~/.config/vpc /var/lib/vpc-backup 2>/dev/null || true')
    const left = machine.sh(
      "find / -xdev -name '*vpc*' -not -path '/proc/*' -not -path '/sys/*'; find /sys/fs/bpf -mindepth 1 -not -name '*.debug'; getent passwd | grep vpc || true",
    )
    assert.equal(left, '', at)
    assert.doesNotMatch(machine.sh('ip -o link'), /\d: (vpc|sw-|hostif|vmnic|ethlink)/)
    assert.equal(machine.sh("systemctl list-unit-files --no-legend 'vpc*' || true; ps -e -o args= | grep '/usr/lib/vp[c]' || true"), '', at)
  }
})
