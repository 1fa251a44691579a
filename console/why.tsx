/** The question why one vnic cannot reach another, and the answer hop by hop. */
import { useEffect, useState } from 'preact/hooks'
import { protocols, type End, type Obstacle, type PathAnswer, type ProgrammedHost, type Step } from '#control/path/answer.ts'
import { isDropBetween } from '#feed/drop-ends.ts'
import type { Field, Fields } from '#resource/field.ts'
import { findKind } from '#resource/kinds.ts'
import { ask, problemOf, type ProblemBody } from './api.ts'
import { FieldInput, Objections } from './field-input.tsx'
import { docHref, ReasonLink } from './docs.tsx'
import { useDrops } from './drops.ts'
import { known, useCollections } from './live.ts'
import { Copyable, ProblemBox, State } from './parts.tsx'
import { hrefOf, replaceQuery } from './route.ts'
import { Time } from './value.tsx'

const words: Fields = {
  from: { type: 'reference', to: 'vnic', required: true, help: 'a vnic, its address, or an address outside' },
  to: { type: 'reference', to: 'vnic', required: true, help: 'a vnic, its address, or an address outside' },
  protocol: { type: 'choice', words: protocols, default: 'icmp', help: 'what is sent' },
  port: { type: 'integer', min: 0, max: 65_535, help: 'port of the destination; not with icmp' },
  vpc: { type: 'reference', to: 'vpc', help: 'where several vpcs have the address' },
}

type Words = Readonly<Record<string, string>>

export function WhyPage({ query }: { query: URLSearchParams }) {
  useCollections(['vnic', 'vpc'])
  const [asked, setAsked] = useState<Words>(Object.fromEntries(query))
  const [answer, setAnswer] = useState<PathAnswer | undefined>()
  const [problem, setProblem] = useState<ProblemBody | undefined>()
  const [isBusy, setBusy] = useState(false)
  async function look(): Promise<void> {
    setBusy(true)
    const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => String(value) !== ''))
    replaceQuery(given)
    try {
      setAnswer(await ask<PathAnswer>('GET', `/path-check?${new URLSearchParams(given)}`))
      setProblem(undefined)
    } catch (error) {
      setAnswer(undefined)
      setProblem(problemOf(error))
    } finally {
      setBusy(false)
    }
  }
  useEffect(() => {
    if (asked.from && asked.to) void look()
  }, [])
  const input = (name: string, field: Field) => (
    <FieldInput
      key={name}
      field={field}
      name={name}
      pointer={`/${name}`}
      value={asked[name]}
      set={(value) => setAsked((was) => ({ ...was, [name]: String(value) }))}
    />
  )
  return (
    <Objections.Provider value={problem?.fields ?? []}>
      <div class="title">
        <h1>Why does it not get there?</h1>
        <p class="hint">what the model says of a packet, whether the hosts do it, and what stands in the way</p>
      </div>
      <form class="wide" onSubmit={(event) => (event.preventDefault(), void look())} noValidate>
        <div class="members">{Object.entries(words).map(([name, field]) => input(name, field))}</div>
        <div class="bar">
          <button class="main" disabled={isBusy}>
            Ask
          </button>
          <button type="button" onClick={() => setAsked((was) => ({ ...was, from: was.to ?? '', to: was.from ?? '' }))}>
            The other way
          </button>
        </div>
      </form>
      {problem && <ProblemBox problem={problem} />}
      {answer && <Answer answer={answer} />}
    </Objections.Provider>
  )
}

const verdicts: Readonly<Record<PathAnswer['verdict'], readonly [tone: string, text: string]>> = {
  reachable: ['good', 'It gets there.'],
  blocked: ['bad', 'It does not get there.'],
  'not-yet': ['warn', 'It is allowed, but a host does not do it yet.'],
  unknown: ['warn', 'It reaches a guest that forwards it; nobody here knows what that does.'],
}

/** The answer: the verdict, what stands in the way, each hop, and whether the hosts do it. */
export function Answer({ answer: { verdict, packet, from, to, steps, obstacle, programmed } }: { answer: PathAnswer }) {
  const [tone, text] = verdicts[verdict]
  const what = packet.port === null ? packet.protocol : `${packet.protocol} ${packet.port}`
  return (
    <section aria-live="polite">
      <h2 class={`verdict ${tone}`}>{text}</h2>
      <p class="hint">
        {what} from {packet.source} to {packet.destination}
      </p>
      {obstacle && <ObstacleBox obstacle={obstacle} />}
      <ol class="hops">
        <EndHop end={from} is="from" />
        {steps.map((step, i) => (
          <Hop key={i} step={step} isObstacle={obstacle?.step === i} isTurn={step.way === 'answer' && steps[i - 1]?.way === 'request'} />
        ))}
        <EndHop end={to} is="to" isReached={verdict !== 'blocked'} />
      </ol>
      {programmed.hosts.length > 0 && <Programmed hosts={programmed.hosts} />}
      <DroppedLately ends={[from, to]} />
    </section>
  )
}

