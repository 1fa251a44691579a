/** Where a mux listens: on an address of this host, in one family with its entries. */
import type { Endpoint } from '#wire/endpoint.ts'
import { formatIp } from '#wire/ip-address.ts'
import type { Context } from '../context.ts'
import { fullName, type Mux } from '../store/model.ts'
import type { Transaction } from '../store/transaction.ts'

/**
 * Refuse an address that the host does not have, a port that another mux has, and a family other than that of the
 * entries.
 */
export function checkListen({ model, devices }: Context, tx: Transaction, mux: Mux, { address, port }: Endpoint): void {
  const here = devices.addresses()
  if (!here.some((own) => Buffer.compare(own, address) === 0)) {
    const usable = here.filter((own) => own.length === address.length && !isLocalOnly(own)).map(formatIp)
    tx.refuse(
      'EADDRNOTAVAIL',
      `this host does not have address ${formatIp(address)}`,
      `it has ${[...new Set(usable)].join(', ') || 'none of that family'}`,
    )
  }
  for (const other of model.ofType('vpcmux')) {
    if (other !== mux && other.listen?.port === port)
      tx.refuse('EADDRINUSE', `${fullName(other)} listens on UDP port ${port}`, 'choose another port')
    // The kernel refuses two devices with one port, also while they are down.
    if (other !== mux && other.listen === null && other.devicePort === port)
      tx.refuse(
        'EADDRINUSE',
        `${fullName(other)} keeps UDP port ${port}, and does not listen yet`,
        'let it listen on another port, destroy it, or use it',
      )
  }
  const family = address.length === 4 ? 4 : 6
  const others = [...mux.entries.families()].filter((found) => found !== family)
  if (others.length > 0)
    tx.refuse(
      'EAFNOSUPPORT',
      `it has forwarding entries with IPv${others[0]} VTEPs`,
      `delete them, or listen on an IPv${others[0]} address`,
    )
}

/** Loopback and IPv6 link-local addresses: no other host can send to them. */
const isLocalOnly = (address: Uint8Array): boolean =>
  address.length === 4
    ? address[0] === 127
    : (address[0] === 0xfe && (address[1]! & 0xc0) === 0x80) || address.subarray(0, 15).every((byte) => byte === 0)
