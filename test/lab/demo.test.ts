/** The demo as a person runs it, except for the name of its lab: somebody may keep one up. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'node:test'
import { bringDown } from '#lab/lab-down.ts'
import { readLabFile } from '#lab/lab-file.ts'
import { planLab } from '#lab/plan.ts'
import { run } from '#lab/program.ts'
import { assertGone, scratchName } from './scratch-lab.ts'

const name = scratchName()
const program = [process.execPath, fileURLToPath(new URL('../../scripts/demo-lab.ts', import.meta.url)), '--name', name]
const plan = planLab({ ...(await readLabFile(fileURLToPath(new URL('../../examples/demo.yaml', import.meta.url)))), name })

test('a cloud of two machines by the commands that people type: all is as it should be, and nothing is left', async () => {
  const cloud = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))
  const { code, stdout, stderr } = await run([process.execPath, cloud], { timeoutMs: 240_000 })
  assert.equal(code, 0, stdout + stderr)
  assert.match(stdout, /✓ red1 on h1 reaches red2 on h2/)
  assert.match(stdout, /sg_denied .*vnic default\/red2 \(group default\/web\)/)
  assert.match(stdout, /✓ red3 has asked by DHCP: .*lease of 10\.0\.1\.10 obtained/)
  assert.match(stdout, /✓ red1 on h1 .* reaches red3 on h2 .* over the router/)
  assert.match(stdout, /✓ red3 reaches 203\.0\.113\.254, by a public address/)
  assert.match(stdout, /to allow it: vpc cloud group set default\/db --add-rule='direction=in protocol=tcp ports=5432/)
  assert.match(stdout, /All is as it should be/)
  assert.doesNotMatch((await run(['ip', 'netns'])).stdout, /demo\d/)
})

test('it shows what it should within a minute, exits with 0 and leaves nothing', async () => {
  const began = performance.now()
  const { code, stdout, stderr } = await run(program, { timeoutMs: 120_000 })
  assert.equal(code, 0, stdout + stderr)
  assert.ok(performance.now() - began < 60_000, 'it took longer than a minute')
  assert.match(stdout, /26 of 56 pairs reach each other/)
  assert.match(stdout, /Gb\/s: .* from red1 on h1 to red3 on h3/)
  assert.match(stdout, /10\.0\.1\.2:5432 from 10\.0\.0\.2, allowed by rule 10 of group1 \(db\)/)
  assert.match(stdout, /sg_denied into vpcp\d+ \(group1 \(db\)\): none of the 2 rules for in allows this packet from 10\.0\.0\.1/)
  assert.match(stdout, /red2 gets a connection to 198\.51\.100\.7, which sees it come from 203\.0\.113\.12/)
  assert.match(stdout, /gets a connection from 203\.0\.113\.2, which red's guests share/)
  assert.match(stdout, /ENCAPSULATED/)
  assert.match(stdout, /All is as it should be/)
  await assertGone(plan)
})

test('with --keep it leaves the lab up and says how to look around and take it down', async () => {
  try {
    const { code, stdout, stderr } = await run([...program, '--keep'], { timeoutMs: 120_000 })
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /lab exec red1 -- ping -c 3 10.0.0.3/)
    assert.ok(stdout.includes(`lab down ${name}`))
    assert.equal((await run(['nsenter', `--net=/run/netns/${name}-red1`, 'ping', '-n', '-c', '1', '10.0.0.3'])).code, 0)
  } finally {
    await bringDown(plan.name)
  }
  await assertGone(plan)
})

test('interrupted, it takes everything down', async () => {
  const [file, ...args] = program as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  child.stdout.on('data', (chunk: Buffer) => chunk.includes('2/7') && child.kill('SIGINT'))
  assert.equal(await new Promise((resolve) => child.once('close', resolve)), 130)
  await assertGone(plan)
})