function ObstacleBox({ obstacle: { text, thing, changed, command } }: { obstacle: Obstacle }) {
  return (
    <div class="problem">
      <strong>{text}</strong>
      {thing && (
        <p>
          <ThingLink thing={thing} />
        </p>
      )}
      {changed && (
        <p>
          {changed.isNew ? 'created' : 'changed last'} by {changed.name ?? changed.by} at <Time iso={changed.time} />
          {!changed.isNew && changed.fields && changed.fields.length > 0 && `: ${changed.fields.join(', ')}`}
        </p>
      )}
      {command && (
        <p>
          This would allow it: <Copyable text={command} />
        </p>
      )}
      <p>
        <a href={docHref('troubleshooting', 'a-guest-does-not-reach-another-one')}>What to do about it</a>
      </p>
    </div>
  )
}

function ThingLink({ thing }: { thing: NonNullable<Step['thing']> }) {
  const table = findKind(thing.kind)
  return table === undefined ? <>{textOf(thing)}</> : <a href={hrefOf([table.plural, thing.id])}>{textOf(thing)}</a>
}

const textOf = ({ kind, id, name }: NonNullable<Step['thing']>): string => `${kind.replaceAll('-', ' ')} ${name ?? id}`

/** A step's text, with a link where it names its thing; else behind it. */
function StepText({ text, thing }: Pick<Step, 'text' | 'thing'>) {
  if (thing === null) return <>{text}</>
  const at = text.indexOf(textOf(thing))
  const end = at + textOf(thing).length
  // Not the beginning of a longer name.
  if (at >= 0 && !/^[\w/-]/.test(text.slice(end)))
    return (
      <>
        {text.slice(0, at)}
        <ThingLink thing={thing} />
        {text.slice(end)}
      </>
    )
  return (
    <>
      {text}{' '}
      <span class="hint">
        <ThingLink thing={thing} />
      </span>
    </>
  )
}

const endTexts = {
  vnic: 'vnic',
  outside: 'outside of the cloud',
  hidden: 'a vnic of another account',
  nobody: 'nobody has this address',
  gateway: 'the gateway',
} as const

function EndHop({ end: { kind, address, id, name, host }, is, isReached = true }: { end: End; is: 'from' | 'to'; isReached?: boolean }) {
  return (
    <li class={`end ${isReached ? 'yes' : 'no'}`}>
      <span class="stage">{is}</span>
      <span>
        {kind === 'vnic' && id !== undefined ? <a href={hrefOf(['vnics', id])}>{name ?? id}</a> : endTexts[kind]}{' '}
        <span class="mono">{address}</span>
        {host && <span class="hint"> on host {host.name ?? host.id}</span>}
      </span>
    </li>
  )
}

const marks = { true: 'yes', false: 'no', null: 'note' } as const

function Hop({ step: { stage, ok, text, thing }, isObstacle, isTurn }: { step: Step; isObstacle: boolean; isTurn: boolean }) {
  return (
    <>
      {isTurn && <li class="turn">and the answer back</li>}
      <li class={`${marks[`${ok}`]} ${isObstacle ? 'obstacle' : ''}`}>
        <span class="stage">{stage.replaceAll('-', ' ')}</span>
        <span>
          {ok === false && <span class="unseen">refused: </span>}
          <StepText text={text} thing={thing} />
        </span>
      </li>
    </>
  )
}

/** Packets between the two that hosts have really dropped. */
function DroppedLately({ ends }: { ends: readonly [End, End] }) {
  const vnic = ends.map(({ id }) => (id === undefined ? undefined : known('vnic', id))).find((found) => found !== undefined)
  const { all } = useDrops(vnic?.vpc as string | undefined)
  const found = all.filter((drop) => isDropBetween(drop, ends)).slice(0, 10)
  if (found.length === 0) return null
  return (
    <>
      <h3>Dropped lately between the two</h3>
      <ul>
        {found.map((drop, i) => (
          <li key={`${drop.time} ${i}`}>
            <Time iso={drop.time} /> <ReasonLink reason={drop.reason} /> <span class="mono">{drop.text}</span>
          </li>
        ))}
      </ul>
    </>
  )
}

const states = { current: 'ready', late: 'draining', unreachable: 'unreachable', failing: 'failed' } as const

function Programmed({ hosts }: { hosts: readonly ProgrammedHost[] }) {
  return (
    <>
      <h3>Whether the hosts do it</h3>
      <table>
        <thead>
          <tr>
            <th scope="col">host</th>
            <th scope="col">is</th>
            <th scope="col">state</th>
            <th scope="col">needs revision</th>
            <th scope="col">has</th>
            <th scope="col">says</th>
          </tr>
        </thead>
        <tbody>
          {hosts.map(({ id, name, role, state, needs, acked, problem }, i) => (
            <tr key={i}>
              <th scope="row">{id === null ? 'another’s' : <a href={hrefOf(['hosts', id])}>{name ?? id}</a>}</th>
              <td>{role === 'both' ? 'source and destination' : role}</td>
              <td>
                <State state={state} tone={states[state]} />
              </td>
              <td>{needs}</td>
              <td>{acked ?? '–'}</td>
              <td>{problem?.text}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
