/** The first page: how the cloud is, and what is wrong. */
import { useEffect, useState } from 'preact/hooks'
import { kinds } from '#resource/kinds.ts'
import type { Resource } from './api.ts'
import { docHref } from './docs.tsx'
import { useCollections } from './live.ts'
import { counted, labelOf, titleOf, wordOf } from './names.ts'
import { State, Table } from './parts.tsx'
import { hrefOf } from './route.ts'
import { mayRead, mayWrite, type Whoami } from './session.ts'
import { Reference, Time } from './value.tsx'

/** Kinds that are counted even when there are none. */
const usual = new Set(['vpc', 'subnet', 'vnic', 'group', 'host'])
/** States in which nobody need do anything. */
const calm = new Set([
  'ok',
  'ready',
  'unplugged',
  'invited',
  'drained',
  'active',
  'binding',
  'joining',
  'attached',
  'free',
  'placed',
  'waiting',
  'used',
])

export function Overview({ who }: { who: Whoami }) {
  const shown = ['account', 'vpc', 'subnet', 'vnic', 'group', 'host', 'nat', 'router', 'floating-ip', 'peering', 'facility'].filter(
    (kind) => mayRead(who, kind),
  )
  const get = useCollections(shown)
  const isReady = shown.every((kind) => get(kind).isReady)
  const wrong = shown.flatMap((kind) => [...get(kind).items.values()].filter(isWrong))
  const hosts = [...get('host').items.values()].sort((a, b) => labelOf(a).localeCompare(labelOf(b)))
  return (
    <>
      <div class="title">
        <h1>Overview</h1>
        <Health />
      </div>
      <ul class="tiles">
        {shown
          .filter((kind) => usual.has(kind) || (kind !== 'facility' && get(kind).items.size > 0))
          .map((kind) => (
            <li key={kind}>
              <a href={hrefOf([kinds.find((each) => each.kind === kind)!.plural])}>
                <strong>{get(kind).isReady ? get(kind).items.size : '…'}</strong> {titleOf(kind)}
              </a>
            </li>
          ))}
      </ul>
      {isReady && <Wrong wrong={wrong} />}
      {isReady && get('vpc').items.size === 0 && mayWrite(who, 'vpc') && <FirstSteps />}
      {hosts.length > 0 && <Hosts hosts={hosts} />}
      {get('vpc').items.size > 0 && <Vpcs vpcs={[...get('vpc').items.values()]} vnics={[...get('vnic').items.values()]} />}
    </>
  )
}

/** A host that has made nothing of a vnic for so long is late. */
const lateMs = 30_000

/** Does anything of it need somebody's look? */
function isWrong({ kind, state, problem, vnics, updated }: Resource): boolean {
  if (!calm.has(state) || (problem !== null && problem !== undefined)) return true
  if (kind === 'host') return ['invited', 'joining'].includes(state) && Number(vnics) > 0
  return state === 'binding' && Date.now() - Date.parse((updated as { time: string }).time) > lateMs
}

/** Whether the API and its store answer. */
function Health() {
  const [text, setText] = useState('')
  useEffect(() => {
    const look = (): void =>
      void fetch('/health/ready').then(
        async (response) => setText(response.ok ? '' : (((await response.json()) as { detail?: string }).detail ?? 'not ready')),
        () => setText('the API does not answer'),
      )
    look()
    const timer = setInterval(look, 5_000)
    return () => clearInterval(timer)
  }, [])
  return text === '' ? <State state="ready" /> : <span class="state bad">{text}</span>
}

const mostWrong = 30

function Wrong({ wrong }: { wrong: readonly Resource[] }) {
  if (wrong.length === 0) return <p class="allwell">Everything is as it should be.</p>
  return (
    <section>
      <h2>Needs a look: {wrong.length}</h2>
      <p class="hint">
        <a href={docHref('troubleshooting')}>Troubleshooting by symptom</a>
      </p>
      <Table titles={['what', 'state', 'why', 'since']}>
        {wrong.slice(0, mostWrong).map((item) => {
          const { text, since } = (item.problem ?? {}) as { text?: string; since?: string }
          const at = since ?? item.lastSeen
          return (
            <tr key={item.id}>
              <th scope="row">
                {wordOf(item.kind)} <Reference kind={item.kind} id={item.id} />
              </th>
              <td>
                <State state={item.state} />
              </td>
              <td>{text ?? whyOf(item)}</td>
              <td>{typeof at === 'string' && <Time iso={at} />}</td>
            </tr>
          )
        })}
      </Table>
      {wrong.length > mostWrong && <p class="hint">and {wrong.length - mostWrong} more</p>}
    </section>
  )
}

