/** What gateways tell guests of the services of the host: in settings, and in the bytes of answers. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { initialSettings } from '#abi/settings.ts'
import { gatewayMac } from '#datapath/layout.ts'
import { formatIp, ipFrom } from '#wire/ip-address.ts'
import { formatPrefix, prefixFrom } from '#wire/prefix.ts'
import { dhcpAnswer, dhcpv6Answer, routerAnswer } from './guest-answers.ts'
import { told } from './told.ts'

const four = { prefix: prefixFrom('10.0.0.0/24'), gateway: ipFrom('10.0.0.254') }
const services = { ...initialSettings('subnet'), dhcp: true, metadata: true, resolver: true }
const texts = (more: Partial<typeof services>, router: object | null): (readonly string[] | string | null | undefined)[] => {
  const { dns, domain, guestRoutes } = told({ ...services, ...more, router })
  return [dns?.map(formatIp), domain, guestRoutes?.map(({ prefix, via }) => `${formatPrefix(prefix)} via ${formatIp(via)}`)]
}

test('a gateway tells of its resolver where nothing else is said, and only of what guests can reach', () => {
  assert.deepEqual(texts({}, {}), [['169.254.169.253', 'fd00:ec2::253'], 'internal', undefined])
  const links = ['169.254.169.254/32 via 0.0.0.0', '169.254.169.253/32 via 0.0.0.0']
  assert.deepEqual(texts({}, null), [['169.254.169.253'], 'internal', links])
  assert.deepEqual(texts({ dns: [ipFrom('10.0.0.53')], domain: 'guests.example' }, {}), [['10.0.0.53'], 'guests.example', undefined])
  assert.deepEqual(texts({ resolver: false, metadata: false }, null), [undefined, null, undefined])
})

test('a gateway says so by DHCPv4, DHCPv6 and RA', () => {
  const routed = told({ ...services, router: {} })
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
  assert.match(hex(dhcpAnswer(routed, four, 1400, true)), /0604a9fea9fd/)
  const six = 'fd000ec2000000000000000000000253'
  assert.match(hex(dhcpv6Answer(routed).options), new RegExp(`^00170010${six}`))
  assert.match(hex(routerAnswer(routed, prefixFrom('fd00::/64'), gatewayMac, true).message), new RegExp(`1903000000000e10${six}`))
  // Destinations on the link, RFC 3442.
  const alone = told({ ...services, router: null })
  assert.match(hex(dhcpAnswer(alone, four, 1400, false)), /791220a9fea9fe0000000020a9fea9fd00000000/)
})
