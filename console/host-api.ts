/** Questions of the host's console, and the stream of drops. */
import { useEffect, useState } from 'preact/hooks'
import type { SeenDrop } from '#cli/console/questions.ts'

/** Ask. Throws an Error with what the console says. */
export async function askHost<T>(question: string, words: Readonly<Record<string, string>> = {}): Promise<T> {
  const query = new URLSearchParams(Object.entries(words).filter(([, value]) => value !== '')).toString()
  const response = await fetch(`/host/${question}${query === '' ? '' : `?${query}`}`)
  const body = (await response.json()) as T & { detail?: string }
  if (!response.ok) throw new Error(body.detail ?? `the console answered ${response.status}`)
  return body
}

export interface Polled<T> {
  readonly value: T | undefined
  readonly problem: string | undefined
}

/** Ask again and again, for as long as a page shows it. `take` gets each answer. */
export function usePolled<T>(question: string, everyMs: number, take?: (value: T) => void): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, problem: undefined })
  useEffect(() => {
    let isOver = false
    const look = async (): Promise<void> => {
      try {
        const value = await askHost<T>(question)
        if (isOver) return
        take?.(value)
        setPolled({ value, problem: undefined })
      } catch (error) {
        if (!isOver) setPolled((was) => ({ ...was, problem: (error as Error).message }))
      }
      if (!isOver) setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => void (isOver = true)
  }, [question])
  return polled
}

const mostDrops = 500
const drops: SeenDrop[] = []
const listeners = new Set<() => void>()

/** Follow drops from now on, on all pages. */
export function followDrops(): void {
  new EventSource('/host/drops').addEventListener('message', ({ data }) => {
    drops.unshift(JSON.parse(data as string) as SeenDrop)
    drops.length = Math.min(drops.length, mostDrops)
    for (const listener of listeners) listener()
  })
}

/** The drops since the page was opened, the newest first. */
export function useSeenDrops(isPaused: boolean): readonly SeenDrop[] {
  const [shown, setShown] = useState<readonly SeenDrop[]>(() => [...drops])
  useEffect(() => {
    if (isPaused) return undefined
    const take = (): void => setShown([...drops])
    take()
    listeners.add(take)
    return () => void listeners.delete(take)
  }, [isPaused])
  return shown
}
