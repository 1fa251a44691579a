/** Which vnic is a container's interface: its name follows from the names that the runtime uses. */
import { createHash } from 'node:crypto'
import type { Attachment } from './invocation.ts'

/**
 * The name of the vnic, the same each time. A name and not an id: a runtime that starts a container again gives it the
 * same names, and the API never uses an id again.
 */
export function vnicNameOf(network: string, { containerId, ifname }: Attachment): string {
  const hash = createHash('sha256').update(JSON.stringify([network, containerId, ifname]))
  return `cni-${hash.digest('hex').slice(0, 32)}`
}

/** Labels by which a host finds its vnics of a network again. */
export const networkLabel = 'cni-network'
export const hostLabel = 'cni-host'
