/** Keys that work on every page. Pages mark what they concern: `data-key="new"`, `data-key="row"` and the like. */
import { useEffect } from 'preact/hooks'
import { go } from './route.ts'

const marked = (name: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`main [data-key="${name}"]`)]

/** Is somebody writing? */
const isWriting = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName))

/** Go to the next or the previous row. */
function step(by: 1 | -1): void {
  const rows = marked('row')
  const at = rows.indexOf(document.activeElement as HTMLElement)
  rows[at < 0 ? (by === 1 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))]?.focus()
}

const actions: Readonly<Record<string, () => void>> = {
  '/': () => marked('search')[0]?.focus(),
  j: () => step(1),
  k: () => step(-1),
  n: () => marked('new')[0]?.click(),
  e: () => marked('edit')[0]?.click(),
  g: () => go('#/'),
}

/** Listen, for as long as the frame is shown. */
export function useKeys({ showHelp }: { showHelp: () => void }): void {
  useEffect(() => {
    const take = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) return
      if (event.key === 'Escape' && isWriting(event.target)) return (event.target as HTMLElement).blur()
      if (isWriting(event.target)) return
      const action = event.key === '?' ? showHelp : actions[event.key]
      if (action === undefined) return
      event.preventDefault()
      action()
    }
    addEventListener('keydown', take)
    return () => removeEventListener('keydown', take)
  }, [])
}
