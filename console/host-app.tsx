/** The console of one host: its frame and its pages. */
import { useEffect, useState } from 'preact/hooks'
import type { HostLook } from '#cli/console/questions.ts'
import { DocsPage } from './docs.tsx'
import { KeyHelp, ThemeChoice } from './frame-parts.tsx'
import { CountersPage } from './host-counters.tsx'
import { HostDropsPage } from './host-drops.tsx'
import { followDrops, usePolled } from './host-api.ts'
import { ObjectPage, ObjectsPage } from './host-objects.tsx'
import { HostTracePage } from './host-trace.tsx'
import { useKeys } from './keys.ts'
import { hrefOf, useRoute } from './route.ts'
import { Time } from './value.tsx'

const pages = [
  ['', 'Objects'],
  ['counters', 'Counters'],
  ['drops', 'Drops'],
  ['trace', 'Trace'],
  ['docs', 'Documentation'],
] as const

export function HostApp() {
  const { path, query } = useRoute()
  const { value: look, problem } = usePolled<HostLook>('look', 3_000)
  const [isHelpOpen, setHelpOpen] = useState(false)
  useKeys({ showHelp: () => setHelpOpen(true) })
  useEffect(followDrops, [])
  const [first = '', second] = path
  const isDocs = first === 'docs'
  const page = (found: HostLook) => {
    if (first === 'counters') return <CountersPage objects={found.objects} />
    if (first === 'drops') return <HostDropsPage />
    if (first === 'trace') return <HostTracePage objects={found.objects} query={query} />
    return first === 'objects' && second !== undefined ? <ObjectPage look={found} id={second} /> : <ObjectsPage look={found} />
  }
  return (
    <div class="frame">
      <header>
        <a class="brand" href="#/">
          vpc
        </a>
        <span class={`live ${problem === undefined && look !== undefined ? 'live' : ''}`} role="status">
          {problem === undefined ? 'this host' : 'no answer'}
        </span>
        <span class="space" />
        {look && (
          <span class="who">
            vpcd {look.info.version}, since <Time iso={look.info.startedAt} />
          </span>
        )}
        <button onClick={() => setHelpOpen(true)}>Keys</button>
        <ThemeChoice />
      </header>
      <nav aria-label="Pages">
        <ul>
          {pages.map(([name, text]) => (
            <li key={name}>
              <a href={name === '' ? '#/' : hrefOf([name])} aria-current={(first === 'objects' ? '' : first) === name ? 'page' : undefined}>
                {text}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        {problem !== undefined && (
          <div class="problem" role="alert">
            <strong>No answer</strong>
            <p>{problem}</p>
          </div>
        )}
        {isDocs && <DocsPage path={path.slice(1)} query={query} key={path.join('/')} />}
        {isDocs ? null : look === undefined ? problem === undefined && <p class="hint">loading …</p> : page(look)}
      </main>
      {isHelpOpen && <KeyHelp close={() => setHelpOpen(false)} />}
    </div>
  )
}
