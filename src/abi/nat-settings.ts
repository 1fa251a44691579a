/** The settings of a NAT (vpcnat). */
import type { Endpoint } from '#wire/endpoint.ts'
import { parseVtep, vtepText } from './far-vtep.ts'
import { floats } from './float.ts'
import { networks } from './group-rule.ts'
import { keptBlocks } from './kept-block.ts'
import { address, addresses, chosen, network } from './kind.ts'
import { objectOf } from './object-kind.ts'
import { own } from './setting.ts'

/** Of another host: `192.0.2.7`, or with a UDP port of its own `192.0.2.7:4790`. */
const vtep = chosen<Endpoint>('a VTEP', 'VTEP', vtepText, parseVtep)

const since = 7

export const natSettings = {
  router: own(objectOf('vpcrtr'), null, ['router get', 0x0100], ['router set', 0x0101], 'router whose stations it gives public addresses', {
    since,
    option: { name: 'router-id' },
  }),
  ethlink: own(
    objectOf('ethlink'),
    null,
    ['ethlink get', 0x0102],
    ['ethlink set', 0x0103],
    'ethlink on this host whose wire has the public addresses',
    { since, option: { name: 'ethlink-id' } },
  ),
  via: own(
    vtep,
    null,
    ['gateway host get', 0x0104],
    ['gateway host set', 0x0105],
    'VTEP of the host that has the public addresses, if this one does not',
    { since },
  ),
  prefix4: own(
    network(4),
    null,
    ['IPv4 prefix get', 0x0106],
    ['IPv4 prefix set', 0x0107],
    "IPv4 addresses on the wire itself; none: as this host's routes say",
    { since },
  ),
  prefix6: own(
    network(6),
    null,
    ['IPv6 prefix get', 0x0108],
    ['IPv6 prefix set', 0x0109],
    "IPv6 addresses on the wire itself; none: as this host's routes say",
    { since },
  ),
  gateway4: own(
    address(4),
    null,
    ['IPv4 gateway get', 0x010a],
    ['IPv4 gateway set', 0x010b],
    "next router on the wire for IPv4; none: as this host's routes say",
    { since },
  ),
  gateway6: own(
    address(6),
    null,
    ['IPv6 gateway get', 0x010c],
    ['IPv6 gateway set', 0x010d],
    "next router on the wire for IPv6; none: as this host's routes say",
    { since },
  ),
  pool: own(networks, [], ['pool get', 0x010e], ['pool set', 0x010f], 'network or address of public addresses that it may use', {
    since,
    option: { name: 'pool', none: 'have no public addresses' },
  }),
  floats: own(floats, [], ['floats get', 0x0110], ['floats set', 0x0111], 'public address of one station', {
    since,
    option: { name: 'float', none: 'have no floating addresses' },
  }),
  shared: own(addresses, [], ['shared get', 0x0112], ['shared set', 0x0113], 'public address that stations without a floating one share', {
    since,
    option: { name: 'shared', none: 'have no shared addresses' },
  }),
  kept: own(
    keptBlocks,
    [],
    ['kept blocks get', 0x0114],
    ['kept blocks set', 0x0115],
    'block of ports that a station had on another host: it has it here, too, when this host begins to share the addresses',
    { since: 10, option: { name: 'kept-block', none: 'give all blocks anew' } },
  ),
} as const
