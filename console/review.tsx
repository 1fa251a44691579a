/** What a change would do, as the API has worked it out, before it is made. */
import { useMemo } from 'preact/hooks'
import type { Field } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import type { Resource } from './api.ts'
import { useCollections } from './live.ts'
import { counted, fieldText, labelOf } from './names.ts'
import { Dialog } from './parts.tsx'
import { Value } from './value.tsx'

export interface ReviewProps {
  readonly kind: Kind
  readonly before: Resource
  /** What a dry run has answered. */
  readonly after: Resource
  readonly apply: () => void
  readonly close: () => void
}

export function Review({ kind, before, after, apply, close }: ReviewProps) {
  const names = ['name', 'description', 'labels', 'protected', ...Object.keys(kind.fields)]
  const changed = names.filter((name) => JSON.stringify(before[name] ?? null) !== JSON.stringify(after[name] ?? null))
  return (
    <Dialog title={`What would change in ${labelOf(before)}`} close={close}>
      {changed.length === 0 && <p>Nothing: the vpc matches the document.</p>}
      {changed.map((name) => {
        const field = kind.fields[name]
        return (
          <section key={name}>
            <h3>{fieldText(name)}</h3>
            {field?.type === 'list' ? (
              <ListChanges field={field.of} before={before[name]} after={after[name]} />
            ) : (
              <p class="change">
                <del>
                  <Value field={field} value={before[name]} />
                </del>{' '}
                →{' '}
                <ins>
                  <Value field={field} value={after[name]} />
                </ins>
              </p>
            )}
          </section>
        )
      })}
      <Reach id={before.id} />
      <div class="bar">
        <button class="main" onClick={apply} disabled={changed.length === 0}>
          Apply
        </button>
        <button onClick={close}>Go on editing</button>
      </div>
    </Dialog>
  )
}

const keyOf = (item: unknown): string =>
  JSON.stringify(item, (name, value: unknown) => (name === 'id' || value === null ? undefined : value))

/** Rules and the like: what goes, and what comes. The id of a rule says nothing to people. */
function ListChanges({ field, before, after }: { field: Field; before: unknown; after: unknown }) {
  const { gone, come, kept } = useMemo(() => {
    const [was, is] = [(before ?? []) as unknown[], (after ?? []) as unknown[]]
    const [wasKeys, isKeys] = [new Set(was.map(keyOf)), new Set(is.map(keyOf))]
    const gone = was.filter((item) => !isKeys.has(keyOf(item)))
    return { gone, come: is.filter((item) => !wasKeys.has(keyOf(item))), kept: was.length - gone.length }
  }, [before, after])
  return (
    <ul class="changes">
      {gone.map((item) => (
        <li key={keyOf(item)} class="gone">
          <span class="sign">−</span>
          <del>
            <Value field={field} value={item} />
          </del>
        </li>
      ))}
      {come.map((item) => (
        <li key={keyOf(item)} class="come">
          <span class="sign">+</span>
          <ins>
            <Value field={field} value={item} />
          </ins>
        </li>
      ))}
      <li class="hint">{kept} unchanged</li>
    </ul>
  )
}

/** Whom it concerns: the vnics that are in a group, and the hosts where they are. */
function Reach({ id }: { id: string }) {
  const get = useCollections(['vnic', 'host'])
  const members = [...get('vnic').items.values()].filter(({ groups }) => Array.isArray(groups) && groups.includes(id))
  const hosts = new Set(members.flatMap(({ binding }) => (binding ? [(binding as { host: string }).host] : [])))
  return (
    <p>
      It concerns {counted(members.length, 'vnic')} on {counted(hosts.size, 'host')}. Connections that the new rules refuse end.
    </p>
  )
}
