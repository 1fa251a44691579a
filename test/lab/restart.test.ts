/** vpcd stops, dies and starts again: guests never notice, and it finds everything again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, suite, test } from 'node:test'
import type { ObjectInfo, SourceStats } from '#abi/info.ts'
import { startDaemon, waitForDaemon } from '#lab/host-daemon.ts'
import { readState, writeState } from '#lab/lab-state.ts'
import { summarize } from '#lab/lab-list.ts'
import { netnsPath } from '#lab/names.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { isRunning, type ProcessMark } from '#system/process-mark.ts'
import { inNetns } from '#lab/program.ts'
import { probeAll } from '#lab/reachability.ts'
import { wrong } from '#lab/matrix.ts'
import { ScratchLab, twoCustomers } from './scratch-lab.ts'

let lab: ScratchLab
before(async () => {
  lab = await ScratchLab.up(twoCustomers)
})
after(async () => lab?.[Symbol.asyncDispose]())

const everything = async (host: string): Promise<ObjectInfo[]> => {
  await using mgmt = await lab.vpc(host).mgmt()
  const infos = await mgmt.describeAll()
  return infos.map((info) => ({ ...info, descriptors: 0 })).toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

const counters = async (host: string): Promise<SourceStats[]> => {
  await using mgmt = await lab.vpc(host).mgmt()
  return await mgmt.stats()
}

/** The tables that no description shows. */
const tables = async (name: string): Promise<unknown> => {
  const host = lab.host(name)
  await using mux = await lab.vpc(name).openMux(host.muxId)
  const neighbours = await Promise.all(
    host.switches.map(async ({ id }) => {
      await using sw = await lab.vpc(name).openSwitch(id)
      return (await sw.neighbours()).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    }),
  )
  return { neighbours, entries: (await mux.entries()).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) }
}

async function markOf(host: string): Promise<ProcessMark> {
  const state = await readState(lab.name)
  return state!.daemons[host]!
}

async function restart(host: string): Promise<void> {
  const mark = await startDaemon(lab.host(host))
  const state = (await readState(lab.name))!
  await writeState({ ...state, daemons: { ...state.daemons, [host]: mark } })
  await waitForDaemon(lab.host(host), mark)
}

/** Ping all the time while something happens; gives how many were lost. */
async function lostDuring(from: string, address: string, work: () => Promise<void>): Promise<{ sent: number; lost: number }> {
  const [file, ...args] = inNetns(netnsPath(lab.netns(from)), ['ping', '-n', '-i', '0.01', address]) as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const ended = new Promise((resolve) => child.once('close', resolve))
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await work()
  } finally {
    child.kill('SIGINT')
    await ended
  }
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(output) ?? []
  assert.ok(sent !== undefined, output)
  // The answer to the last request may still be on its way when ping is stopped.
  return { sent: Number(sent), lost: Math.max(0, Number(sent) - Number(received) - 1) }
}

for (const [how, signal] of [
  ['stopped', 'SIGTERM'],
  ['killed', 'SIGKILL'],
] as const)
  suite(`vpcd ${how}`, () => {
    test('no ping is lost while it is away and comes back, and it finds everything again', async () => {
      const [objectsBefore, tablesBefore, statsBefore] = [await everything('h1'), await tables('h1'), await counters('h1')]
      const { sent, lost } = await lostDuring('red1', '10.0.0.2', async () => {
        const mark = await markOf('h1')
        process.kill(mark.pid, signal)
        assert.deepEqual(await endProcesses([mark], 5000), [])
        assert.equal(isRunning(mark), false)
        assert.match(summarize((await readState(lab.name))!).problems.join(), /vpcd not running on h1/)
        // Only h2 has counters now, so only pings count.
        assert.deepEqual(wrong(await probeAll(lab.plan.guests)), [], 'with vpcd away')
        await restart('h1')
      })
      assert.ok(sent > 50, `only ${sent} pings`)
      assert.equal(lost, 0, `${lost} of ${sent} pings were lost`)
      assert.deepEqual(await everything('h1'), objectsBefore)
      assert.deepEqual(await tables('h1'), tablesBefore)
      const count = (stats: SourceStats[]): number => stats.reduce((sum, { rxPackets }) => sum + rxPackets, 0)
      assert.ok(count(await counters('h1')) >= count(statsBefore) + sent, 'counters went on')
    })

    test('afterwards it does what it did before', async () => {
      await lab.assertReachability()
      await using sw = await lab.vpc('h1').openSwitch(lab.host('h1').switches[0]!.id, { write: true })
      await sw.setUp(false)
      assert.notEqual((await lab.run('red1', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.3')).code, 0)
      await sw.setUp(true)
      await lab.must('red1', 'ping', '-n', '-c', '1', '-W', '1', '10.0.0.3')
    })
  })
