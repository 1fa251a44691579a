/** The question before something is destroyed. */
import { useEffect, useState } from 'preact/hooks'
import type { Kind } from '#resource/kind.ts'
import { ask, problemOf, Refusal, type ProblemBody, type Resource } from './api.ts'
import { noteRemoved } from './live.ts'
import { labelOf, wordOf } from './names.ts'
import { Dialog, ProblemBox } from './parts.tsx'
import { go, hrefOf } from './route.ts'

interface Change {
  readonly kind: string
  readonly id: string | null
  readonly name: string | null
}

export function ConfirmDelete({ kind, resource, close }: { kind: Kind; resource: Resource; close: () => void }) {
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const [isBusy, setBusy] = useState(false)
  const along = useCascade(kind, resource)
  const path = `/${kind.plural}/${resource.id}`
  async function destroy(): Promise<void> {
    setBusy(true)
    try {
      const more = along === undefined || along.length < 2 ? '' : '?cascade=true'
      await ask('DELETE', `${path}${more}`, { headers: { 'if-match': `"${resource.revision}"` } })
      close()
      go(hrefOf([kind.plural]))
      noteRemoved(resource)
    } catch (error) {
      setProblem(textOf(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog title={`Delete ${wordOf(kind.kind)} ${labelOf(resource)}?`} close={close}>
      <p>Nobody can bring it back, and its id is never used again.</p>
      {along !== undefined && along.length > 1 && (
        <>
          <p>With it go:</p>
          <ul class="along">
            {along.map((change) => (
              <li key={change.id}>
                {wordOf(change.kind)} {change.name ?? change.id}
              </li>
            ))}
          </ul>
        </>
      )}
      {problem && <ProblemBox problem={problem} />}
      <div class="bar">
        <button class="danger" disabled={isBusy} onClick={destroy}>
          Delete
        </button>
        <button onClick={close} autofocus>
          Keep it
        </button>
      </div>
    </Dialog>
  )
}

/** What a vpc would take along. */
function useCascade(kind: Kind, { id }: Resource): readonly Change[] | undefined {
  const [along, setAlong] = useState<readonly Change[] | undefined>()
  useEffect(() => {
    if (kind.kind !== 'vpc') return
    const path = `/vpcs/${id}?cascade=true&dry-run=true`
    void ask<{ changes: Change[] }>('DELETE', path).then(
      ({ changes }) => setAlong(changes),
      () => undefined,
    )
  }, [id])
  return along
}

function textOf(error: unknown): ProblemBody {
  const problem = problemOf(error)
  if (!(error instanceof Refusal) || error.code !== 'changed') return problem
  return { ...problem, hint: 'Somebody has changed it while you looked. Close this, look again, and then decide.' }
}
