/**
 * How far each program is from the million instructions at which the kernel's verifier refuses it. Kernels differ in
 * what they follow, so a part stays free. A program that is near also takes long to load, at each start of vpcd.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { builtObjects } from '../../test/bpf/built-objects.ts'
import { progInfo } from '#kernel/bpf-program.ts'
import { BpfObject } from '#kernel/libbpf.ts'
import { objectNames } from './hook.ts'

const most = 150_000

for (const name of objectNames)
  test(`the programs of ${name} are verified within ${most} instructions`, (context) => {
    using object = BpfObject.open(join(builtObjects(), `${name}.o`))
    object.load()
    for (const program of object.programs()) {
      const { verifiedInstructions } = progInfo(object.program(program).fd)
      context.diagnostic(`${program}: ${verifiedInstructions}`)
      assert.ok(verifiedInstructions > 0 && verifiedInstructions < most, `${program}: ${verifiedInstructions}`)
    }
  })
