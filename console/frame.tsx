/** What is around every page: the head, the navigation, and keys. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { kinds } from '#resource/kinds.ts'
import type { Kind } from '#resource/kind.ts'
import { KeyHelp, ThemeChoice } from './frame-parts.tsx'
import { useKeys } from './keys.ts'
import { useLive } from './live.ts'
import { titleOf } from './names.ts'
import { go, hrefOf, type Route } from './route.ts'
import { mayRead, signOut, type Whoami } from './session.ts'

interface Section {
  readonly title: string
  readonly links: readonly (readonly [path: string, text: string])[]
}

/** Where a kind stands in the navigation: by whose wall it is behind, and who may read it. */
function sectionOf({ kind, wall, read }: Kind): string {
  if (wall === 'fleet') return 'Machines'
  const isForViewers = read !== 'everybody' && read.includes('viewer')
  return isForViewers && wall === 'account' && kind !== 'account' ? 'Networks' : 'People'
}

function sectionsFor(who: Whoami): Section[] {
  const readable = kinds.filter(({ kind }) => mayRead(who, kind))
  const section = (title: string): Section => ({
    title,
    links: readable.filter((kind) => sectionOf(kind) === title).map(({ kind, plural }) => [plural, titleOf(kind)]),
  })
  const isAuditor = who.roles.some(({ role }) => role === 'admin' || role === 'auditor')
  const see: Section = {
    title: 'See',
    links: [
      ['', 'Overview'],
      ['why', 'Why?'],
      ['drops', 'Drops'],
      ['events', 'Events'],
      ...(isAuditor ? ([['audit', 'Audit log']] as const) : []),
    ],
  }
  const help: Section = { title: 'Help', links: [['docs', 'Documentation']] }
  return [see, section('Networks'), section('Machines'), section('People'), help].filter(({ links }) => links.length > 0)
}

interface FrameProps {
  readonly who: Whoami
  readonly route: Route
  readonly signedOut: () => void
  readonly children: ComponentChildren
}

export function Frame({ who, route, signedOut, children }: FrameProps) {
  const main = useRef<HTMLElement>(null)
  const [isHelpOpen, setHelpOpen] = useState(false)
  useKeys({ showHelp: () => setHelpOpen(true) })
  const at = route.path.join('/')
  useEffect(() => {
    // A new page begins at its top, and readers of screens begin at its heading.
    main.current?.scrollTo(0, 0)
    document.title = `${main.current?.querySelector('h1')?.textContent ?? 'console'} – vpc`
    if (document.activeElement === document.body) main.current?.focus({ preventScroll: true })
  }, [at])
  const leave = async (): Promise<void> => {
    await signOut()
    // Who signs in next begins at the beginning.
    go('#/')
    signedOut()
  }
  return (
    <div class="frame">
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the page
      </a>
      <header>
        <a class="brand" href="#/">
          vpc
        </a>
        <LiveMark />
        <span class="space" />
        <span
          class="who"
          title={who.roles.map(({ role, account, org, vpc }) => `${role} of ${vpc ?? account ?? org ?? 'the cloud'}`).join('\n')}
        >
          {who.principal.name ?? who.principal.id}
          {who.account && ` · ${who.account.name ?? who.account.id}`}
        </span>
        <button onClick={() => setHelpOpen(true)} title="Keys (?)">
          Keys
        </button>
        <ThemeChoice />
        <button onClick={leave}>Sign out</button>
      </header>
      <nav aria-label="Pages">
        {sectionsFor(who).map(({ title, links }) => (
          <section key={title}>
            <h2>{title}</h2>
            <ul>
              {links.map(([path, text]) => (
                <li key={path}>
                  <a href={path === '' ? '#/' : hrefOf([path])} aria-current={(route.path[0] ?? '') === path ? 'page' : undefined}>
                    {text}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <main id="main" tabIndex={-1} ref={main}>
        {children}
      </main>
      {isHelpOpen && <KeyHelp close={() => setHelpOpen(false)} />}
    </div>
  )
}

function LiveMark() {
  const state = useLive()
  return (
    <span class={`live ${state}`} role="status" title="Changes of others show up by themselves">
      {state === 'live' ? 'live' : 'connecting …'}
    </span>
  )
}
