/** One resource: its fields, what is wrong with it, what belongs to it, who changed it, and what can be done. */
import { useEffect, useState } from 'preact/hooks'
import { envelopeFields } from '#resource/envelope.ts'
import { referencesOf } from '#resource/field.ts'
import type { Kind } from '#resource/kind.ts'
import { kinds } from '#resource/kinds.ts'
import { ask, problemOf, type ProblemBody, type Resource } from './api.ts'
import { AuditTable, useAudit } from './audit.tsx'
import { ConfirmDelete } from './confirm-delete.tsx'
import { known, useCollections } from './live.ts'
import { counted, fieldText, kindsOf, labelOf, titleOf, wordOf } from './names.ts'
import { Copyable, Nothing, State } from './parts.tsx'
import { actionsOf } from './kind-actions.tsx'
import { hrefOf } from './route.ts'
import { mayRead, mayWrite, type Whoami } from './session.ts'
import { useStats } from './stats.ts'
import { TrafficCharts } from './traffic.tsx'
import { Reference, Time, Value } from './value.tsx'

export interface KindDetailProps {
  readonly who: Whoami
  readonly kind: Kind
  readonly id: string
}

export function KindDetail({ who, kind, id }: KindDetailProps) {
  const named = Object.values(kind.fields).flatMap(kindsOf)
  useCollections([...new Set([kind.kind, 'account', 'vpc', 'principal', ...named].filter((name) => mayRead(who, name)))])
  const [fetched, setFetched] = useState<Resource | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  useEffect(() => {
    void ask<Resource>('GET', `/${kind.plural}/${encodeURIComponent(id)}`).then(setFetched, (error) => setProblem(problemOf(error)))
  }, [kind, id])
  const resource = known(kind.kind, id) ?? fetched
  if (resource === undefined)
    return problem === undefined ? (
      <p class="hint">loading …</p>
    ) : (
      <Nothing title={`No such ${wordOf(kind.kind)}`}>
        {problem.detail}. <a href={hrefOf([kind.plural])}>All {titleOf(kind.kind)}</a>
      </Nothing>
    )
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf([kind.plural])}>{titleOf(kind.kind)}</a>
      </p>
      <Head who={who} kind={kind} resource={resource} />
      <TroubleBox resource={resource} />
      <Fields kind={kind} resource={resource} />
      <Traffic kind={kind.kind} id={resource.id} />
      <Belongings who={who} kind={kind} id={resource.id} />
      <History who={who} id={resource.id} revision={resource.revision} />
    </>
  )
}

/** Pages about a thing. */
function looksAt(kind: string, id: string): (readonly [text: string, href: string])[] {
  const events = ['Events', hrefOf(['events'], { [kind]: id })] as const
  if (kind === 'vnic') return [['Why?', hrefOf(['why'], { from: id })], events]
  if (kind === 'host' || kind === 'account') return [events]
  if (kind !== 'vpc') return []
  return [
    ['Drops', hrefOf(['drops'], { vpc: id })],
    events,
    ['Who reaches whom', hrefOf(['vpcs', id, 'matrix'])],
    ['Picture', hrefOf(['vpcs', id, 'picture'])],
  ]
}

function Head({ who, kind, resource }: { who: Whoami; kind: Kind; resource: Resource }) {
  const [isDeleting, setDeleting] = useState(false)
  const Actions = actionsOf(kind.kind)
  const isWriter = mayWrite(who, kind.kind)
  return (
    <div class="title">
      <h1>{labelOf(resource)}</h1>
      <State state={resource.state} />
      <span class="hint">{wordOf(kind.kind)}</span>
      <span class="space" />
      {looksAt(kind.kind, resource.id).map(([text, href]) => (
        <a key={text} class="button" href={href}>
          {text}
        </a>
      ))}
      {isWriter && Actions && <Actions resource={resource} />}
      {isWriter && (
        <a class="button" data-key="edit" href={hrefOf([kind.plural, resource.id, 'edit'])}>
          Edit
        </a>
      )}
      {isWriter && (
        <button class="danger" onClick={() => setDeleting(true)}>
          Delete
        </button>
      )}
      {isDeleting && <ConfirmDelete kind={kind} resource={resource} close={() => setDeleting(false)} />}
    </div>
  )
}

/** What a host cannot do of it. */
function TroubleBox({ resource }: { resource: Resource }) {
  const trouble = resource.problem as { code?: string; text?: string; since?: string; hosts?: readonly string[] } | null | undefined
  if (!trouble) return null
  return (
    <div class="problem" role="alert">
      <strong>Not as it should be</strong>
      <p>
        {trouble.text ?? JSON.stringify(trouble)}
        {trouble.since && (
          <>
            {' '}
            since <Time iso={trouble.since} />
          </>
        )}
      </p>
    </div>
  )
}

