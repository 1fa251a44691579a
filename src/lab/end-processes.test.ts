/** Marks of processes: a process that got a used pid is not the marked process. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { endProcesses } from './end-processes.ts'
import { isRunning, markProcess } from '#system/process-mark.ts'

/** A process that ignores SIGTERM, or not. */
async function sleeper(ignoresTerm: boolean): Promise<number> {
  const child = spawn('sh', ['-c', `${ignoresTerm ? "trap '' TERM;" : ''} echo up; while :; do sleep 0.1; done`], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child.pid!
}

test('a process has a mark while it runs', async () => {
  const mark = markProcess(await sleeper(false))!
  assert.equal(isRunning(mark), true)
  assert.deepEqual(await endProcesses([mark], 2000), [])
  assert.equal(isRunning(mark), false)
  assert.equal(markProcess(mark.pid), undefined)
})

test('one that ignores SIGTERM is killed', async () => {
  const mark = markProcess(await sleeper(true))!
  assert.deepEqual(await endProcesses([mark], 100), [])
  assert.equal(isRunning(mark), false)
})

test('a process of the same pid that started at another time is left alone', async () => {
  const mark = markProcess(await sleeper(false))!
  const older = { ...mark, startTicks: mark.startTicks - 1 }
  assert.equal(isRunning(older), false)
  assert.deepEqual(await endProcesses([older], 100), [])
  assert.equal(isRunning(mark), true)
  await endProcesses([mark], 2000)
})
