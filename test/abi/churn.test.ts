/** 100 000 opens and closes by system call leave vpcd's memory and descriptors where they were. Needs root. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { Programs, runUnder } from './program.ts'

const residentKb = ({ pid }: Daemon): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])

test('100 000 opens and closes leave memory and descriptors where they were', async () => {
  await using host = TestHost.create()
  using programs = new Programs()
  const daemon = await host.start()
  const churn = async (rounds: number): Promise<void> => {
    const ran = await runUnder(host.socketPath, [programs.compile('churn'), String(rounds)])
    assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
    await using mgmt = await host.vpc.mgmt()
    assert.equal(await mgmt.count('any'), 0)
  }
  // What is compiled and cached while it warms up is not a leak.
  await churn(10_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = { descriptors: host.descriptorsOf(daemon), resident: residentKb(daemon) }
  await churn(100_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(host.descriptorsOf(daemon), before.descriptors)
  const grown = residentKb(daemon) - before.resident
  assert.ok(grown < 24_000, `from ${before.resident} by ${grown} kB`)
})
