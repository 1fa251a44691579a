/** The settings of a subnet that say what its gateway tells guests by DHCP and router advertisements. */
import { counted, flag } from './kind.ts'
import { stationNames } from './names-kind.ts'
import { domainName, guestRoutes, servers } from './service-kind.ts'
import { own } from './setting.ts'

/** The domain of a subnet whose guests DNS answers, and that says none. */
export const defaultDomain = 'internal'

export const serviceSettings = {
  dhcp: own(flag('DHCP'), false, ['DHCP get', 0x0120], ['DHCP set', 0x0121], 'give each port the addresses that it lists, by DHCP', {
    since: 6,
  }),
  leaseTime: own(
    counted('a number of seconds', [10, 0xffffffff], 4),
    86_400,
    ['lease time get', 0x0122],
    ['lease time set', 0x0123],
    'seconds after which a guest must have asked again',
    { since: 6 },
  ),
  dns: own(servers(4), null, ['DNS servers get', 0x0124], ['DNS servers set', 0x0125], 'DNS servers that guests are told, four at most', {
    since: 6,
  }),
  domain: own(domainName, null, ['domain get', 0x0126], ['domain set', 0x0127], 'domain that guests are told', { since: 6 }),
  ntp: own(servers(3), null, ['NTP servers get', 0x0128], ['NTP servers set', 0x0129], 'NTP servers that guests are told, three at most', {
    since: 6,
  }),
  guestRoutes: own(
    guestRoutes(16),
    null,
    ['guest routes get', 0x012a],
    ['guest routes set', 0x012b],
    'IPv4 routes that guests are told besides that by the gateway, 16 at most',
    { since: 6 },
  ),
  ra: own(flag('RA'), false, ['RA get', 0x012c], ['RA set', 0x012d], 'answer router solicitations', { since: 6 }),
  onLink: own(flag('on-link'), true, ['on-link get', 0x012e], ['on-link set', 0x012f], 'in RA: stations of the prefix are neighbours', {
    since: 6,
  }),
  autonomous: own(
    flag('autonomous'),
    true,
    ['autonomous get', 0x0130],
    ['autonomous set', 0x0131],
    'in RA: guests make addresses of the prefix',
    { since: 6 },
  ),
  managed: own(flag('managed'), false, ['managed get', 0x0132], ['managed set', 0x0133], 'in RA: DHCPv6 has addresses', { since: 6 }),
  otherConfig: own(
    flag('other configuration'),
    false,
    ['other configuration get', 0x0134],
    ['other configuration set', 0x0135],
    'in RA: DHCPv6 has servers and the domain',
    { since: 6 },
  ),
  metadata: own(
    flag('metadata'),
    false,
    ['metadata get', 0x0136],
    ['metadata set', 0x0137],
    'answer guests at 169.254.169.254 and fd00:ec2::254, as EC2 does',
    { since: 8 },
  ),
  resolver: own(
    flag('resolver'),
    false,
    ['resolver get', 0x0138],
    ['resolver set', 0x0139],
    'answer DNS at 169.254.169.253 and fd00:ec2::253: names of the guests of the switch',
    { since: 8 },
  ),
  dnsForward: own(
    servers(4),
    null,
    ['DNS forwarding get', 0x013a],
    ['DNS forwarding set', 0x013b],
    'servers that the resolver asks for all other names, four at most; none: it refuses them',
    { since: 8 },
  ),
  hosts: own(
    stationNames,
    null,
    ['host names get', 0x013c],
    ['host names set', 0x013d],
    'names of stations on other hosts, which the resolver tells: lines of ADDRESS NAME',
    { since: 8 },
  ),
} as const
