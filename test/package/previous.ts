/**
 * The Debian package of an earlier version, VPC_PREVIOUS=FILE.deb, upgraded to this one under traffic, and back:
 * `VPC_PREVIOUS=FILE.deb npm run test:package -- test/package/previous.ts`. `npm run package` in an earlier commit
 * makes such a file.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { buildDeb } from '../../scripts/package/deb.ts'
import { architectureHere } from '../../scripts/package/native.ts'
import { PackageMachine } from './machine.ts'

const previous = process.env['VPC_PREVIOUS']
if (previous === undefined) throw new Error('VPC_PREVIOUS must name the package of an earlier version')
const out = mkdtempSync(join(tmpdir(), 'vpc-previous-'))
let machine: PackageMachine

before(async () => {
  const file = await buildDeb({ architecture: architectureHere(), version: '0.1.0-999', out, epoch: 1_800_000_000, level: 0 })
  machine = await PackageMachine.boot()
  cpSync(file, join(machine.root, 'srv/new.deb'))
  cpSync(previous, join(machine.root, 'srv/old.deb'))
})
after(async () => {
  await machine?.[Symbol.asyncDispose]()
  rmSync(out, { recursive: true, force: true })
})

const isServed = (): boolean => machine.try('vpc', 'list').stdout.includes('hostif1')
const journal = (): string =>
  machine.sh(`/usr/lib/vpc/now/node_modules/.bin/node --no-warnings -e '
    console.log(new (require("node:sqlite").DatabaseSync)("/var/lib/vpc/state.db").prepare("PRAGMA user_version").get().user_version)'`)

test('an upgrade from an earlier version, and back, loses no packet', async (t) => {
  machine.sh(`dpkg -i /srv/old.deb 2>&1; ip netns add a; ip netns add b
vpc switch create red --vni 5001
vpc attach red --netns a --address 10.0.0.1/24
vpc attach red --netns b --address 10.0.0.2/24
systemctl disable vpc-agent
ip netns exec a ping -c 1 -w 20 10.0.0.2
ip netns exec a ping -i 0.02 -w 280 10.0.0.2 >/srv/ping.log 2>&1 & echo $! >/srv/ping.pid`)
  const before = journal()
  machine.sh('dpkg -i /srv/new.deb 2>&1')
  await machine.until('the newer vpcd serves', isServed)
  assert.equal(machine.try('systemctl', 'is-enabled', 'vpc-agent').stdout.trim(), 'disabled')
  const after = journal()
  const back = machine.try('dpkg', '-i', '/srv/old.deb')
  t.diagnostic(`journal ${before.trim()}, then ${after.trim()}; the way back: status ${back.status}`)
  if (before === after) await machine.until('the older vpcd serves', isServed)
  else if (back.status === 0) {
    // A package from before the check: its vpcd refuses the journal and changes nothing.
    await machine.until('the older vpcd says why', () =>
      /has version \d+, this vpcd knows \d+/.test(machine.sh('journalctl -u vpcd --no-pager')),
    )
  } else {
    assert.match(back.stderr, /Nothing was changed/)
    assert.ok(isServed())
  }
  machine.sh('dpkg -i /srv/new.deb 2>&1')
  await machine.until('the newer vpcd serves again', isServed)
  machine.sh('kill -INT $(cat /srv/ping.pid); while kill -0 $(cat /srv/ping.pid) 2>/dev/null; do sleep 0.1; done')
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(machine.sh('cat /srv/ping.log'))!
  assert.ok(Number(sent) > 100, `${sent} sent`)
  assert.equal(received, sent)
})
