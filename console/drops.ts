/** Packets that hosts have dropped in a vpc, as their agents tell the API. */
import { useEffect, useState } from 'preact/hooks'
import { ask, Refusal } from './api.ts'
import type { Drop } from './drop-question.ts'

export interface Drops {
  /** The newest first. */
  readonly all: readonly Drop[]
  /** Of the last minute. */
  readonly recent: readonly Drop[]
  /** Whether the API knows such a thing. */
  readonly isKnown: boolean
}

const everyMs = 2_000
/** So many are kept on a page. */
const mostDrops = 1_000
const minuteMs = 60_000

/** Follow the drops of a vpc; undefined: of none. */
export function useDrops(vpc: string | undefined, isPaused = false): Drops {
  const [drops, setDrops] = useState<readonly Drop[]>([])
  const [isKnown, setKnown] = useState(false)
  useEffect(() => {
    setDrops([])
    if (vpc === undefined || isPaused) return undefined
    let isOver = false
    let since: string | undefined
    const look = async (): Promise<void> => {
      try {
        const query = since === undefined ? '' : `?since=${encodeURIComponent(since)}`
        const { drops: found } = await ask<{ drops: readonly Drop[] }>('GET', `/vpcs/${vpc}/drops${query}`)
        if (isOver) return
        const newest = found.toSorted((a, b) => (a.time < b.time ? 1 : -1))
        setKnown(true)
        setDrops((was) => merged(newest, was))
        since = newest[0]?.time ?? since
      } catch (error) {
        // An API that has no such thing is not asked again.
        if (error instanceof Refusal && error.problem.status === 404) return
      }
      if (!isOver) setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => void (isOver = true)
  }, [vpc, isPaused])
  const from = new Date(Date.now() - minuteMs).toISOString()
  return { all: drops, recent: drops.filter(({ time }) => time >= from), isKnown }
}

const keyOf = ({ time, vnic, reason, text }: Drop): string => `${time} ${vnic} ${reason} ${text ?? ''}`

function merged(newest: readonly Drop[], before: readonly Drop[]): readonly Drop[] {
  if (newest.length === 0) return before
  const seen = new Set(newest.map(keyOf))
  return [...newest, ...before.filter((drop) => !seen.has(keyOf(drop)))].slice(0, mostDrops)
}

/** How many packets each vnic has lost. */
export function dropsByVnic(drops: readonly Drop[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { vnic } of drops) counts.set(vnic, (counts.get(vnic) ?? 0) + 1)
  return counts
}
