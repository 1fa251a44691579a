/** A table of all resources of a kind: search, filters of the address, order, pages. */
import { useMemo, useState } from 'preact/hooks'
import type { Field } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { findKind, parentKind } from '#resource/kinds.ts'
import { mostItems, useCollections } from './live.ts'
import { counted, fieldText, kindsOf, labelOf, referenceText, titleOf, wordOf } from './names.ts'
import type { Resource } from './api.ts'
import { ProblemBox, SearchBox, State } from './parts.tsx'
import { hrefOf, replaceQuery } from './route.ts'
import { mayWrite, type Whoami } from './session.ts'
import { Value } from './value.tsx'

const pageRows = 50

export interface KindListProps {
  readonly who: Whoami
  readonly kind: Kind
  readonly query: URLSearchParams
}

export function KindList({ who, kind, query }: KindListProps) {
  const [search, setSearch] = useState(query.get('search') ?? '')
  const [page, setPage] = useState(0)
  const filters = [...query].filter(([word]) => word !== 'search')
  const columns = columnsOf(kind)
  const get = useCollections([kind.kind, ...new Set(columns.flatMap((name) => (kind.fields[name] ? kindsOf(kind.fields[name]) : [])))])
  const { items, isReady, isCut, problem } = get(kind.kind)
  const [order, setOrder] = useState<{ column: string; isUp: boolean }>({ column: 'name', isUp: true })
  const found = rowsOf([...items.values()], { kind, filters, search, order })
  const pages = Math.max(1, Math.ceil(found.length / pageRows))
  const at = Math.min(page, pages - 1)
  const type = (text: string): void => {
    setSearch(text)
    setPage(0)
    replaceQuery({ ...Object.fromEntries(filters), search: text })
  }
  return (
    <>
      <div class="title">
        <h1>{titleOf(kind.kind)}</h1>
        <p class="hint">{kind.summary.split(': ')[1] ?? kind.summary}</p>
      </div>
      <div class="bar" role="search">
        <SearchBox label={`Search ${titleOf(kind.kind)}`} placeholder="Search: name, address, label …" value={search} set={type} />
        {filters.map(([word, value]) => (
          <a key={word} class="chip" href={hrefOf([kind.plural])} title="Show all">
            {fieldText(word)} {filterText(kind, word, value)} ✕
          </a>
        ))}
        <span class="hint" role="status">
          {isReady ? counted(found.length, 'row') : 'loading …'}
          {isCut && ` of the first ${mostItems}; vpc ${kind.kind} list shows all`}
        </span>
        <span class="space" />
        {mayWrite(who, kind.kind) && (
          <a class="button main" data-key="new" href={hrefOf([kind.plural, 'new'], Object.fromEntries(filters))}>
            New {wordOf(kind.kind)}
          </a>
        )}
      </div>
      {problem && <ProblemBox problem={problem} />}
      <Table kind={kind} columns={columns} rows={found.slice(at * pageRows, (at + 1) * pageRows)} order={order} setOrder={setOrder} />
      {isReady &&
        found.length === 0 &&
        (items.size === 0 ? <NoneYet who={who} kind={kind} /> : <p class="nothing">Nothing fits the search.</p>)}
      {pages > 1 && <Pages at={at} pages={pages} set={setPage} />}
    </>
  )
}

/** What to do where there is nothing: make one, or first the thing that it belongs to. */
function NoneYet({ who, kind }: Pick<KindListProps, 'who' | 'kind'>) {
  const parent = parentKind(kind)
  const above = useCollections(parent === undefined ? [] : [parent.kind])(parent?.kind ?? '')
  const needed = parent !== undefined && above.isReady && above.items.size === 0 ? parent : undefined
  const first = mayWrite(who, (needed ?? kind).kind) ? (needed ?? kind) : undefined
  return (
    <p class="nothing">
      There are none yet. {needed && `Each belongs to ${aWord(needed.kind)}, and there is none. `}
      {first && <a href={hrefOf([first.plural, 'new'])}>Make {aWord(first.kind)}</a>}
    </p>
  )
}

const aWord = (kind: string): string => `${/^[aeio]/.test(kind) ? 'an' : 'a'} ${wordOf(kind)}`

/** The columns of a kind; its name or address is the first anyway. */
const columnsOf = ({ columns }: Kind): string[] => [...columns.filter((name) => name !== 'state'), 'state']

