import assert from 'node:assert/strict'
import { SocketAddress } from 'node:net'
import { test } from 'node:test'
import { errno, KernelError } from './errno.ts'
import { ScratchNetns } from './scratch-netns.ts'

const v4 = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes)
const v6 = (first: number, last: number): Uint8Array => Uint8Array.from({ length: 16 }, (_, i) => (i === 0 ? first : i === 15 ? last : 0))
const v6Text = (bytes: Uint8Array): string =>
  new SocketAddress({
    family: 'ipv6',
    address: Buffer.from(bytes)
      .toString('hex')
      .replace(/....(?=.)/g, '$&:'),
  }).address
const text = (bytes: Uint8Array): string => (bytes.length === 4 ? bytes.join('.') : v6Text(bytes))
const failsWith = (code: number) => (error: unknown) => error instanceof KernelError && error.errno === code

test('addresses are as iproute2 sees them', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const { ifindex } = netlink.createVeth({ name: 'a', peer: { name: 'b', up: true }, up: true })
  netlink.setLink(1, { up: true })
  scratch.exec('ip', 'address', 'add', '10.1.0.1', 'peer', '10.1.0.2/32', 'dev', 'a')
  netlink.addAddress({ ifindex, address: v4(192, 0, 2, 1), prefixLength: 24 })
  netlink.addAddress({ ifindex, address: v6(0xfd, 1), prefixLength: 64 })
  assert.throws(() => netlink.addAddress({ ifindex, address: v4(192, 0, 2, 1), prefixLength: 24 }), failsWith(errno.EEXIST))
  const shown = () =>
    scratch
      .ip('address', 'show')
      .flatMap((link: any) => link.addr_info.map((info: any) => `${link.ifindex} ${info.local}/${info.prefixlen}`))
  const ours = () => netlink.addresses().map((each) => `${each.ifindex} ${text(each.address)}/${each.prefixLength}`)
  assert.deepEqual(ours().sort(), shown().sort())
  assert.ok(!JSON.stringify(scratch.ip('address', 'show', 'a')).includes('tentative":true,"local":"fd'))
  netlink.deleteAddress({ ifindex, address: v4(192, 0, 2, 1), prefixLength: 24 })
  assert.deepEqual(ours().sort(), shown().sort())
  assert.throws(() => netlink.deleteAddress({ ifindex, address: v4(192, 0, 2, 1), prefixLength: 24 }), failsWith(errno.EADDRNOTAVAIL))
  assert.throws(() => netlink.addAddress({ ifindex, address: new Uint8Array(5), prefixLength: 24 }), RangeError)
})

test('routes are as iproute2 sees them', () => {
  using scratch = new ScratchNetns()
  const { netlink } = scratch
  const { ifindex } = netlink.createVeth({
    name: 'a',
    peer: { name: 'b', up: true, addrGenModeNone: true },
    addrGenModeNone: true,
    up: true,
  })
  netlink.addAddress({ ifindex, address: v4(192, 0, 2, 1), prefixLength: 24 })
  netlink.addAddress({ ifindex, address: v6(0xfd, 1), prefixLength: 64 })
  assert.deepEqual(netlink.defaultRoutes(), [])
  netlink.addRoute({ family: 4, gateway: v4(192, 0, 2, 254) })
  netlink.addRoute({ family: 4, gateway: v4(192, 0, 2, 253), metric: 50 })
  netlink.addRoute({ family: 6, gateway: v6(0xfd, 2) })
  netlink.addRoute({ family: 4, destination: v4(198, 51, 100, 0), prefixLength: 24, ifindex })
  netlink.addRoute({ family: 4, destination: v4(203, 0, 113, 0), prefixLength: 24, ifindex, table: 1000 })
  assert.deepEqual(
    netlink.defaultRoutes().map(({ family, gateway, metric, ifindex: by }) => [family, text(gateway!), metric, by]),
    [
      [4, '192.0.2.254', undefined, ifindex],
      [4, '192.0.2.253', 50, ifindex],
      [6, 'fd00::2', 1024, ifindex],
    ],
  )
  const prefix = (bytes: Uint8Array | undefined, length: number) =>
    (bytes ? `${text(bytes)}/${length}` : 'default').replace(/\/(32|128)$/, '')
  const ours = (table?: number) =>
    netlink.routes(table).map((route) => `${prefix(route.destination, route.prefixLength)} ${route.gateway ? text(route.gateway) : '-'}`)
  const shown = (family: string, table: string) =>
    scratch.ip(family, 'route', 'show', 'table', table).map((route: any) => `${route.dst} ${route.gateway ?? '-'}`)
  assert.deepEqual(ours().sort(), [...shown('-4', 'main'), ...shown('-6', 'main')].sort())
  assert.deepEqual(ours(1000), shown('-4', '1000'))
  assert.deepEqual(ours(1001), [])
  assert.throws(() => netlink.addRoute({ family: 4, gateway: v4(192, 0, 2, 254) }), failsWith(errno.EEXIST))
  assert.throws(() => netlink.addRoute({ family: 4, destination: v4(1, 1, 1, 1), gateway: v4(10, 9, 8, 7) }), failsWith(errno.ENETUNREACH))
})
