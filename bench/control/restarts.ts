/**
 * Packets lost while vpcd is killed and started under load, 100 times: guests of two hosts send datagrams by number and
 * keep a connection open. Prints how many were lost, which must be 0. `--rounds N`, `--json FILE`.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { startDaemon, waitForDaemon } from '#lab/host-daemon.ts'
import { readState, writeState } from '#lab/lab-state.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { ScratchLab } from '../../test/lab/scratch-lab.ts'
import { countDuring, twoHosts, type Count } from '../../test/recovery/counted-traffic.ts'

/** Kill a host's vpcd and have another in its place. */
async function restart(lab: ScratchLab, host: string): Promise<void> {
  const state = (await readState(lab.name))!
  const mark = state.daemons[host]!
  process.kill(mark.pid, 'SIGKILL')
  assert.deepEqual(await endProcesses([mark], 5000), [])
  const next = await startDaemon(lab.host(host))
  await writeState({ ...state, daemons: { ...state.daemons, [host]: next } })
  await waitForDaemon(lab.host(host), next)
}

/** Count over this many restarts, of one host and the other in turn. */
export async function measureRestarts(
  rounds: number,
): Promise<Count & { readonly restarts: number; readonly lost: number; readonly restartMs: number }> {
  await using lab = await ScratchLab.up(twoHosts)
  const start = performance.now()
  const count = await countDuring(lab.netns('red1'), lab.netns('red2'), '10.0.0.2', async () => {
    for (let round = 0; round < rounds; round++) await restart(lab, round % 2 === 0 ? 'h1' : 'h2')
  })
  const restartMs = Math.round((performance.now() - start) / rounds)
  return { restarts: rounds, lost: count.sent - count.received, restartMs, ...count }
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '100' }, json: { type: 'string' } } })
  const result = await measureRestarts(Number(values.rounds))
  const { restarts, sent, lost, lines, echoed, broken, restartMs } = result
  process.stdout.write(
    `${restarts} restarts (${restartMs} ms each): ${lost} of ${sent} datagrams lost; ${lines - echoed} of ${lines} lines over one TCP connection\n`,
  )
  if (broken !== '') process.stdout.write(`the connection broke: ${broken}\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), ...result }, null, 2)}\n`)
  if (lost !== 0 || lines !== echoed || broken !== '') process.exitCode = 1
}
