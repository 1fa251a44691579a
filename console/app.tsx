/** The whole console: who is signed in, the frame, and the page of the route. */
import { useEffect, useState } from 'preact/hooks'
import { kindOfPlural } from '#resource/kinds.ts'
import { onSignedOut } from './api.ts'
import { AuditPage } from './audit.tsx'
import { DocsPage } from './docs.tsx'
import { DropsPage } from './drops-page.tsx'
import { EventsPage } from './events-page.tsx'
import { Frame } from './frame.tsx'
import { noteVpc } from './last-vpc.ts'
import { stopLive } from './live.ts'
import { Overview } from './overview.tsx'
import { Nothing } from './parts.tsx'
import { MatrixPage } from './matrix.tsx'
import { KindDetail } from './kind-detail.tsx'
import { KindForm } from './kind-form.tsx'
import { KindList } from './kind-list.tsx'
import { PicturePage } from './picture.tsx'
import { useRoute, type Route } from './route.ts'
import { resume, type Whoami } from './session.ts'
import { WhyPage } from './why.tsx'
import { SignIn } from './sign-in.tsx'

export function App() {
  // Undefined: not known yet. Null: nobody.
  const [who, setWho] = useState<Whoami | null | undefined>(undefined)
  useEffect(() => {
    onSignedOut(() => {
      stopLive()
      setWho(null)
    })
    void resume().then((found) => setWho(found ?? null))
  }, [])
  const route = useRoute()
  if (who === undefined) return <p class="alone">Asking the API …</p>
  if (who === null) return <SignIn then={setWho} />
  return (
    <Frame who={who} route={route} signedOut={() => setWho(null)}>
      <Page who={who} route={route} key={route.path.join('/')} />
    </Frame>
  )
}

function Page({ who, route }: { who: Whoami; route: Route }) {
  const [first, second, third] = route.path
  noteVpc(route)
  if (first === undefined) return <Overview who={who} />
  if (first === 'docs') return <DocsPage path={route.path.slice(1)} query={route.query} />
  if (first === 'audit') return <AuditPage query={route.query} />
  if (first === 'events') return <EventsPage query={route.query} key={route.query.toString()} />
  if (first === 'drops') return <DropsPage query={route.query} />
  if (first === 'why') return <WhyPage query={route.query} key={route.query.toString()} />
  const kind = kindOfPlural(first)
  if (kind === undefined) return <NoPage />
  if (second === undefined) return <KindList who={who} kind={kind} query={route.query} />
  if (second === 'new') return <KindForm kind={kind} id={undefined} query={route.query} />
  if (third === 'matrix' && kind.kind === 'vpc') return <MatrixPage id={second} />
  if (third === 'picture' && kind.kind === 'vpc') return <PicturePage who={who} id={second} />
  return third === 'edit' ? <KindForm kind={kind} id={second} query={route.query} /> : <KindDetail who={who} kind={kind} id={second} />
}

const NoPage = () => (
  <Nothing title="There is no such page">
    The address names nothing that the console has. <a href="#/">Overview</a>
  </Nothing>
)
