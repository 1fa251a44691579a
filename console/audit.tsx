/** The audit log: who changed what, and what was refused. */
import { useEffect, useState } from 'preact/hooks'
import { findKind, kinds } from '#resource/kinds.ts'
import { ask, problemOf, type ProblemBody } from './api.ts'
import { known, useCollections } from './live.ts'
import { counted, fieldText, referenceText, wordOf } from './names.ts'
import { ProblemBox, SearchBox, Table } from './parts.tsx'
import { replaceQuery } from './route.ts'
import { Reference, Time } from './value.tsx'

export interface AuditRecord {
  readonly time: string
  readonly request: string
  readonly principal: string
  readonly source?: string
  readonly method: string
  readonly kind?: string
  readonly id?: string
  /** The revision before it; null: there was nothing. */
  readonly before?: string | null
  /** Of a request that was refused. */
  readonly path?: string
  /** `done`, or the status of a refusal. */
  readonly result: number | string
  readonly fields?: readonly string[]
}

/** Records that fit a question; asked again when `version` is another. Undefined question: none. */
export function useAudit(
  question: Readonly<Record<string, string>> | undefined,
  version: string,
): { records: readonly AuditRecord[] | undefined; problem: ProblemBody | undefined } {
  const [records, setRecords] = useState<readonly AuditRecord[] | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const fail = (abort: AbortController) => (error: unknown) => {
    if (!abort.signal.aborted) setProblem(problemOf(error))
  }
  const query = question && new URLSearchParams(Object.entries(question).filter(([, value]) => value !== '')).toString()
  useEffect(() => {
    if (query === undefined) return
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      const { items } = await ask<{ items: AuditRecord[] }>('GET', `/audit?${query}`, { signal: abort.signal })
      setRecords(items)
      setProblem(undefined)
    }
    void load().catch(fail(abort))
    return () => abort.abort()
  }, [query, version])
  return { records, problem }
}

export function AuditPage({ query }: { query: URLSearchParams }) {
  const [asked, setAsked] = useState<Record<string, string>>({ limit: '200', ...Object.fromEntries(query) })
  const [tick, setTick] = useState(0)
  const [search, setSearch] = useState('')
  useCollections(['principal', ...(asked.kind ? [asked.kind] : [])])
  const { records, problem } = useAudit(asked, String(tick))
  const set = (name: string, value: string): void => {
    const next = { ...asked, [name]: value }
    setAsked(next)
    replaceQuery(next)
  }
  const found = (records ?? []).filter((record) => textOf(record).includes(search.toLowerCase()))
  return (
    <>
      <div class="title">
        <h1>Audit log</h1>
        <p class="hint">who changed what, and what was refused, the newest first</p>
      </div>
      <div class="bar" role="search">
        <SearchBox label="Search the records" placeholder="Search: name, principal, address …" value={search} set={setSearch} />
        <label>
          kind{' '}
          <select value={asked.kind ?? ''} onChange={(event) => set('kind', (event.target as HTMLSelectElement).value)}>
            <option value="">all</option>
            {kinds.map(({ kind }) => (
              <option key={kind} value={kind}>
                {wordOf(kind)}
              </option>
            ))}
          </select>
        </label>
        <label>
          since{' '}
          <select onChange={(event) => set('since', agoText(Number((event.target as HTMLSelectElement).value)))}>
            <option value="1">a day ago</option>
            <option value="7">a week ago</option>
            <option value="31">31 days ago</option>
          </select>
        </label>
        <button onClick={() => setTick(tick + 1)}>Ask again</button>
        <span class="hint" role="status">
          {records === undefined ? !problem && 'loading …' : counted(found.length, 'record')}
        </span>
      </div>
      {problem && <ProblemBox problem={problem} />}
      {records !== undefined && found.length === 0 && (
        <p class="nothing">
          {records.length > 0 ? 'Nothing fits the search.' : 'There is no record in that time. Choose a longer one, or another kind.'}
        </p>
      )}
      {found.length > 0 && <AuditTable records={found} />}
    </>
  )
}

const agoText = (days: number): string => new Date(Date.now() - days * 86_400_000 + 60_000).toISOString()

const textOf = (record: AuditRecord): string => `${JSON.stringify(record)} ${referenceText('principal', record.principal)}`.toLowerCase()

export function AuditTable({ records }: { records: readonly AuditRecord[] }) {
  return (
    <Table titles={['time', 'who', 'from', 'did', 'what', 'fields', 'result']}>
      {records.map((record) => (
        <tr key={`${record.request} ${record.id ?? record.path}`}>
          <td>
            <Time iso={record.time} />
          </td>
          <td>{known('principal', record.principal) ? <Reference kind="principal" id={record.principal} /> : record.principal}</td>
          <td class="mono">{record.source}</td>
          <td>{deedText(record)}</td>
          <td>
            <Target record={record} />
          </td>
          <td>{record.before !== null && (record.fields ?? []).map(fieldText).join(', ')}</td>
          <td>{typeof record.result === 'string' ? record.result : <span class="state bad">refused: {record.result}</span>}</td>
        </tr>
      ))}
    </Table>
  )
}

function Target({ record: { kind, id, path } }: { record: AuditRecord }) {
  if (kind === undefined || id === undefined) return <span class="mono">{path}</span>
  return (
    <>
      {wordOf(kind)} {findKind(kind) && known(kind, id) ? <Reference kind={kind} id={id} /> : <span class="mono">{id}</span>}
    </>
  )
}

/** What was done, or asked for. */
function deedText({ method, before, result }: AuditRecord): string {
  if (typeof result === 'number') return method
  if (method === 'DELETE') return 'deleted'
  return before === null ? 'created' : 'changed'
}