function Fields({ kind, resource }: { kind: Kind; resource: Resource }) {
  const status = (kind.status ?? []).filter((name) => name !== 'problem')
  const labels = Object.entries((resource.labels ?? {}) as Record<string, string>)
  const walls = (['account', 'vpc', 'org'] as const).filter((name) => typeof resource[name] === 'string' && !kind.fields[name])
  return (
    <dl class="pairs">
      {Object.entries(kind.fields).map(([name, field]) => [
        <dt title={field.help}>{fieldText(name)}</dt>,
        <dd>
          <Value field={field} value={resource[name]} />
        </dd>,
      ])}
      {status.map((name) => [
        <dt>{fieldText(name)}</dt>,
        <dd>
          <StatusValue name={name} value={resource[name]} />
        </dd>,
      ])}
      {walls.map((name) => [
        <dt>{name}</dt>,
        <dd>
          <Reference kind={name} id={String(resource[name])} />
        </dd>,
      ])}
      {resource.description !== '' && [<dt>description</dt>, <dd>{String(resource.description)}</dd>]}
      {labels.length > 0 && [<dt>labels</dt>, <dd class="mono">{labels.map(([key, value]) => `${key}=${value}`).join(' ')}</dd>]}
      {resource.protected === true && [
        <dt title={envelopeFields.protected.help}>protected</dt>,
        <dd>yes: {envelopeFields.protected.help}</dd>,
      ]}
      <dt>id</dt>
      <dd>
        <Copyable text={resource.id} />
      </dd>
      <dt>revision</dt>
      <dd>
        {resource.revision}, changed {counted(Number(resource.generation), 'time')}
      </dd>
      <Stamp title="created" stamp={resource.created} />
      <Stamp title="updated" stamp={resource.updated} />
    </dl>
  )
}

/** Where a vnic is plugged in is a reference, though it is not a field. */
function StatusValue({ name, value }: { name: string; value: unknown }) {
  if (name !== 'binding' || value === null) return <Value field={undefined} value={value} />
  const { host, unit } = value as { host: string; unit: string }
  return (
    <>
      <Reference kind="host" id={host} /> as {unit}
    </>
  )
}

function Stamp({ title, stamp }: { title: string; stamp: unknown }) {
  const { time, by } = stamp as { time: string; by: string }
  return (
    <>
      <dt>{title}</dt>
      <dd>
        <Time iso={time} /> by {known('principal', by) ? <Reference kind="principal" id={by} /> : by}
      </dd>
    </>
  )
}

/** What hosts have counted of it. */
function Traffic({ kind, id }: { kind: string; id: string }) {
  const stats = useStats(kind, id)
  return stats === undefined ? null : <TrafficCharts stats={stats} />
}

/** Kinds that refer to this one, with how many do. */
function Belongings({ who, kind, id }: { who: Whoami; kind: Kind; id: string }) {
  const users = kinds.filter((other) => mayRead(who, other.kind) && referencesOf(other.fields).some(({ to }) => to === kind.kind))
  const get = useCollections(users.map((other) => other.kind))
  if (users.length === 0) return null
  return (
    <section>
      <h2>What names it</h2>
      <ul class="tiles">
        {users.map((other) => {
          const { path } = referencesOf(other.fields).find(({ to }) => to === kind.kind)!
          const { items, isReady } = get(other.kind)
          const count = [...items.values()].filter((item) => JSON.stringify(item[path[0]!] ?? null).includes(id)).length
          const query = { [path[0]!]: id }
          return (
            <li key={other.kind}>
              <a href={hrefOf([other.plural], query)}>
                {isReady ? count : '…'} {titleOf(other.kind)}
              </a>
              {mayWrite(who, other.kind) && other.fields[path[0]!]!.type === 'reference' && (
                <a class="hint" href={hrefOf([other.plural, 'new'], query)} aria-label={`New ${wordOf(other.kind)}`}>
                  new
                </a>
              )}
            </li>
          )
        })}
      </ul>
    </section>
  )
}

function History({ who, id, revision }: { who: Whoami; id: string; revision: string }) {
  const isAuditor = who.roles.some(({ role }) => role === 'admin' || role === 'auditor')
  const { records } = useAudit(isAuditor ? { target: id, limit: '10' } : undefined, revision)
  if (records === undefined || records.length === 0) return null
  return (
    <section>
      <h2>Changes of the last day</h2>
      <AuditTable records={records} />
    </section>
  )
}
