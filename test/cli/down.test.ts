/** What `vpc down --purge` leaves, and what `vpc up` says of a daemon that ends at once. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { startDaemon, untilReady } from '#cli/up/daemon-process.ts'
import type { Places } from '#cli/up/places.ts'
import { fileSentence } from '#system/file-problem.ts'
import { Machine, machines, removeMachines, until } from './machines.ts'
import { vpcPath } from './run-vpc.ts'
import { blocksOf } from './shown-pages.ts'

after(removeMachines)

test('a daemon that ends at once is quoted, and nothing that its log had before', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-up-'))
  const places: Places = { stateDir: '', agentStateDir: '', bpffs: '', socket: '', runDir: '', logDir: directory }
  try {
    writeFileSync(join(directory, 'api.log'), 'of an earlier run\n')
    const ends = startDaemon(places, { name: 'api', words: ['nosuch'] }).then((daemon) => untilReady(places, daemon, async () => false))
    await assert.rejects(ends, (error: Error) => {
      assert.match(error.message, /^api ended at once; it said:\nvpc: .*nosuch[^]*\nits log is \S+$/)
      assert.doesNotMatch(error.message, /earlier/)
      return true
    })
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('purge leaves the journal of a vpcd that somebody else started, and empties a mount point', async () => {
  const h4 = new Machine('h4')
  machines.push(h4)
  const [run, journal] = [join(h4.directory, 'run'), join(h4.state, 'state.db')]
  mkdirSync(h4.agentDir)
  execFileSync('mount', ['-t', 'tmpfs', 'none', h4.agentDir])
  const words = ['daemon', `--run-dir=${run}`, `--state-dir=${h4.state}`, `--bpffs=${h4.bpffs}`]
  const vpcd = spawn('nsenter', [`--net=/run/netns/${h4.netns}`, vpcPath, ...words], { stdio: 'ignore' })
  try {
    await until('vpcd answers', () => h4.run('list').code === 0)
    assert.match(h4.ok('up --name=h4'), /^started issuer, api, agent/)
    assert.match(h4.ok('down --purge'), /^stopped agent, api, issuer, and removed their data; the journal of vpcd stays: vpcd runs/)
    assert.deepEqual([readdirSync(h4.agentDir), existsSync(journal), existsSync(join(h4.state, 'log'))], [[], true, false])
    assert.equal(h4.run('list').code, 0)
    // The way of a failure in words: what rmSync of Node says of a mount point has no code.
    assert.throws(
      () => rmSync(h4.agentDir, { recursive: true }),
      (error: NodeJS.ErrnoException) => fileSentence(error) === `cannot remove '${h4.agentDir}': it is in use, or a mount point`,
    )
  } finally {
    const ended = once(vpcd, 'exit')
    vpcd.kill()
    await ended
    execFileSync('umount', [h4.agentDir])
  }
})

test('the block of README.md that needs no cloud works when it is pasted as a whole', () => {
  const leave = 'kill $!; wait; umount /var/lib; ip netns del red1; ip netns del red2'
  const paste = `mount -t tmpfs none /var/lib\ntrap '${leave}' EXIT\n${blocksOf('README', 'alone')[0]}`
  const env = { ...process.env, PATH: `${dirname(vpcPath)}/:${process.env.PATH}`, VPC_SOCKET: '' }
  const { status, stdout, stderr } = spawnSync('bash', ['-ec', paste], { encoding: 'utf8', env, timeout: 100_000 })
  assert.equal(status, 0, `${stdout}${stderr}`)
  assert.match(stdout, /3 packets transmitted, 3 received[^]*delivered to hostif1 in vpcp1/)
})
