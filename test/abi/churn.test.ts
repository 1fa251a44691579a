/** Opens and closes by system call, by the ten thousand, leave vpcd's memory and descriptors as they were. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { TestHost, type Daemon } from '../daemon/test-host.ts'
import { Programs, runUnder } from './program.ts'

const residentKb = ({ pid }: Daemon): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])

test('opens and closes by the ten thousand leave memory and descriptors where they were', async () => {
  await using host = TestHost.create()
  using programs = new Programs()
  const daemon = await host.start()
  const churn = async (rounds: number): Promise<void> => {
    const ran = await runUnder(host.socketPath, [programs.compile('churn'), String(rounds)])
    assert.deepEqual(ran, { code: 0, stdout: 'done\n', stderr: '' })
    await using mgmt = await host.vpc.mgmt()
    // What the program held when it ended goes when vpcd sees the end, which may be after this question.
    const deadline = Date.now() + 5000
    while ((await mgmt.count('any')) > 0) assert.ok(Date.now() < deadline, 'objects are left')
  }
  // What is compiled and cached while it warms up is not a leak.
  await churn(10_000)
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = host.descriptorsOf(daemon)
  // A leak grows with every open, so in each round; what the engine caches or puts off ends at some time.
  const grown: number[] = []
  while (grown.length < 8 && !grown.some((kB) => kB < 1500)) {
    const start = residentKb(daemon)
    await churn(15_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    grown.push(residentKb(daemon) - start)
  }
  assert.equal(host.descriptorsOf(daemon), before)
  assert.ok(Math.min(...grown) < 1500, `each 15 000 add ${grown.join(', ')} kB: at least 100 bytes for each`)
})
