/** A device of ours has its own MAC, though udev gives another to a new tap whose MAC is random. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatMac, parseMac } from '#wire/mac.ts'
import { must } from '#wire/result.ts'
import { until } from '../daemon/echo-server.ts'
import { Netlink } from '#kernel/netlink.ts'
import { json } from './inputs.ts'
import { ScratchHost } from './scratch-host.ts'

test('the kernel first tells of a vmnic with the MAC that it keeps', async () => {
  await using host = new ScratchHost()
  using witness = Netlink.open()
  const seen = new Set<string>()
  const following = witness.onLinkChange((event) => {
    if (event.kind === 'changed' && event.link.name === 'vmnic0')
      seen.add(`${formatMac(event.link.mac as never)} ${event.link.alias ?? ''}`)
  })
  try {
    const { mac, id } = host.create('vmnic').describe()
    await until(() => seen.size > 0)
    assert.deepEqual([...seen], [`${mac} vpc:${id}`])
  } finally {
    await following.stop()
  }
})

test('a mirror that somebody gives another MAC has its own again, which is logged and told by an audit', async () => {
  await using host = new ScratchHost()
  const { mac } = host.create('vpcsw').describe()
  const macOfMirror = (): string => formatMac(host.devices.byName('vpcsw0')!.mac as never)
  assert.equal(macOfMirror(), mac)
  host.netlink.setLink(host.devices.byName('vpcsw0')!.ifindex, { mac: must(parseMac('02:11:22:33:44:55')) })
  await until(() => macOfMirror() === mac && host.lines.some(({ message }) => message.includes('vpcsw0 another MAC')))
  const { items } = json(host.create('mgmt').do('mgmtAudit')) as { items: { what: string; part: string }[] }
  assert.deepEqual(
    items.map(({ what, part }) => `${what} ${part}`),
    ['vpcsw0 mac'],
  )
})
