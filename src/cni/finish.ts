/**
 * Vnics that a DEL could not remove, removed once the cloud answers. Who does it: the next ADD, DEL or GC of the
 * network, or `vpc-oci-hook finish`. The agent cannot: it may not destroy what is a tenant's, and a vnic without an
 * interface may be wanted.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiClient } from '#cli/cloud/api-client.ts'
import { clientOf, removeVnic } from './cloud.ts'
import type { NetworkConfig } from './invocation.ts'
import { cloudOf, forgetAll, isNoted, noted, notedCloud, wayOut } from './unfinished.ts'

/** How long an ADD or a DEL takes longer at most. */
const asideMs = 2_000

type Unfinished = Pick<NetworkConfig, 'name' | 'stateDir' | 'agentStateDir' | 'context' | 'server' | 'tokenFile' | 'ca'>

export interface FinishOptions {
  readonly signal?: AbortSignal
  /**
   * Leave what was noted with another cloud, with other rights there, or with none that the note names: who cannot see
   * a vnic takes it for gone.
   */
  readonly isForAll?: boolean
}

export interface Finished {
  /** Why vnics could not be removed: a line for each. */
  readonly left: readonly string[]
  /** Those that `isForAll` leaves on purpose: a line for each, which names the cloud. */
  readonly elsewhere: readonly string[]
}

/** Remove what is noted for a network. What cannot be removed is no error here. */
export async function finish(config: Unfinished, { signal, isForAll = false }: FinishOptions = {}): Promise<Finished> {
  const { name, stateDir } = config
  const left: string[] = []
  const elsewhere: string[] = []
  const own = cloudOf(config)
  let client: ApiClient | undefined
  for (const vnic of noted(stateDir, name)) {
    // An ADD may have the same vnic again, and says so by taking the note away.
    let isWanted = !isNoted(stateDir, name, vnic)
    if (signal?.aborted === true || isWanted) continue
    const cloud = notedCloud(stateDir, name, vnic)
    if (isForAll && (cloud === undefined || cloud !== own)) {
      elsewhere.push(
        `vnic ${vnic} is one of ${cloud ?? 'a cloud that its note does not name'}; the next container of network ${name} removes it; ${wayOut(stateDir, name, vnic)}`,
      )
      continue
    }
    try {
      // Made for a vnic alone: for those of other clouds, nobody need be logged in.
      client ??= clientOf(config)
      const wasThere = await removeVnic(client, vnic, () => (isWanted ||= !isNoted(stateDir, name, vnic)))
      if (isWanted) continue
      if (wasThere || cloud === undefined || cloud === own) forgetAll(stateDir, name, vnic)
      else
        elsewhere.push(
          `vnic ${vnic} is one of ${cloud}; a container of network ${name} that reaches it removes it; ${wayOut(stateDir, name, vnic)}`,
        )
    } catch (error) {
      left.push((error as Error).message)
    }
  }
  return { left, elsewhere }
}

/** The same after something else is done: what cannot be removed now is left, and said nowhere. */
export async function finishAside(config: Unfinished): Promise<void> {
  const end = new AbortController()
  const late = new AbortController()
  const time = sleep(asideMs, undefined, { signal: late.signal }).catch(() => {})
  await Promise.race([finish(config, { signal: end.signal }).catch(() => {}), time])
  end.abort()
  late.abort()
}
