import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { deviceFeatures, openEthtool, setDeviceFeatures } from './ethtool.ts'
import { ScratchNetns } from './scratch-netns.ts'

const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code

test('features of a device are read and switched', () => {
  using scratch = new ScratchNetns()
  using ethtool = openEthtool(scratch.fd)
  const { ifindex } = scratch.netlink.createVeth({ name: 'a', peer: 'b' })
  const before = deviceFeatures(ethtool, ifindex)
  assert.deepEqual(before.get('tx-udp_tnl-segmentation'), { active: true, fixed: false })
  assert.deepEqual(setDeviceFeatures(ethtool, ifindex, { 'tx-udp_tnl-segmentation': false, 'rx-gro': true }), [])
  const changed = [...deviceFeatures(ethtool, ifindex)]
    .filter(([name, { active }]) => before.get(name)?.active !== active)
    .map(([name]) => name)
  assert.deepEqual(changed, ['rx-gro', 'tx-udp_tnl-segmentation'])
  assert.deepEqual(setDeviceFeatures(ethtool, ifindex, { 'rx-gro-hw': true }), ['rx-gro-hw'])
  assert.throws(() => setDeviceFeatures(ethtool, ifindex, { nonsense: true }), /ethtool FEATURES_SET: EOPNOTSUPP \(bit name not found\)/)
  assert.throws(() => deviceFeatures(ethtool, 4711), failsWith(errno.ENODEV))
})
