/** The documentation: a page of it, its headings, and a search over all pages. Both consoles show it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { findIn, type DocPage } from './doc-page.ts'
import { Nothing, SearchBox } from './parts.tsx'
import { hrefOf } from './route.ts'

let loading: Promise<readonly DocPage[]> | undefined

async function load(): Promise<readonly DocPage[]> {
  const response = await fetch('docs.json')
  if (!response.ok) throw new Error(`docs.json: ${response.status}`)
  return (await response.json()) as DocPage[]
}

/** The address of a page, and of a heading in it. */
export const docHref = (name: string, at = ''): string => hrefOf(['docs', ...name.split('/')], { at })

/** What a drop reason means, and what to do. */
export const ReasonLink = ({ reason }: { reason: string }) => <a href={docHref('drop-reasons', reason)}>{reason}</a>

export function DocsPage({ path, query }: { path: readonly string[]; query: URLSearchParams }) {
  const [pages, setPages] = useState<readonly DocPage[] | 'failed' | undefined>()
  const [search, setSearch] = useState('')
  useEffect(() => {
    loading ??= load()
    loading.then(setPages, () => {
      loading = undefined
      setPages('failed')
    })
  }, [])
  if (pages === undefined) return <h1>Documentation</h1>
  if (pages === 'failed') return <Nothing title="No documentation">This server does not have it: build the console anew.</Nothing>
  const page = pages.find(({ name }) => name === (path.join('/') || 'index'))
  return (
    <>
      <div class="bar" role="search">
        <SearchBox label="Search the documentation" placeholder="Search: a task, a command, a reason …" value={search} set={setSearch} />
        <a href={docHref('index')}>All pages</a>
      </div>
      {search.trim() !== '' && <Results pages={pages} typed={search} />}
      {page === undefined ? (
        <Nothing title="There is no such page">The documentation has no page of this name.</Nothing>
      ) : (
        <Article page={page} at={query.get('at') ?? ''} />
      )}
    </>
  )
}

function Results({ pages, typed }: { pages: readonly DocPage[]; typed: string }) {
  const found = findIn(pages, typed)
  return (
    <section class="found" aria-label="Results">
      <p class="hint" role="status">
        {found.length === 0 ? 'nothing found' : `${found.length} found`}
      </p>
      <ul>
        {found.map(({ page, heading }) => (
          <li key={`${page.name} ${heading?.id ?? ''}`}>
            <a href={docHref(page.name, heading?.id)}>{heading === undefined ? page.title : `${page.title}: ${heading.text}`}</a>
          </li>
        ))}
      </ul>
    </section>
  )
}

function Article({ page, at }: { page: DocPage; at: string }) {
  const article = useRef<HTMLElement>(null)
  useEffect(() => {
    document.title = `${page.title} – vpc`
    const target = at === '' ? null : document.getElementById(`doc-${at}`)
    for (const each of article.current!.querySelectorAll('.here')) each.classList.remove('here')
    target?.classList.add('here')
    target?.scrollIntoView()
  }, [page, at])
  // The build has made it from the pages of this repository.
  return <article class="doc" ref={article} dangerouslySetInnerHTML={{ __html: page.html }} />
}
