/**
 * Keeps packets of muxes that must be encrypted from passing in plain: policies of IPsec that drop them, and that all
 * other policies come before. The kernel has them, so they hold while vpcd is away.
 */
import { errno, KernelError } from '#kernel/errno.ts'
import { addGuard as addPolicy, guardUser, xfrmPolicies, type Guard, type XfrmPolicy } from '#kernel/xfrm-policy.ts'

export type { Guard } from '#kernel/xfrm-policy.ts'
export { removeGuard } from '#kernel/xfrm-policy.ts'

/** Have the kernel drop such packets. False: it has no IPsec. */
export function addGuard(guard: Guard): boolean {
  try {
    addPolicy(guard)
    return true
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.EPROTONOSUPPORT) return false
    throw error
  }
}

/** Equal for equal ones. */
export const guardKey = ({ direction, source, destination, port }: Guard): string =>
  [direction, Buffer.from(source).toString('hex'), Buffer.from(destination).toString('hex'), port].join(' ')

/** Those that the kernel has. */
export function guards(policies: readonly XfrmPolicy[] = xfrmPolicies()): Map<string, Guard> {
  const found = policies.filter(({ user, direction }) => user === guardUser && direction !== 'forward').map(toGuard)
  return new Map(found.map((guard) => [guardKey(guard), guard]))
}

function toGuard({ direction, source, destination, sourceLength, destinationLength, port }: XfrmPolicy): Guard {
  return {
    direction: direction === 'in' ? 'in' : 'out',
    source: source.slice(0, sourceLength / 8),
    destination: destination.slice(0, destinationLength / 8),
    port,
  }
}
