/**
 * Guests on two hosts notice nothing while vpcd is killed and started, replaced by a newer version, or by one that does
 * not load. Needs root.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { daemonArgv, startDaemon, waitForDaemon } from '#lab/host-daemon.ts'
import { readState, writeState } from '#lab/lab-state.ts'
import { endProcesses } from '#lab/end-processes.ts'
import type { ProcessMark } from '#system/process-mark.ts'
import { run } from '#lab/program.ts'
import { tableSizes } from '#datapath/table-sizes.ts'
import { linkInfo } from '#kernel/bpf-link.ts'
import { getPinned } from '#kernel/bpf.ts'
import { close } from '#kernel/libc.ts'
import { ScratchLab } from '../lab/scratch-lab.ts'
import { assertNothingLost, countDuring, twoHosts } from './counted-traffic.ts'
import { installOlder } from './install-older.ts'
import { compileOlder, compileVersion } from './program-versions.ts'

let lab: ScratchLab
let directory: string

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-versions-'))
  lab = await ScratchLab.up(twoHosts)
})
after(async () => {
  await lab?.[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

const hosts = ['h1', 'h2'] as const
type HostName = (typeof hosts)[number]

async function markOf(host: HostName): Promise<ProcessMark> {
  return (await readState(lab.name))!.daemons[host]!
}

async function end(host: HostName, signal: NodeJS.Signals): Promise<void> {
  const mark = await markOf(host)
  process.kill(mark.pid, signal)
  assert.deepEqual(await endProcesses([mark], 5000), [])
}

async function note(host: HostName, mark: ProcessMark): Promise<void> {
  const state = (await readState(lab.name))!
  await writeState({ ...state, daemons: { ...state.daemons, [host]: mark } })
  await waitForDaemon(lab.host(host), mark)
}

const start = async (host: HostName, ...options: string[]): Promise<void> => note(host, await startDaemon(lab.host(host), options))

/** Numbers of the programs that run, by the pins of their links. */
function programs(host: HostName): Record<string, number> {
  const links = join(lab.host(host).bpffs, 'links')
  const found = readdirSync(links).map((name) => {
    const link = getPinned(join(links, name))
    try {
      return [name, linkInfo(link).progId] as const
    } finally {
      close(link)
    }
  })
  return Object.fromEntries(found)
}

async function assertSound(): Promise<void> {
  for (const host of hosts) {
    await using mgmt = await lab.vpc(host).mgmt()
    assert.deepEqual((await mgmt.audit()).items, [], host)
  }
}

/** One of them each day; `npm test` of the day before had the other. VPC_STEPS=all takes both. */
const olderVersions = ['otherLayouts', 'first'] as const
const older = olderVersions.filter((_, i) => process.env['VPC_STEPS'] === 'all' || i === Math.floor(Date.now() / 86_400_000) % 2)

const count = (work: () => Promise<void>): ReturnType<typeof countDuring> =>
  countDuring(lab.netns('red1'), lab.netns('red2'), '10.0.0.2', work)

