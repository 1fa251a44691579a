/** What the frames of both consoles have: the choice of colours, and the list of keys. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { chosenTheme, setTheme, type Theme } from './theme.ts'

export function ThemeChoice() {
  const [theme, set] = useState(chosenTheme())
  const choose = (event: Event): void => {
    const chosen = (event.target as HTMLSelectElement).value as Theme
    setTheme(chosen)
    set(chosen)
  }
  return (
    <select aria-label="Colours" value={theme} onChange={choose}>
      <option value="system">as the system</option>
      <option value="light">light</option>
      <option value="dark">dark</option>
    </select>
  )
}

const keyTexts = [
  ['/', 'search this page'],
  ['j k', 'next, previous row'],
  ['Enter', 'open the row'],
  ['n', 'new'],
  ['e', 'edit'],
  ['g', 'overview'],
  ['Esc', 'leave a search or a dialog'],
  ['?', 'these keys'],
] as const

export function KeyHelp({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="pairs">
        {keyTexts.map(([key, text]) => [
          <dt key={key}>
            <kbd>{key}</kbd>
          </dt>,
          <dd key={`${key} text`}>{text}</dd>,
        ])}
      </dl>
      <button onClick={() => dialog.current?.close()}>Close</button>
    </dialog>
  )
}
