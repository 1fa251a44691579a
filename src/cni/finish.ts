/**
 * Vnics that a DEL could not remove, removed once the cloud answers. Who does it: the next ADD, DEL or GC of the
 * network, or `vpc-oci-hook finish`. The agent cannot: it may not destroy what is a tenant's, and a vnic without an
 * interface may be wanted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { clientOf, removeVnic } from './cloud.ts'
import type { NetworkConfig } from './invocation.ts'
import { cloudOf, forget, isNoted, noted, notedCloud } from './unfinished.ts'

/** How long an ADD or a DEL takes longer at most. */
const asideMs = 2_000

type Unfinished = Pick<NetworkConfig, 'name' | 'stateDir' | 'agentStateDir' | 'context' | 'server' | 'tokenFile' | 'ca'>

export interface FinishOptions {
  readonly signal?: AbortSignal
  /** Leave what was noted with another cloud, or with other rights there: who cannot see a vnic takes it for gone. */
  readonly isForAll?: boolean
}

/** Remove what is noted for a network. Gives why vnics are left; the first that cannot be removed may stand for all. */
export async function finish(config: Unfinished, { signal, isForAll = false }: FinishOptions = {}): Promise<string[]> {
  const { name, stateDir } = config
  const left: string[] = []
  const names = noted(stateDir, name)
  if (names.length === 0) return left
  const client = clientOf(config)
  for (const vnic of names) {
    // An ADD may have the same vnic again, and says so by taking the note away.
    let isWanted = !isNoted(stateDir, name, vnic)
    if (signal?.aborted === true || isWanted) continue
    const cloud = notedCloud(stateDir, name, vnic)
    if (isForAll && cloud !== undefined && cloud !== cloudOf(config)) {
      left.push(`vnic ${vnic} is one of ${cloud}; the next container of network ${name} removes it`)
      continue
    }
    try {
      await removeVnic(client, vnic, () => (isWanted ||= !isNoted(stateDir, name, vnic)))
      if (!isWanted) forget(stateDir, name, vnic)
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