suite('not one datagram is lost and the connection stays', () => {
  test('while both vpcd are killed and started, time and again', async () => {
    const result = await count(async () => {
      for (let round = 0; round < 3; round++) {
        for (const host of hosts) {
          await end(host, 'SIGKILL')
          await start(host)
        }
      }
    })
    assertNothingLost(result, 500)
    await assertSound()
  })

  test('while a newer version takes the place of the programs', async () => {
    const newer = compileVersion('newer', join(directory, 'newer'))
    const before = hosts.map(programs)
    const result = await count(async () => {
      for (const host of hosts) {
        await end(host, 'SIGTERM')
        await start(host, '--object-dir', newer)
      }
    })
    assertNothingLost(result, 200)
    for (const [i, host] of hosts.entries()) {
      const now = programs(host)
      assert.deepEqual(Object.keys(now), Object.keys(before[i]!))
      for (const [pin, id] of Object.entries(now)) assert.notEqual(id, before[i]![pin], `${pin} still has the program of before`)
    }
    await assertSound()
  })

  for (const version of older) {
    test(`while an older version is replaced whose tables lie otherwise: '${version}'`, async () => {
      const objects = compileOlder(version, directory)
      const changed = new Set<string>()
      for (const host of hosts) {
        await end(host, 'SIGTERM')
        for (const name of installOlder(lab.host(host).bpffs, objects)) changed.add(name)
      }
      const before = hosts.map(programs)
      const result = await count(async () => {
        for (const host of hosts) await start(host)
      })
      assertNothingLost(result, 200)
      for (const [i, host] of hosts.entries()) {
        const now = programs(host)
        assert.deepEqual(Object.keys(now), Object.keys(before[i]!))
        for (const [pin, id] of Object.entries(now)) assert.notEqual(id, before[i]![pin], `${pin} still has the program of before`)
        for (const name of changed) assert.match(await lab.log(host), new RegExp(`table ${name} has another layout and is built anew`))
      }
      if (version === 'otherLayouts') assert.ok(['fdb', 'ports', 'stats'].every((name) => changed.has(name)))
      await assertSound()
    })
  }

  test('while every table gets another size, and the one of before again', async () => {
    const names = Object.entries(tableSizes)
    const result = await count(async () => {
      for (const more of [1, 0]) {
        for (const host of hosts) {
          await end(host, 'SIGTERM')
          await start(host, ...names.flatMap(([name, { entries }]) => ['--table', `${name}=${entries + more}`]))
        }
      }
    })
    assertNothingLost(result, 300)
    assert.match(await lab.log('h1'), /table fdb takes 262145 entries now/)
    await assertSound()
  })

  test('while a version that does not load is started, which says so and changes nothing', async () => {
    const refused = compileVersion('refused', join(directory, 'refused'))
    const before = hosts.map(programs)
    const result = await count(async () => {
      await end('h1', 'SIGTERM')
      const { code, stderr } = await run([...daemonArgv(lab.host('h1')), '--object-dir', refused], { timeoutMs: 20_000 })
      assert.equal(code, 1)
      assert.match(stderr, /vpc: the programs in \S+ do not load, so the old ones go on: .*R9 !read_ok/)
      assert.deepEqual(hosts.map(programs), before)
      await start('h1')
    })
    assertNothingLost(result, 200)
    await assertSound()
  })
})

test('an object that was not committed is gone after a kill, and its device with it', async () => {
  await using held = await lab.vpc('h1').openVmnic('07f95a11-6788-2ae7-c306-ba95cff1db38', { create: true })
  assert.equal((await held.describe()).device, 'vmnic0')
  await end('h1', 'SIGKILL')
  await start('h1')
  await using mgmt = await lab.vpc('h1').mgmt()
  assert.equal(await mgmt.count('vmnic'), 0)
  assert.notEqual((await lab.run('h1', 'ip', 'link', 'show', 'vmnic0')).code, 0)
  await assertSound()
})

test('a vpcd that is killed at the steps of an apply leaves all of it or nothing', async () => {
  const host = lab.host('h1')
  await using mgmt = await lab.vpc('h1').mgmt()
  const before = await mgmt.export()
  const wanted = {
    ...before,
    hostifs: [
      ...(before['hostifs'] as object[]),
      ...['1f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c3', '2f3e1cc2-9d0c-4f8e-a40b-4a6d2ad1f0c4'].map((id) => ({ id })),
    ],
  }
  const devices = (document: object): number => ((document as { hostifs: object[] }).hostifs ?? []).length
  // A start takes some steps itself: the later ones of these belong to the apply.
  for (const at of [14, 19, 23, 27]) {
    await end('h1', 'SIGKILL')
    const main = join(import.meta.dirname, '../../src/daemon/main.ts')
    const argv = daemonArgv(host)
    const enter = argv.slice(0, argv.indexOf('--') + 1)
    const [file, ...words] = [...enter, process.execPath, main, ...argv.slice(argv.indexOf('daemon') + 1), '--kill-at-step', String(at)]
    const dying = spawn(file!, words, { stdio: 'ignore' })
    const over = new AbortController()
    dying.once('exit', () => over.abort())
    const ended = new Promise((resolve) => dying.once('exit', resolve))
    await tryApply(wanted, over.signal)
    dying.kill('SIGKILL')
    await ended
    await start('h1')
    await using again = await lab.vpc('h1').mgmt({ write: true })
    assert.deepEqual((await again.audit()).items, [], `step ${at}`)
    const now = await again.export()
    assert.ok([devices(before), devices(wanted)].includes(devices(now)), `step ${at}: ${JSON.stringify(now)}`)
    await again.apply(before)
  }
})

/** Apply on a vpcd that may end meanwhile. */
async function tryApply(document: Readonly<Record<string, unknown>>, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    try {
      await using mgmt = await lab.vpc('h1').mgmt({ write: true })
      await mgmt.apply(document)
      return
    } catch {
      // It has not come to listen, or it has just died.
      await sleep(20)
    }
  }
}
