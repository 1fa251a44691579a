/**
 * Random scenes of routers, groups and NAT, and mutilated frames in them: nobody gets a frame that its sender may not
 * have sent, or that a router or a group forbids. A slow judge, which reads frames by our own codecs and rules one by
 * one, decides that; it says nothing of what is dropped. VPC_FUZZ_SCENES sets how many scenes, VPC_FUZZ_SEED which.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomness } from './frame-fuzz.ts'
import { Layer3World } from './layer3-world.ts'

const scenes = Number(process.env['VPC_FUZZ_SCENES'] ?? 12)
const seed = Number(process.env['VPC_FUZZ_SEED'] ?? 20261129)
const framesOfScene = 250

test(`${scenes} scenes of seed ${seed}: no frame is delivered against a rule`, (context) => {
  using world = new Layer3World()
  for (let i = 0; i < scenes; i++) {
    world.lay(randomness(seed * 1000 + i + 1))
    for (let frame = 0; frame < framesOfScene; frame++) world.step()
  }
  const { judged } = world
  context.diagnostic(JSON.stringify(judged))
  for (const [way, count] of Object.entries(judged))
    assert.ok(count >= scenes / 4, `only ${count} frames ${way}: the scenes miss something`)
  // One stranger in a thousand passes a shared port by chance, and more where it has many peers: docs/nat.md.
  assert.ok(world.strangers <= 3 + judged.byPort / 20, `${world.strangers} strangers`)
})
