/** vpcd tries again, after each error, what makes containers faster. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { until } from '../daemon/echo-server.ts'
import { Container } from './container.ts'
import { ScratchHost } from './scratch-host.ts'

test('a container has room for outer headers once what stood in the way is gone', async () => {
  await using host = new ScratchHost()
  host.create('hostif').keep()
  // No two such devices may have one UDP port, and a room's has the first.
  host.netlink.createVxlan({ name: 'in-the-way', dstPort: 1 })
  using container = new Container()
  container.take(host.netlink, 'hostif0', '10.0.0.1')
  await until(() => host.lines.some(({ message }) => message.includes('stay without headroom for now')))
  assert.equal(host.netlink.linkByName('sw-hostif0')!.master, undefined)
  host.netlink.deleteLink(host.netlink.linkByName('in-the-way')!.ifindex)
  await until(() => host.netlink.linkByName('sw-hostif0')!.master !== undefined, 15_000)
})
