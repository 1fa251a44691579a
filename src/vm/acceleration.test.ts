import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { accountOf } from '#launch/user.ts'
import { chooseAcceleration, probeKvm, type KvmVerdict } from './acceleration.ts'
import { bareArguments, qemuProgram } from './qemu-arguments.ts'

const root = accountOf('root')

test('what hangs is given up in time, whether QEMU or anything else', async () => {
  const began = performance.now()
  const verdict = await probeKvm(root, ['sleep', '60'], 300)
  assert.deepEqual(verdict, { works: false, why: 'a guest hung in /dev/kvm for 0.3 s', hung: true })
  assert.ok(performance.now() - began < 30_000)
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
  assert.ok(performance.now() - began < 30_000)
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
  assert.deepEqual(await probeKvm(accountOf('nobody'), [qemuProgram, ...bareArguments, ...words], 20_000), { works: true, why: '' })
})

test('a program that is missing, and one that complains, are told', async () => {
  assert.match((await probeKvm(root, ['no-such-qemu'])).why, /no-such-qemu is not there; install it/)
  assert.deepEqual(await probeKvm(root, ['sh', '-c', 'echo qemu-system-x86_64: no luck >&2; exit 1']), { works: false, why: 'no luck' })
})

test('that KVM hangs is kept until the next boot, other reasons are not; KVM that is insisted on and does not work is an error', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-kvm-'))
  let probes = 0
  const probe = (verdict: KvmVerdict) => async (): Promise<KvmVerdict> => (probes++, verdict)
  const denied = probe({ works: false, why: 'permission denied' })
  const hangs = probe({ works: false, why: 'it hangs', hung: true })
  try {
    assert.deepEqual(await chooseAcceleration('tcg', root, directory, denied), { acceleration: 'tcg', warning: undefined })
    if (!existsSync('/dev/kvm')) return
    for (let i = 0; i < 2; i++) {
      const { acceleration, warning } = await chooseAcceleration('auto', root, directory, denied)
      assert.deepEqual([acceleration, warning], ['tcg', 'KVM cannot be used: permission denied; the processor is emulated, which is slow'])
    }
    await assert.rejects(chooseAcceleration('kvm', root, directory, denied), /KVM cannot be used: permission denied; --accel=tcg emulates/)
    assert.equal(probes, 3)
    assert.deepEqual(await chooseAcceleration('kvm', root, directory, probe({ works: true, why: '' })), {
      acceleration: 'kvm',
      warning: undefined,
    })
    for (let i = 0; i < 3; i++) assert.match((await chooseAcceleration('auto', root, directory, hangs)).warning!, /it hangs/)
    assert.equal(probes, 5)
    // It hangs for every user.
    await chooseAcceleration('auto', accountOf('nobody'), directory, hangs)
    assert.equal(probes, 5)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
