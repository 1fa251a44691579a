import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { capabilitiesIn, effectiveCapabilities } from './capabilities.ts'
import { isAtLeast, kernelVersion } from './kernel-version.ts'

test('capabilities are read from the effective set', () => {
  const status = (effective: string) => `Name:\tnode\nCapPrm:\t000001ffffffffff\nCapEff:\t${effective}\nCapBnd:\t000001ffffffffff\n`
  assert.deepEqual([...capabilitiesIn(status('0000000000000000'))], [])
  assert.deepEqual([...capabilitiesIn(status('0000008000001000'))], ['CAP_NET_ADMIN', 'CAP_BPF'])
  assert.deepEqual([...capabilitiesIn('')], [])
})

test('root has those that the datapath needs', () => {
  const own = effectiveCapabilities()
  for (const name of ['CAP_NET_ADMIN', 'CAP_SYS_ADMIN', 'CAP_BPF'] as const) assert.ok(own.has(name), name)
})

test('kernel versions compare by number', () => {
  assert.deepEqual(kernelVersion('6.18.44-fc-v509'), { release: '6.18.44-fc-v509', major: 6, minor: 18 })
  assert.ok(readFileSync('/proc/version', 'utf8').includes(kernelVersion().release))
  const version = kernelVersion('6.6.0-rc1')
  assert.ok(isAtLeast(version, 6, 6) && isAtLeast(version, 5, 19) && !isAtLeast(version, 6, 12) && !isAtLeast(version, 7, 0))
})
