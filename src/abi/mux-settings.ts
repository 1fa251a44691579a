/** The settings of a mux (vpcmux), besides those that other types have, too. */
import { farVteps } from './far-vtep.ts'
import { choice, endpoint, flag, optional } from './kind.ts'
import { own, shared } from './setting.ts'

/** Of a mux: whether packets may bypass the host's stack, and with it the firewall. */
const directWays = ['off', 'auto', 'on'] as const

export const muxSettings = {
  listen: shared(optional(endpoint), null, 'address and UDP port for packets of other hosts'),
  direct: {
    ...own(
      choice(directWays),
      'auto',
      ['direct get', 0x0110],
      ['direct set', 0x0111],
      "whether packets may bypass the host's stack; auto: unless a rule of the host must see each of them",
    ),
    since: 3,
  },
  exclusive: own(
    flag('exclusive'),
    true,
    ['exclusive get', 0x0112],
    ['exclusive set', 0x0113],
    "keep programs of this host, and guests behind uplinks, from sending to the ports of the mux's VTEPs",
    { since: 5 },
  ),
  farVteps: own(
    farVteps,
    [],
    ['far VTEPs get', 0x0114],
    ['far VTEPs set', 0x0115],
    'VTEP with the largest packet on the way to it (mtu=1400), or that is reached under IPsec alone (ipsec)',
    { since: 10, option: { name: 'far-vtep', none: 'reach all VTEPs as the host does by itself' } },
  ),
} as const
