/** The form that makes or changes a resource of any kind. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { envelopeFields } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { ask, problemOf, type ProblemBody, type Resource } from './api.ts'
import { ConflictBox } from './conflict.tsx'
import { draftOf, envelope, filled, patchOf, type Draft } from './draft.ts'
import { FieldInput, Objections } from './field-input.tsx'
import { known, noteWritten, useCollections } from './live.ts'
import { handleOf, kindsOf, labelOf, titleOf, wordOf } from './names.ts'
import { Copyable, Dialog, ProblemBox } from './parts.tsx'
import { Review } from './review.tsx'
import { go, hrefOf } from './route.ts'

export interface KindFormProps {
  readonly kind: Kind
  /** Undefined: a new one. */
  readonly id: string | undefined
  readonly query: URLSearchParams
}

/** Loads what the form begins with. */
export function KindForm({ kind, id, query }: KindFormProps) {
  const named = [...new Set(Object.values(kind.fields).flatMap(kindsOf))]
  const get = useCollections(named)
  const [before, setBefore] = useState<Resource | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  useEffect(() => {
    if (id !== undefined) void ask<Resource>('GET', `/${kind.plural}/${id}`).then(setBefore, (error) => setProblem(problemOf(error)))
  }, [id])
  const isReady = (id === undefined || before !== undefined) && named.every((name) => get(name).isReady || get(name).problem !== undefined)
  const textOf = (to: string, of: string): string => {
    const found = known(to, of)
    return found === undefined ? of : handleOf(found, get(to))
  }
  if (problem) return <ProblemBox problem={problem} />
  if (!isReady) return <p class="hint">loading …</p>
  const start = before === undefined ? newDraft(kind, query, textOf) : draftOf(kind, before, textOf)
  return <Editor kind={kind} before={before} start={start} textOf={textOf} reload={setBefore} key={before?.revision ?? 'new'} />
}

/** A new one has what the address names, and the default of choices that must be made. */
function newDraft(kind: Kind, query: URLSearchParams, textOf: (kind: string, id: string) => string): Draft {
  const given = [...query].flatMap(([name, value]) => {
    const field = kind.fields[name]
    if (field === undefined) return []
    const text = kindsOf(field).length > 0 ? textOf(kindsOf(field)[0]!, value) : value
    return [[name, field.type === 'list' ? [text] : text] as const]
  })
  return { name: '', ...Object.fromEntries(given) }
}

interface EditorProps {
  readonly kind: Kind
  readonly before: Resource | undefined
  readonly start: Draft
  readonly textOf: (kind: string, id: string) => string
  readonly reload: (resource: Resource) => void
}

function Editor({ kind, before, start, textOf, reload }: EditorProps) {
  const [draft, setDraft] = useState(start)
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const [isBusy, setBusy] = useState(false)
  const [reviewed, setReviewed] = useState<Resource | undefined>()
  const [token, setToken] = useState<{ token: string; id: string } | undefined>()
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => focusFirst(form.current, problem), [problem])
  const set = (name: string) => (value: unknown) => setDraft((was) => ({ ...was, [name]: value }))
  // Who may talk to whom is shown before it holds.
  const isPlanned = kind.kind === 'group' && before !== undefined
  const send = (isDryRun: boolean, revision = before?.revision): Promise<Resource> =>
    before === undefined
      ? ask('POST', `/${kind.plural}`, { body: filled(draft) })
      : ask('PATCH', `/${kind.plural}/${before.id}${isDryRun ? '?dry-run=true' : ''}`, {
          body: patchOf(start, draft),
          headers: { 'if-match': `"${revision}"` },
        })
  async function submit(isDryRun: boolean, revision?: string): Promise<void> {
    setBusy(true)
    setProblem(undefined)
    // Pointers of the answer count what was sent.
    setDraft((was) => ({ ...was, ...trimmedLists(was) }))
    try {
      const made = await send(isDryRun, revision)
      if (isDryRun) return setReviewed(made)
      noteWritten(made)
      if (typeof made.token === 'string') return setToken({ token: made.token, id: made.id })
      go(hrefOf([kind.plural, made.id]))
    } catch (error) {
      setReviewed(undefined)
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  const fields = problem?.fields ?? []
  const isConflict = problem?.type === 'urn:vpc:problem:changed' && problem.current !== undefined
  return (
    <Objections.Provider value={fields}>
      <Heading kind={kind} before={before} />
      <form ref={form} onSubmit={(event) => (event.preventDefault(), void submit(isPlanned))} noValidate>
        {problem && !isConflict && <ProblemBox problem={problem} />}
        {isConflict && before && (
          <ConflictBox
            kind={kind}
            before={start}
            mine={draft}
            theirs={draftOf(kind, problem.current!, textOf)}
            overwrite={() => void submit(false, problem.current!.revision)}
            takeTheirs={() => reload(problem.current!)}
          />
        )}
        <FieldInput
          field={kind.named ? { ...envelopeFields.name, required: true } : envelopeFields.name}
          name="name"
          pointer="/name"
          value={draft.name}
          set={set('name')}
        />
        {Object.entries({ ...kind.fields, ...envelope }).map(([name, field]) => (
          <FieldInput
            key={name}
            field={field}
            name={name}
            pointer={`/${name}`}
            value={draft[name]}
            set={set(name)}
            isFixed={before !== undefined && field.immutable === true}
          />
        ))}
        <div class="bar actions">
          <button class="main" disabled={isBusy}>
            {isPlanned ? 'Show what would change' : before === undefined ? `Create ${wordOf(kind.kind)}` : 'Save'}
          </button>
          <a class="button" href={hrefOf(before === undefined ? [kind.plural] : [kind.plural, before.id])}>
            Leave it
          </a>
        </div>
      </form>
      {reviewed && before && (
        <Review kind={kind} before={before} after={reviewed} close={() => setReviewed(undefined)} apply={() => void submit(false)} />
      )}
      {token && <TokenDialog token={token.token} close={() => go(hrefOf([kind.plural, token.id]))} />}
    </Objections.Provider>
  )
}

function Heading({ kind, before }: { kind: Kind; before: Resource | undefined }) {
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf([kind.plural])}>{titleOf(kind.kind)}</a>
        {before && (
          <>
            {' / '}
            <a href={hrefOf([kind.plural, before.id])}>{labelOf(before)}</a>
          </>
        )}
      </p>
      <h1>
        {before === undefined ? 'New' : 'Edit'} {wordOf(kind.kind)} {before && labelOf(before)}
      </h1>
    </>
  )
}

/** Lists of a draft without what was left empty: what is shown is what was sent. */
function trimmedLists(draft: Draft): Draft {
  return Object.fromEntries(Object.entries(draft).flatMap(([name, value]) => (Array.isArray(value) ? [[name, filled(value)]] : [])))
}

/** Show the first field that the API objects to, or else what it says. */
function focusFirst(form: HTMLFormElement | null, problem: ProblemBody | undefined): void {
  if (form === null || problem === undefined) return
  const [first] = problem.fields ?? []
  const input = first && form.querySelector<HTMLElement>(`#${CSS.escape(`f${first.pointer.replaceAll('/', '-')}`)}`)
  input?.focus()
  const shown = input ?? form.querySelector('[role="alert"]')
  shown?.scrollIntoView({ block: 'center' })
}

function TokenDialog({ token, close }: { token: string; close: () => void }) {
  return (
    <Dialog title="The new token" close={close}>
      <p>It is shown this once. Keep it where others do not see it.</p>
      <Copyable text={token} />
      <div class="bar">
        <button class="main" onClick={close}>
          I have it
        </button>
      </div>
    </Dialog>
  )
}