const reasons: Readonly<Record<string, string>> = {
  unreachable: 'no API has had its agent’s connection for 30 s; what runs there goes on, and gets no changes',
  disabled: 'somebody has disabled it; its agent may not connect',
  draining: 'no new guest comes; some are still there',
  pending: 'the other account has not accepted it yet',
  closing: 'somebody is deleting it',
  binding: 'its host has not made it yet',
  invited: 'vnics are plugged in there, but no machine has joined as this host',
  joining: 'vnics are plugged in there, but its agent has not come yet',
}

const whyOf = ({ state }: Resource): string => reasons[state] ?? ''

function Hosts({ hosts }: { hosts: readonly Resource[] }) {
  return (
    <section>
      <h2>
        Hosts <span class="hint">{countStates(hosts)}</span>
      </h2>
      <Table titles={['name', 'state', 'vnics', 'facility', 'last seen', 'agent']}>
        {hosts.slice(0, 100).map((host) => (
          <tr key={host.id}>
            <th scope="row">
              <Reference kind="host" id={host.id} />
            </th>
            <td>
              <State state={host.state} />
            </td>
            <td>
              <Fill used={Number(host.vnics)} of={Number(host.capacity)} />
            </td>
            <td>
              <Reference kind="facility" id={String(host.facility)} />
            </td>
            <td>{typeof host.lastSeen === 'string' ? <Time iso={host.lastSeen} /> : <span class="none">never</span>}</td>
            <td>{String(host.agentVersion ?? '–')}</td>
          </tr>
        ))}
      </Table>
      {hosts.length > 100 && <a href={hrefOf(['hosts'])}>all {hosts.length} hosts</a>}
    </section>
  )
}

const Fill = ({ used, of }: { used: number; of: number }) => (
  <span class="fill">
    <meter value={used} max={of} aria-label={`${used} of ${of} vnics`} /> {used} of {of}
  </span>
)

/** `3 ready, 1 unreachable`. */
function countStates(items: readonly Resource[]): string {
  const counts = Map.groupBy(items, ({ state }) => state)
  return [...counts].map(([state, { length }]) => `${length} ${state}`).join(', ')
}

function Vpcs({ vpcs, vnics }: { vpcs: readonly Resource[]; vnics: readonly Resource[] }) {
  const inVpc = Map.groupBy(vnics, ({ vpc }) => String(vpc))
  const rows = vpcs.toSorted((a, b) => (inVpc.get(b.id)?.length ?? 0) - (inVpc.get(a.id)?.length ?? 0)).slice(0, 50)
  return (
    <section>
      <h2>VPCs</h2>
      <Table titles={['name', 'account', 'see', 'vnics']}>
        {rows.map((vpc) => {
          const own = inVpc.get(vpc.id) ?? []
          return (
            <tr key={vpc.id}>
              <th scope="row">
                <Reference kind="vpc" id={vpc.id} />
              </th>
              <td>
                <Reference kind="account" id={String(vpc.account)} />
              </td>
              <td>
                <a href={hrefOf(['vpcs', vpc.id, 'picture'])}>picture</a>
              </td>
              <td>
                {counted(own.length, 'vnic')}
                {own.length > 0 && <span class="hint"> {countStates(own)}</span>}
              </td>
            </tr>
          )
        })}
      </Table>
    </section>
  )
}

function FirstSteps() {
  return (
    <section>
      <h2>First steps</h2>
      <ol>
        <li>
          <a href={hrefOf(['orgs', 'new'])}>an organisation</a>, then <a href={hrefOf(['accounts', 'new'])}>an account</a> of it
        </li>
        <li>
          <a href={hrefOf(['vpcs', 'new'])}>a vpc</a> of the account, and <a href={hrefOf(['subnets', 'new'])}>a subnet</a>
        </li>
        <li>
          <a href={hrefOf(['regions', 'new'])}>a region</a>, <a href={hrefOf(['facilities', 'new'])}>a facility</a> and{' '}
          <a href={hrefOf(['hosts', 'new'])}>a host</a>, which says how its machine joins
        </li>
        <li>
          <a href={hrefOf(['vnics', 'new'])}>a vnic</a>, plugged in on the host
        </li>
      </ol>
    </section>
  )
}
