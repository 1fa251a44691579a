/** Inputs for fields of every type, made from the tables of kinds. Each shows what the API says about it. */
import type { ComponentChildren } from 'preact'
import { useContext } from 'preact/hooks'
import { createContext } from 'preact'
import type { Field, Fields } from '#resource/field.ts'
import type { FieldProblem } from './api.ts'
import { blank, emptyText, looksOf, type Draft } from './draft.ts'
import { useCollections } from './live.ts'
import { fieldText, handleOf, labelOf, pathOf } from './names.ts'

/** What the API objects to, by JSON pointer. */
export const Objections = createContext<readonly FieldProblem[]>([])

export interface InputProps {
  readonly field: Field
  /** Its name for people. */
  readonly name: string
  /** JSON pointer of the value in the body. */
  readonly pointer: string
  readonly value: unknown
  readonly set: (value: unknown) => void
  /** Nobody may change it. */
  readonly isFixed?: boolean
}

/** A field with its label, its help and its objections. */
export function FieldInput(props: InputProps) {
  const { field } = props
  if (field.type === 'boolean') return <Check {...props} />
  if (field.type === 'list')
    return field.of.type === 'object' ? <ObjectList {...props} field={field} /> : <ScalarList {...props} field={field} />
  if (field.type === 'object') return <ObjectInput {...props} field={field} />
  if (field.type === 'map') return <MapInput {...props} field={field} />
  return <Labelled {...props} input={(more) => <Scalar {...props} more={more} />} />
}

const idOf = (pointer: string): string => `f${pointer.replaceAll('/', '-')}`

function Says({ pointer }: { pointer: string }) {
  const found = useContext(Objections).filter((each) => each.pointer === pointer)
  if (found.length === 0) return null
  return (
    <p class="objection" id={`${idOf(pointer)}-objection`}>
      {found.map(({ detail }) => detail).join('; ')}
    </p>
  )
}

type More = Readonly<Record<string, unknown>>

function useMore(pointer: string): More {
  const isWrong = useContext(Objections).some((each) => each.pointer === pointer)
  const id = idOf(pointer)
  return { id, 'aria-invalid': isWrong || undefined, 'aria-describedby': `${isWrong ? `${id}-objection ` : ''}${id}-help` }
}

function Labelled({ field, name, pointer, isFixed, input }: InputProps & { input: (more: More) => ComponentChildren }) {
  const more = useMore(pointer)
  return (
    <div class="field">
      <label for={idOf(pointer)}>
        {fieldText(name)}
        {field.required && <span class="required"> required</span>}
      </label>
      {input(more)}
      <p class="hint" id={`${idOf(pointer)}-help`}>
        {[field.help, isFixed ? 'never changes' : emptyText(field)].filter(Boolean).join('; ')}
      </p>
      <Says pointer={pointer} />
    </div>
  )
}

/** One value in one input, without a label. */
function Scalar({ field, value, set, isFixed = false, more }: InputProps & { more: More }) {
  const text = value === undefined || value === null ? '' : String(value)
  const take = (event: Event): void => set(typed(field, (event.target as HTMLInputElement).value))
  if (field.type === 'choice')
    return (
      <select {...more} value={text} onChange={take} disabled={isFixed}>
        {(!field.required || text === '') && (
          <option value="">{field.default === undefined ? '' : `${String(field.default)} (unless given)`}</option>
        )}
        {field.words.map((word) => (
          <option key={word}>{word}</option>
        ))}
      </select>
    )
  if (field.type === 'reference') return <ReferenceInput field={field} text={text} take={take} isFixed={isFixed} more={more} />
  const isNumber = field.type === 'integer'
  const looks = looksOf(field)
  return (
    <input
      {...more}
      class={field.type === 'text' ? '' : 'mono'}
      inputMode={isNumber ? 'numeric' : undefined}
      value={text}
      onInput={take}
      disabled={isFixed}
      placeholder={isFixed ? '' : looks}
      autocomplete="off"
      spellcheck={false}
    />
  )
}

/** Numbers are sent as numbers; what is none is sent as it is, so that the API says what is wrong. */
const typed = (field: Field, text: string): unknown => (field.type === 'integer' && /^-?\d+$/.test(text.trim()) ? Number(text) : text)

interface ReferenceInputProps {
  readonly field: Extract<Field, { type: 'reference' }>
  readonly text: string
  readonly take: (event: Event) => void
  readonly isFixed: boolean
  readonly more: More
}

/** More suggestions help nobody. */
const mostSuggestions = 40