function filterText({ fields }: Kind, word: string, value: string): string {
  const field = fields[word]
  const [to] = field === undefined ? (findKind(word) ? [word] : word === 'binding' ? ['host'] : []) : kindsOf(field)
  return to === undefined ? value : referenceText(to, value)
}

interface Sought {
  readonly kind: Kind
  readonly filters: readonly (readonly [string, string])[]
  readonly search: string
  readonly order: { readonly column: string; readonly isUp: boolean }
}

function rowsOf(items: readonly Resource[], { kind, filters, search, order }: Sought): Resource[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const passes = (item: Resource): boolean =>
    filters.every(([word, value]) => mentions(item[word], value)) && words.every((word) => textOf(kind, item).includes(word))
  const found = words.length === 0 && filters.length === 0 ? [...items] : items.filter(passes)
  const keys = new Map(found.map((item) => [item, sortKey(kind, item, order.column)]))
  const sign = order.isUp ? 1 : -1
  return found.sort((a, b) => sign * collator.compare(keys.get(a)!, keys.get(b)!))
}

const collator = new Intl.Collator('en', { numeric: true })

/** Is a value what a filter asks for? */
function mentions(value: unknown, asked: string): boolean {
  if (Array.isArray(value)) return value.some((each) => mentions(each, asked))
  if (typeof value === 'object' && value !== null) return Object.values(value).some((each) => mentions(each, asked))
  return String(value) === asked
}

const sortKey = (kind: Kind, item: Resource, column: string): string =>
  column === 'name' ? labelOf(item) : column === 'state' ? item.state : words(kind.fields[column], item[column])

/** All that somebody may search for. */
const textOf = (kind: Kind, item: Resource): string =>
  `${item.name ?? ''} ${item.id} ${item.state} ${String(item.description ?? '')} ${JSON.stringify(item.labels ?? {})} ${Object.entries(
    kind.fields,
  )
    .map(([name, field]) => words(field, item[name]))
    .join(' ')}`.toLowerCase()

/** A value as plain words, with names for ids. */
function words(field: Field | undefined, value: unknown): string {
  if (value === null || value === undefined) return ''
  if (field?.type === 'reference') return `${referenceText(field.to, String(value))}`
  if (Array.isArray(value)) return value.map((each) => words(field?.type === 'list' ? field.of : undefined, each)).join(' ')
  if (typeof value === 'object')
    return Object.entries(value)
      .map(([name, each]) => words(field?.type === 'object' ? field.fields[name] : undefined, each))
      .join(' ')
  return String(value)
}

interface TableProps {
  readonly kind: Kind
  readonly columns: readonly string[]
  readonly rows: readonly Resource[]
  readonly order: { readonly column: string; readonly isUp: boolean }
  readonly setOrder: (order: { column: string; isUp: boolean }) => void
}

function Table({ kind, columns, rows, order, setOrder }: TableProps) {
  const head = useMemo(() => ['name', ...columns], [kind])
  if (rows.length === 0) return null
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            {head.map((column) => {
              const isSorted = order.column === column
              return (
                <th key={column} scope="col" aria-sort={isSorted ? (order.isUp ? 'ascending' : 'descending') : undefined}>
                  <button onClick={() => setOrder({ column, isUp: isSorted ? !order.isUp : true })}>{fieldText(column)}</button>
                </th>
              )
            })}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <a data-key="row" href={hrefOf([kind.plural, row.id])}>
                  {labelOf(row)}
                </a>
              </th>
              {columns.map((column) => (
                <td key={column}>{cell(kind, column, row)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function cell(kind: Kind, column: string, row: Resource) {
  const value = row[column]
  const field = kind.fields[column]
  if (column === 'state') return <State state={row.state} />
  // Rules and the like have a page of their own.
  if (field?.type === 'list' && field.of.type === 'object' && Array.isArray(value)) return <span class="number">{value.length}</span>
  return <Value field={field} value={value} />
}

function Pages({ at, pages, set }: { at: number; pages: number; set: (page: number) => void }) {
  return (
    <div class="bar" role="navigation" aria-label="Pages of the table">
      <button disabled={at === 0} onClick={() => set(at - 1)}>
        Previous
      </button>
      <span>
        page {at + 1} of {pages}
      </span>
      <button disabled={at === pages - 1} onClick={() => set(at + 1)}>
        Next
      </button>
    </div>
  )
}
