/** What to do when somebody else has changed what one was changing. */
import type { Kind } from '#resource/kind.ts'
import { envelope, filled, type Draft } from './draft.ts'
import { fieldText } from './names.ts'
import { Value } from './value.tsx'

export interface ConflictBoxProps {
  readonly kind: Kind
  readonly before: Draft
  readonly mine: Draft
  readonly theirs: Draft
  /** Write mine over theirs: the fields that I have changed, and no others. */
  readonly overwrite: () => void
  /** Forget mine. */
  readonly takeTheirs: () => void
}

const differs = (a: unknown, b: unknown): boolean => JSON.stringify(filled(a)) !== JSON.stringify(filled(b))

export function ConflictBox({ kind, before, mine, theirs, overwrite, takeTheirs }: ConflictBoxProps) {
  const names = ['name', ...Object.keys({ ...kind.fields, ...envelope })]
  const changed = names.filter((name) => differs(before[name], theirs[name]) || differs(before[name], mine[name]))
  return (
    <div class="problem" role="alert">
      <strong>Somebody has changed it meanwhile</strong>
      <p>Nothing was written. Your changes and theirs:</p>
      <table>
        <thead>
          <tr>
            <th scope="col">field</th>
            <th scope="col">before</th>
            <th scope="col">theirs</th>
            <th scope="col">yours</th>
          </tr>
        </thead>
        <tbody>
          {changed.map((name) => (
            <tr key={name}>
              <th scope="row">{fieldText(name)}</th>
              {[before, theirs, mine].map((draft, i) => (
                <td key={i} class={i > 0 && differs(before[name], draft[name]) ? 'changed' : ''}>
                  <Plain value={draft[name]} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      <div class="bar">
        <button type="button" onClick={takeTheirs}>
          Begin anew from theirs
        </button>
        <button type="button" class="danger" onClick={overwrite}>
          Write yours over it
        </button>
      </div>
    </div>
  )
}

const Plain = ({ value }: { value: unknown }) =>
  typeof value === 'object' && value !== null ? (
    <code>{JSON.stringify(value)}</code>
  ) : (
    <Value field={undefined} value={value === '' ? null : value} />
  )
