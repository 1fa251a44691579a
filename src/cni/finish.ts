/**
 * Vnics that a DEL could not remove, removed once the cloud answers. Who does it: the next ADD, DEL or GC of the
 * network, or `vpc-oci-hook finish`. The agent cannot: it may not destroy what is a tenant's, and a vnic without an
 * interface may be wanted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { clientOf, removeVnic } from './cloud.ts'
import type { NetworkConfig } from './invocation.ts'
import { forget, isNoted, noted } from './unfinished.ts'

/** How long an ADD or a DEL takes longer at most. */
const asideMs = 2_000

type Unfinished = Pick<NetworkConfig, 'name' | 'stateDir' | 'agentStateDir' | 'context' | 'server' | 'tokenFile' | 'ca'>

/** Remove what is noted for a network. Gives why vnics are left; the first that cannot be removed may stand for all. */
export async function finish(config: Unfinished, { signal }: { readonly signal?: AbortSignal } = {}): Promise<string[]> {
  const { name, stateDir } = config
  const left: string[] = []
  const names = noted(stateDir, name)
  if (names.length === 0) return left
  const client = clientOf(config)
  for (const vnic of names) {
    // An ADD may have the same vnic again.
    if (signal?.aborted === true || !isNoted(stateDir, name, vnic)) continue
    try {
      await removeVnic(client, vnic)
      forget(stateDir, name, vnic)
    } catch (error) {
      left.push((error as Error).message)
    }
  }
  return left
}

/** The same after something else is done: what cannot be removed now is left, and said nowhere. */
export async function finishAside(config: Unfinished): Promise<void> {
  const end = new AbortController()
  const late = new AbortController()
  const time = sleep(asideMs, undefined, { signal: late.signal }).catch(() => {})
  await Promise.race([finish(config, { signal: end.signal }).catch(() => []), time])
  end.abort()
  late.abort()
}
