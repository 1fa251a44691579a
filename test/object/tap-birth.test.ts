/** A tap has its MAC from the first moment in which others see it: udev gives a MAC to one whose own is random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMac } from '#wire/mac.ts'
import { until } from '../daemon/echo-server.ts'
import { Netlink } from '#kernel/netlink.ts'
import { ScratchHost } from './scratch-host.ts'

test('the kernel first tells of a vmnic, and of a mirror, with the MAC that it keeps', async () => {
  await using host = new ScratchHost()
  using witness = Netlink.open()
  const seen = new Map<string, Set<string>>()
  const following = witness.onLinkChange((event) => {
    if (event.kind !== 'changed') return
    const macs = seen.get(event.link.name) ?? new Set()
    seen.set(event.link.name, macs.add(`${formatMac(event.link.mac as never)} ${event.link.alias ?? ''}`))
  })
  try {
    const made = [host.create('vmnic'), host.create('vpcsw')]
    await until(() => seen.has('vmnic0') && seen.has('vpcsw0'))
    for (const object of made) {
      const { unit, mac, id } = object.describe()
      assert.deepEqual([...seen.get(unit)!], [`${mac} vpc:${id}`])
    }
  } finally {
    await following.stop()
  }
})
