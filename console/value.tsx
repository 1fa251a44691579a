/** Values of fields as text and links. */
import type { ComponentChildren } from 'preact'
import { kindOf } from '#resource/kinds.ts'
import type { Field } from '#resource/field.ts'
import { fieldText, referenceText, timeText } from './names.ts'
import { hrefOf } from './route.ts'

/** A link to a resource, by its name if that is known. */
export const Reference = ({ kind, id }: { kind: string; id: string }) => (
  <a href={hrefOf([kindOf(kind).plural, id])}>{referenceText(kind, id)}</a>
)

export function Value({ field, value }: { field: Field | undefined; value: unknown }) {
  return <>{shown(field, value)}</>
}

function shown(field: Field | undefined, value: unknown): ComponentChildren {
  if (value === null || value === undefined) return <span class="none">–</span>
  if (field === undefined) return loose(value)
  switch (field.type) {
    case 'reference':
      return <Reference kind={field.to} id={String(value)} />
    case 'boolean':
      return value === true ? 'yes' : 'no'
    case 'time':
      return <Time iso={String(value)} />
    case 'list':
      return <List field={field} items={value as readonly unknown[]} />
    case 'object':
      return <Pairs fields={field.fields} value={value as Readonly<Record<string, unknown>>} />
    case 'map':
      return <Pairs fields={{}} value={value as Readonly<Record<string, unknown>>} />
    case 'text':
    case 'choice':
    case 'integer':
      return String(value)
    default:
      return <span class="mono">{String(value)}</span>
  }
}

function List({ field, items }: { field: Extract<Field, { type: 'list' }>; items: readonly unknown[] }) {
  if (items.length === 0) return <span class="none">none</span>
  const isRows = field.of.type === 'object'
  return (
    <ul class={isRows ? 'rows' : 'inline'}>
      {items.map((item, i) => (
        <li key={i}>{shown(field.of, item)}</li>
      ))}
    </ul>
  )
}

function Pairs({ fields, value }: { fields: Readonly<Record<string, Field>>; value: Readonly<Record<string, unknown>> }) {
  // What is empty or the API's own says nothing to a reader.
  const said = Object.entries(value).filter(([name, each]) => each !== null && name !== 'id' && !(Array.isArray(each) && each.length === 0))
  if (said.length === 0) return <span class="none">none</span>
  return (
    <span class="said">
      {said.map(([name, each]) => (
        <span key={name}>
          <span class="key">{fieldText(name)}</span> {shown(fields[name], each)}
        </span>
      ))}
    </span>
  )
}

/** What has no table: a status that the API alone writes. */
function loose(value: unknown): ComponentChildren {
  if (typeof value === 'string') return /^\d{4}-\d\d-\d\dT/.test(value) ? <Time iso={value} /> : value
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value !== 'object' || value === null) return String(value)
  return <Pairs fields={{}} value={value as Readonly<Record<string, unknown>>} />
}

export const Time = ({ iso }: { iso: string }) => (
  <time dateTime={iso} title={iso}>
    {timeText(iso)}
  </time>
)