function ReferenceInput({ field: { to }, text, take, isFixed, more }: ReferenceInputProps) {
  const among = useCollections([to])(to)
  const list = `${String(more.id)}-list`
  const small = text.toLowerCase()
  const fitting = [...among.items.values()]
    .filter((item) => `${pathOf(item)} ${item.id}`.toLowerCase().includes(small))
    .slice(0, mostSuggestions)
  return (
    <>
      <input
        {...more}
        list={list}
        value={text}
        onInput={take}
        disabled={isFixed}
        placeholder={isFixed ? '' : 'name or id'}
        autocomplete="off"
        spellcheck={false}
      />
      <datalist id={list}>
        {fitting.map((item) => (
          <option key={item.id} value={handleOf(item, among)}>
            {item.name === null ? labelOf(item) : pathOf(item)}
          </option>
        ))}
      </datalist>
    </>
  )
}

function Check({ field, name, pointer, value, set, isFixed }: InputProps) {
  const more = useMore(pointer)
  const isOn = value === undefined || value === null || value === '' ? field.default === true : value === true
  return (
    <div class="field check">
      <input
        {...more}
        type="checkbox"
        checked={isOn}
        disabled={isFixed}
        onChange={(event) => set((event.target as HTMLInputElement).checked)}
      />
      <label for={idOf(pointer)}>{fieldText(name)}</label>
      <p class="hint" id={`${idOf(pointer)}-help`}>
        {field.help}
      </p>
      <Says pointer={pointer} />
    </div>
  )
}

type ListProps = InputProps & { readonly field: Extract<Field, { type: 'list' }> }

const itemsOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const replaced = (items: readonly unknown[], at: number, value: unknown): unknown[] => items.map((each, i) => (i === at ? value : each))

function ScalarList({ field, name, pointer, value, set, isFixed }: ListProps) {
  const items = itemsOf(value)
  const help = [field.help, isFixed ? 'never changes' : emptyText(field)].filter(Boolean).join('; ')
  return (
    <fieldset class="field list" id={idOf(pointer)} tabIndex={-1} disabled={isFixed}>
      <legend>{fieldText(name)}</legend>
      {items.map((item, i) => (
        <ScalarItem
          key={i}
          field={field.of}
          name={`${fieldText(name)} ${i + 1}`}
          pointer={`${pointer}/${i}`}
          value={item}
          set={(next) => set(replaced(items, i, next))}
          remove={() => set(items.toSpliced(i, 1))}
        />
      ))}
      <button type="button" class="small" onClick={() => set([...items, ''])}>
        Add {singular(name)}
      </button>
      <p class="hint">{help}</p>
      <Says pointer={pointer} />
    </fieldset>
  )
}

const singular = (name: string): string => fieldText(name).replace(/ies$/, 'y').replace(/sses$/, 'ss').replace(/s$/, '')

function ScalarItem({ remove, ...props }: InputProps & { remove: () => void }) {
  const more = useMore(props.pointer)
  return (
    <div class="item">
      <Scalar {...props} more={{ ...more, 'aria-label': props.name, 'aria-describedby': undefined }} />
      <button type="button" class="small" onClick={remove} aria-label={`Remove ${props.name}`}>
        ✕
      </button>
      <Says pointer={props.pointer} />
    </div>
  )
}

function ObjectList({ field, name, pointer, value, set, isFixed }: ListProps) {
  const items = itemsOf(value)
  const move = (from: number, to: number): void => set(items.toSpliced(from, 1).toSpliced(to, 0, items[from]))
  return (
    <fieldset class="field list objects" id={idOf(pointer)} tabIndex={-1} disabled={isFixed}>
      <legend>{fieldText(name)}</legend>
      <p class="hint">{field.help}</p>
      {items.map((item, i) => (
        <fieldset class="row" key={i}>
          <legend>
            {singular(name)} {i + 1}
          </legend>
          <Members
            {...({ field: field.of } as { field: Extract<Field, { type: 'object' }> })}
            pointer={`${pointer}/${i}`}
            value={item as Draft}
            set={(next) => set(replaced(items, i, next))}
          />
          <div class="tools">
            <button
              type="button"
              class="small"
              disabled={i === 0}
              onClick={() => move(i, i - 1)}
              aria-label={`Move ${singular(name)} ${i + 1} up`}
            >
              ↑
            </button>
            <button type="button" class="small" onClick={() => set(items.toSpliced(i, 1))} aria-label={`Remove ${singular(name)} ${i + 1}`}>
              ✕ Remove
            </button>
          </div>
          <Says pointer={`${pointer}/${i}`} />
        </fieldset>
      ))}
      <button type="button" class="small" onClick={() => set([...items, blank(field.of)])}>
        Add {singular(name)}
      </button>
      <Says pointer={pointer} />
    </fieldset>
  )
}

type ObjectProps = InputProps & { readonly field: Extract<Field, { type: 'object' }> }

