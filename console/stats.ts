/** What hosts have counted of a vnic, a subnet, a vpc or a host in the last hour. */
import { useEffect, useState } from 'preact/hooks'
import { kindOf } from '#resource/kinds.ts'
import { ask, Refusal } from './api.ts'
import type { Stats } from './points.ts'

/** Kinds that have counters. */
export const countedKinds: readonly string[] = ['vnic', 'subnet', 'vpc', 'host', 'nat']

/** Follow the counters of a resource. Undefined: not known, or the API has none. */
export function useStats(kind: string, id: string): Stats | undefined {
  const [stats, setStats] = useState<Stats | undefined>()
  useEffect(() => {
    if (!countedKinds.includes(kind)) return undefined
    let isOver = false
    const look = async (): Promise<void> => {
      let next = 5_000
      try {
        const found = await ask<Stats>('GET', `/${kindOf(kind).plural}/${id}/stats`)
        if (isOver) return
        next = found.interval * 1_000
        setStats(found)
      } catch (error) {
        // Who may not see them, and an API that has none, need not be asked again.
        if (error instanceof Refusal && error.problem.status >= 400 && error.problem.status < 429) return
      }
      if (!isOver) setTimeout(() => void look(), next)
    }
    void look()
    return () => void (isOver = true)
  }, [kind, id])
  return stats
}
