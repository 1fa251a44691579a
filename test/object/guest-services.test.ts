/** What gateways say to guests follows the settings of subnets, and the addresses of ports. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gatewayMac } from '#datapath/layout.ts'
import { formatIp, type Ip } from '#wire/ip-address.ts'
import { addresses, text, u16, u32, vni } from './inputs.ts'
import { refused, ScratchHost } from './scratch-host.ts'
import { world } from './world.ts'

test('answers are in the tables of ports that have an address in the prefix, and follow every change', async () => {
  await using host = new ScratchHost()
  const { port, other, subnet, router, sw, nat } = world(host)
  const { tables } = host.datapath
  const offers = (): string[] =>
    tables.dhcpReplies.entries().map(([, { address, server }]) => `${formatIp(address as Ip)} by ${formatIp(server as Ip)}`)
  const offers6 = (): string[] =>
    tables.dhcpv6Replies
      .entries()
      .map(([, { address }]) => formatIp(address as Ip))
      .toSorted()
  assert.deepEqual([offers(), offers6()], [['10.0.0.1 by 10.0.0.254'], ['::', 'fd00::1']])
  other.do('vpcpAddressesSet', addresses('192.0.2.7', '10.0.0.7', '10.0.0.8'))
  assert.deepEqual(offers().toSorted(), ['10.0.0.1 by 10.0.0.254', '10.0.0.7 by 10.0.0.254'])
  subnet.do('subnetGateway4Set', text('10.0.0.253'))
  assert.deepEqual(offers().toSorted(), ['10.0.0.1 by 10.0.0.253', '10.0.0.7 by 10.0.0.253'])
  other.do('vpcpDisconnect')
  assert.deepEqual([offers(), offers6()], [['10.0.0.1 by 10.0.0.253'], ['fd00::1']])
  const said = (): string => Buffer.from(tables.dhcpReplies.entries()[0]![1].tail).toString('hex')
  for (const [op, input, holds] of [
    ['subnetLeaseTimeSet', u32(600), '330400000258'],
    ['subnetDnsSet', text('10.0.0.53, fd00::53'), '06040a000035'],
    ['subnetDomainSet', text('guests.example'), '0f0e6775657374732e6578616d706c65'],
    ['subnetNtpSet', text('10.0.0.123'), '2a040a00007b'],
    ['subnetGuestRoutesSet', text('172.16.0.0/12 via 10.0.0.7'), '790c0cac100a000007000a0000fd'],
    ['subnetMaxPacketSet', u32(1400), '1a020578'],
  ] as const) {
    assert.ok(!said().includes(holds), op)
    subnet.do(op, input)
    assert.ok(said().includes(holds), `${op}: ${said()}`)
  }
  assert.ok(said().includes('03040a0000fd'), 'the gateway is the router of guests')
  router.do('vpcrtrRoutesSet', new Uint8Array())
  // A floating address stands for a station of the router.
  nat.do('metaDestroy')
  subnet.do('subnetRouterSet')
  assert.ok(!said().includes('03040a0000fd'), 'which it is not when it leads nowhere')
  const adverts = (): Uint8Array[] => tables.raReplies.entries().map(([, { message, length }]) => message.subarray(0, length))
  assert.ok(Buffer.from(adverts()[0]!).includes(gatewayMac))
  const flags = (): number => adverts()[0]![5]!
  subnet.do('subnetManagedSet', u16(1))
  subnet.do('subnetOtherConfigSet', u16(1))
  assert.equal(flags(), 0xc0)
  assert.match(
    refused(() => subnet.do('subnetGuestRoutesSet', text('172.16.0.0/12 via 10.1.0.7'))).message,
    /10\.1\.0\.7 is outside of 10\.0\.0\.0\/24/,
  )
  for (const [op, bad] of [
    ['subnetDnsSet', '10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5'],
    ['subnetDomainSet', 'a..b'],
    ['subnetGuestRoutesSet', '10.0.0.0/8'],
  ] as const)
    assert.equal(refused(() => subnet.do(op, text(bad))).code, 'EINVAL', bad)
  subnet.do('subnetDhcpSet', u16(0))
  subnet.do('subnetRaSet', u16(0))
  assert.deepEqual([offers(), offers6(), adverts()], [[], [], []])
  subnet.do('subnetDhcpSet', u16(1))
  sw.do('vpcswVniSet', vni(5009))
  port.do('vpcpVniSet', vni(5009))
  assert.deepEqual([offers(), offers6()], [[], []])
})
