/** The objects of a host: a table, and all that vpcd says of one. */
import { useState } from 'preact/hooks'
import type { HostLook } from '#cli/console/questions.ts'
import { counted, fieldText } from './names.ts'
import { Copyable, Nothing, SearchBox, Table } from './parts.tsx'
import { hrefOf } from './route.ts'

type Info = HostLook['objects'][number]
type Loose = Readonly<Record<string, unknown>>

/** Words for types that have a plainer one. */
const nouns: Readonly<Record<string, string>> = {
  vpcsw: 'switch',
  vpcp: 'port',
  vpcmux: 'mux',
  vpcrtr: 'router',
  vpcnat: 'NAT',
  set: 'address set',
}

export const nounOf = (type: string): string => nouns[type] ?? type

/** The unit name of an object that another names. */
const unitOf = (objects: readonly Info[], id: unknown): string => objects.find((each) => each.id === id)?.unit ?? String(id)

export const unitHref = (id: string): string => hrefOf(['objects', id])

export function ObjectsPage({ look: { objects, troubles } }: { look: HostLook }) {
  const [search, setSearch] = useState('')
  const trouble = new Map(troubles.map(({ id, trouble: text }) => [id as string, text]))
  const words = search.toLowerCase()
  const found = objects.filter((object) => `${nounOf(object.type)} ${JSON.stringify(object)}`.toLowerCase().includes(words))
  const order = [...found].sort(
    (a, b) => Number(trouble.has(b.id)) - Number(trouble.has(a.id)) || a.type.localeCompare(b.type) || collator.compare(a.unit, b.unit),
  )
  const counts = Map.groupBy(objects, ({ type }) => type)
  return (
    <>
      <h1>Objects</h1>
      <ul class="tiles">
        {[...counts].map(([type, { length }]) => (
          <li key={type}>
            <span>
              <strong>{length}</strong> {nounOf(type)}
            </span>
          </li>
        ))}
      </ul>
      {troubles.length > 0 && <p class="state bad">{troubles.length} in trouble</p>}
      <div class="bar" role="search">
        <SearchBox label="Search the objects" placeholder="Search: unit, type, address, id …" value={search} set={setSearch} />
        <span class="hint" role="status">
          {counted(found.length, 'row')}
        </span>
      </div>
      <Table titles={['unit', 'type', 'says', 'trouble']}>
        {order.slice(0, mostRows).map((object) => (
          <tr key={object.id}>
            <th scope="row">
              <a data-key="row" href={unitHref(object.id)}>
                {object.unit}
              </a>
            </th>
            <td>{nounOf(object.type)}</td>
            <td>{inShort(object, objects)}</td>
            <td>{trouble.has(object.id) && <span class="state bad">{trouble.get(object.id)}</span>}</td>
          </tr>
        ))}
      </Table>
      {order.length > mostRows && <p class="hint">and {order.length - mostRows} more; search for them</p>}
    </>
  )
}

const mostRows = 200
const collator = new Intl.Collator('en', { numeric: true })
/** What tells objects of a type apart, in the order in which it is said. */
const telling = ['name', 'switch', 'peer', 'vni', 'mac', 'addresses', 'prefix4', 'prefix6', 'device', 'interface', 'listen'] as const

function inShort(object: Info, objects: readonly Info[]): string {
  const fields = object as unknown as Loose
  return telling
    .flatMap((name) => {
      const value = fields[name]
      if (value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) return []
      return [`${fieldText(name)} ${name === 'switch' || name === 'peer' ? unitOf(objects, value) : plainText(value)}`]
    })
    .join(', ')
}

const plainText = (value: unknown): string =>
  Array.isArray(value)
    ? value.map(plainText).join(' ')
    : typeof value === 'object' && value !== null
      ? JSON.stringify(value)
      : String(value)

export function ObjectPage({ look: { objects, troubles }, id }: { look: HostLook; id: string }) {
  const object = objects.find((each) => each.id === id)
  if (object === undefined) return <Nothing title="No such object">It is gone, or was never here.</Nothing>
  const trouble = troubles.find((each) => each.id === id)
  const fields = Object.entries(object as unknown as Loose).filter(([name]) => !['id', 'type', 'unit', 'trouble'].includes(name))
  return (
    <>
      <p class="crumbs">
        <a href="#/">Objects</a>
      </p>
      <div class="title">
        <h1>{object.unit}</h1>
        <span class="hint">{nounOf(object.type)}</span>
        <span class="space" />
        {object.type === 'vpcp' && (
          <a class="button" href={hrefOf(['trace'], { port: object.id })}>
            Trace a packet
          </a>
        )}
      </div>
      {trouble && (
        <div class="problem" role="alert">
          <strong>In trouble</strong>
          <p>{trouble.trouble}</p>
        </div>
      )}
      <dl class="pairs">
        <dt>id</dt>
        <dd>
          <Copyable text={object.id} />
        </dd>
        {fields.map(([name, value]) => [
          <dt key={name}>{fieldText(name)}</dt>,
          <dd key={`${name} value`} class="mono">
            <Shown value={value} objects={objects} />
          </dd>,
        ])}
      </dl>
    </>
  )
}

function Shown({ value, objects }: { value: unknown; objects: readonly Info[] }) {
  if (value === null || value === undefined || value === '') return <span class="none">–</span>
  const named = typeof value === 'string' ? objects.find(({ id }) => id === value) : undefined
  return named === undefined ? <>{plainText(value)}</> : <a href={unitHref(named.id)}>{named.unit}</a>
}
