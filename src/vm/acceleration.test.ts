import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accountOf, hypervisorAccount } from '#launch/user.ts'
import { chooseAcceleration, probeKvm } from './acceleration.ts'
import { bareArguments, qemuProgram } from './qemu-arguments.ts'

const root = accountOf('root')

test('what hangs is given up in time, whether QEMU or anything else', async () => {
  const began = performance.now()
  const verdict = await probeKvm(root, ['sleep', '60'], 300)
  assert.deepEqual(verdict, { works: false, why: 'a guest hung in /dev/kvm for 0.3 s' })
  assert.ok(performance.now() - began < 2000)
})

test('KVM itself is tried, and whatever it does, an answer comes in time', async () => {
  const began = performance.now()
  const words = [
    '-machine',
    'pc',
    '-accel',
    'kvm',
    '-m',
    '32M',
    '-chardev',
    'stdio,id=words',
    '-device',
    'isa-debugcon,iobase=0x402,chardev=words',
  ]
  const { works, why } = await probeKvm(root, [qemuProgram, ...bareArguments, ...words], 2000)
  assert.ok(works || why !== '')
  assert.ok(performance.now() - began < 5000)
})

test('firmware that comes to its end means that it works', async () => {
  const words = [
    '-machine',
    'pc',
    '-accel',
    'tcg',
    '-m',
    '32M',
    '-chardev',
    'stdio,id=words',
    '-device',
    'isa-debugcon,iobase=0x402,chardev=words',
  ]
  assert.deepEqual(await probeKvm(hypervisorAccount(), [qemuProgram, ...bareArguments, ...words], 20_000), { works: true, why: '' })
})

test('a program that is missing, and one that complains, are told', async () => {
  assert.match((await probeKvm(root, ['no-such-qemu'])).why, /no-such-qemu is not there; install it/)
  assert.deepEqual(await probeKvm(root, ['sh', '-c', 'echo qemu-system-x86_64: no luck >&2; exit 1']), { works: false, why: 'no luck' })
})

test('the choice is kept until the next boot; KVM that is insisted on and does not work is an error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-kvm-'))
  try {
    assert.deepEqual(await chooseAcceleration('tcg', root, directory), { acceleration: 'tcg', warning: undefined })
    const chosen = await chooseAcceleration('auto', root, directory)
    if (existsSync('/dev/kvm')) {
      const kept = JSON.parse(readFileSync(join(directory, 'kvm.json'), 'utf8'))
      assert.equal(kept.works, chosen.acceleration === 'kvm')
    }
    if (chosen.acceleration === 'kvm') return
    assert.match(chosen.warning!, /^KVM cannot be used: .*; the processor is emulated/)
    await assert.rejects(chooseAcceleration('kvm', root, directory), /KVM cannot be used: .*; --accel=tcg emulates/)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