function ObjectInput({ field, name, pointer, value, set, isFixed }: ObjectProps) {
  const isGiven = value !== undefined && value !== null && value !== ''
  return (
    <fieldset class="field" id={idOf(pointer)} tabIndex={-1} disabled={isFixed}>
      <legend>{fieldText(name)}</legend>
      {isGiven && <Members field={field} pointer={pointer} value={value as Draft} set={set} />}
      <button type="button" class="small" onClick={() => set(isGiven ? undefined : blank(field))}>
        {isGiven ? `Take ${fieldText(name)} out` : `Give ${fieldText(name)}`}
      </button>
      <p class="hint">{field.help}</p>
      <Says pointer={pointer} />
    </fieldset>
  )
}

interface MembersProps {
  readonly field: Extract<Field, { type: 'object' }>
  readonly pointer: string
  readonly value: Draft
  readonly set: (value: Draft) => void
}

/** The fields of an object. Of those that exclude each other, one is shown, with a choice which. */
function Members({ field: { fields, exactlyOneOf = [] }, pointer, value, set }: MembersProps) {
  const given = value ?? {}
  const member = (name: string) => (
    <FieldInput
      key={name}
      field={fields[name]!}
      name={name}
      pointer={`${pointer}/${name}`}
      value={given[name]}
      set={(next) => set({ ...given, [name]: next })}
    />
  )
  // Ids of parts are the API's.
  const shown = Object.keys(fields).filter((name) => !exactlyOneOf.includes(name) && fields[name]!.type !== 'uuid')
  return (
    <div class="members">
      {shown.map(member)}
      {exactlyOneOf.length > 0 && <OneOf fields={fields} names={exactlyOneOf} pointer={pointer} given={given} set={set} member={member} />}
    </div>
  )
}

interface OneOfProps {
  readonly fields: Fields
  readonly names: readonly string[]
  readonly pointer: string
  readonly given: Draft
  readonly set: (value: Draft) => void
  readonly member: (name: string) => ComponentChildren
}

function OneOf({ fields, names, pointer, given, set, member }: OneOfProps) {
  const chosen = names.find((name) => given[name] !== undefined && given[name] !== null)
  const choose = (event: Event): void => {
    const name = (event.target as HTMLSelectElement).value
    const others = Object.fromEntries(Object.entries(given).filter(([each]) => !names.includes(each)))
    const only = fields[name]?.type === 'choice' ? (fields[name] as { words: readonly string[] }).words[0] : ''
    set(name === '' ? others : { ...others, [name]: only })
  }
  return (
    <>
      <div class="field">
        <label for={`${idOf(pointer)}-one`}>which</label>
        <select id={`${idOf(pointer)}-one`} value={chosen ?? ''} onChange={choose}>
          <option value="">choose</option>
          {names.map((name) => (
            <option key={name} value={name}>
              {fieldText(name)}
            </option>
          ))}
        </select>
      </div>
      {chosen !== undefined && member(chosen)}
    </>
  )
}

type MapProps = InputProps & { readonly field: Extract<Field, { type: 'map' }> }

/** Keys and values: of the keys that there are, or of the user's own. */
function MapInput({ field, name, pointer, value, set }: MapProps) {
  const entries = Object.entries((value ?? {}) as Draft)
  const write = (next: readonly (readonly [string, unknown])[]): void => set(Object.fromEntries(next))
  const unused = field.keys.find((key) => !entries.some(([other]) => other === key)) ?? ''
  return (
    <fieldset class="field list" id={idOf(pointer)} tabIndex={-1}>
      <legend>{fieldText(name)}</legend>
      {entries.map(([key, each], i) => (
        <div class="item" key={i}>
          <input
            aria-label={`Key ${i + 1} of ${fieldText(name)}`}
            list={`${idOf(pointer)}-keys`}
            value={key}
            onChange={(event) => write(entries.with(i, [(event.target as HTMLInputElement).value, each]))}
          />
          <input
            aria-label={`Value of ${key || i + 1}`}
            value={String(each)}
            onInput={(event) => write(entries.with(i, [key, typed(field.of, (event.target as HTMLInputElement).value)]))}
          />
          <button type="button" class="small" aria-label={`Remove ${key || i + 1}`} onClick={() => write(entries.toSpliced(i, 1))}>
            ✕
          </button>
          <Says pointer={`${pointer}/${key}`} />
        </div>
      ))}
      <datalist id={`${idOf(pointer)}-keys`}>
        {field.keys.map((key) => (
          <option key={key} value={key} />
        ))}
      </datalist>
      <button type="button" class="small" onClick={() => write([...entries, [unused, '']])}>
        Add {singular(name)}
      </button>
      <p class="hint">{field.help}</p>
      <Says pointer={pointer} />
    </fieldset>
  )
}
