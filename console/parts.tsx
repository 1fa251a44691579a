/** Small parts of which pages are made. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { findKind } from '#resource/kinds.ts'
import type { ProblemBody } from './api.ts'
import { hrefOf } from './route.ts'

/** A problem that belongs to no field. */
export function ProblemBox({ problem, children }: { problem: ProblemBody; children?: ComponentChildren }) {
  const { title, detail, hint, users = [], count, request } = problem
  return (
    <div class="problem" role="alert">
      <strong>{title}</strong>
      <p>{detail}</p>
      {users.length > 0 && (
        <ul>
          {users.map((user) => (
            <li key={user.id}>
              {user.kind} <a href={hrefOf([findKind(user.kind)?.plural ?? user.kind, user.id])}>{user.name ?? user.id}</a>
            </li>
          ))}
          {count !== undefined && count > users.length && <li>and {count - users.length} more</li>}
        </ul>
      )}
      {hint && <p>{hint}</p>}
      {request && <p class="hint">request {request}</p>}
      {children}
    </div>
  )
}

/** A page, or a part of one, that has nothing to show. */
export function Nothing({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <section class="nothing">
      <h1>{title}</h1>
      <p>{children}</p>
    </section>
  )
}

/** A table that scrolls where it is wider than the page. */
export function Table({ titles, children }: { titles: readonly ComponentChildren[]; children: ComponentChildren }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {titles.map((title, i) => (
              <th key={i} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  )
}

interface SearchBoxProps {
  readonly label: string
  readonly placeholder: string
  readonly value: string
  readonly set: (value: string) => void
}

/** Where people type what they look for on a page. */
export function SearchBox({ label, placeholder, value, set }: SearchBoxProps) {
  const read = (event: Event): void => set((event.target as HTMLInputElement).value)
  return <input type="search" data-key="search" aria-label={label} placeholder={placeholder} value={value} onInput={read} />
}

const tones: Readonly<Record<string, string>> = {
  ready: 'good',
  ok: 'good',
  active: 'good',
  degraded: 'bad',
  unreachable: 'bad',
  failed: 'bad',
  disabled: 'bad',
  expired: 'bad',
  binding: 'warn',
  draining: 'warn',
  joining: 'warn',
  closing: 'warn',
  pending: 'warn',
}

/** What something is doing, in words and a colour. */
export function State({ state, tone = state }: { state: string; tone?: string }) {
  return <span class={`state ${tones[tone] ?? 'idle'}`}>{state}</span>
}

export interface DialogProps {
  readonly title: string
  readonly close: () => void
  readonly children: ComponentChildren
}

/** A question or a form above the page. Escape closes it. */
export function Dialog({ title, close, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    dialog.current?.showModal()
    return () => before?.focus()
  }, [])
  return (
    <dialog ref={dialog} onClose={close} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}

/** A text with a button that copies it. */
export function Copyable({ text, label = 'Copy' }: { text: string; label?: string }) {
  const [isCopied, setCopied] = useState(false)
  const copy = (): void => {
    void navigator.clipboard?.writeText(text).then(() => setCopied(true))
  }
  return (
    <span class="copyable">
      <code>{text}</code>
      <button class="small" onClick={copy} aria-label={`${label} ${text}`}>
        {isCopied ? 'Copied' : label}
      </button>
    </span>
  )
}
