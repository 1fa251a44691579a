/** Packets as hosts drop them in a vpc: why, by which group or rule, and a way to ask what would allow them. */
import { useState } from 'preact/hooks'
import { useDrops } from './drops.ts'
import { known, useCollections } from './live.ts'
import { counted, labelOf } from './names.ts'
import { hrefOf, replaceQuery, routeOf } from './route.ts'
import { lastVpc, noteVpc } from './last-vpc.ts'
import { Reference, Time } from './value.tsx'
import { ReasonLink } from './docs.tsx'
import { questionOf, type Drop } from './drop-question.ts'
import type { Resource } from './api.ts'
import { SearchBox, Table } from './parts.tsx'

/** Rows that a page shows. */
const mostRows = 200

export function DropsPage({ query }: { query: URLSearchParams }) {
  const get = useCollections(['vpc', 'vnic', 'group', 'subnet'])
  const vpcs = [...get('vpc').items.values()].sort((a, b) => labelOf(a).localeCompare(labelOf(b)))
  const [chosen, setChosen] = useState(query.get('vpc') ?? lastVpc())
  const [isPaused, setPaused] = useState(false)
  const [search, setSearch] = useState('')
  const vpc = vpcs.find(({ id }) => id === chosen)?.id ?? vpcs[0]?.id
  const { all, isKnown } = useDrops(vpc, isPaused)
  const found = all.filter((drop) => textOf(drop).includes(search.toLowerCase()))
  const choose = (event: Event): void => {
    const id = (event.target as HTMLSelectElement).value
    setChosen(id)
    replaceQuery({ vpc: id })
    noteVpc(routeOf(location.hash))
  }
  return (
    <>
      <div class="title">
        <h1>Drops</h1>
        <p class="hint">packets that hosts refuse, as they come; of many, a sample</p>
      </div>
      <div class="bar" role="search">
        <label>
          vpc{' '}
          <select value={vpc ?? ''} onChange={choose}>
            {vpcs.map((each) => (
              <option key={each.id} value={each.id}>
                {labelOf(each)}
              </option>
            ))}
          </select>
        </label>
        <SearchBox label="Search the drops" placeholder="Search: vnic, reason, address …" value={search} set={setSearch} />
        <button aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? 'Go on' : 'Pause'}
        </button>
        <span class="hint" role="status">
          {isKnown ? counted(found.length, 'packet') : vpc !== undefined && !isPaused && 'loading …'}
        </span>
      </div>
      {get('vpc').isReady && vpc === undefined && (
        <p class="nothing">
          There is no vpc that you may see. <a href={hrefOf(['vpcs'])}>VPCs</a> are where packets are dropped.
        </p>
      )}
      {isKnown && found.length === 0 && (
        <p class="nothing">{all.length > 0 ? 'Nothing fits the search.' : 'Nothing was dropped lately. Drops show up by themselves.'}</p>
      )}
      {found.length > 0 && <DropTable drops={found.slice(0, mostRows)} groups={[...get('group').items.values()]} />}
    </>
  )
}

const nameOf = (id: string): string => known('vnic', id)?.name ?? id

const textOf = (drop: Drop): string => `${nameOf(drop.vnic)} ${drop.reason} ${drop.text ?? ''} ${drop.peer ?? ''}`.toLowerCase()

function DropTable({ drops, groups }: { drops: readonly Drop[]; groups: readonly Resource[] }) {
  return (
    <Table titles={['time', 'vnic', 'reason', 'packet', 'by', <span class="unseen">what to do</span>]}>
      {drops.map((drop, i) => (
        <tr key={`${drop.time} ${i}`}>
          <td>
            <Time iso={drop.time} />
          </td>
          <th scope="row">
            <Reference kind="vnic" id={drop.vnic} />
          </th>
          <td>
            <ReasonLink reason={drop.reason} />
          </td>
          <td class="mono">{drop.text ?? `${drop.length ?? ''} bytes${drop.peer ? `, with ${drop.peer}` : ''}`}</td>
          <td>
            <Cause drop={drop} groups={groups} />
          </td>
          <td>
            <WhyLink drop={drop} />
          </td>
        </tr>
      ))}
    </Table>
  )
}

/** The group that has the rule; or those of the vnic, of which none allows the packet. */
function Cause({ drop: { rule, vnic, reason, direction }, groups }: { drop: Drop; groups: readonly Resource[] }) {
  const hasRule = ({ rules }: Resource): boolean => (rules as { id: string }[]).some(({ id }) => id === rule)
  const owner = rule ? groups.find(hasRule) : undefined
  if (owner) {
    const at = (owner.rules as { id: string; note?: string }[]).findIndex(({ id }) => id === rule)
    const { note } = (owner.rules as { note?: string }[])[at]!
    return (
      <>
        rule {at + 1} {note && `(${note}) `}of group <Reference kind="group" id={owner.id} />
      </>
    )
  }
  if (!reason.startsWith('sg_')) return null
  const own = (known('vnic', vnic)?.groups ?? []) as string[]
  return (
    <>
      no rule for {direction ?? 'it'} of{' '}
      {own.length === 0
        ? 'any group'
        : own.map((id, i) => (
            <span key={id}>
              {i > 0 && ', '}
              <Reference kind="group" id={id} />
            </span>
          ))}
    </>
  )
}

function WhyLink({ drop }: { drop: Drop }) {
  const question = questionOf(drop, known('vnic', drop.vnic))
  return question === undefined ? null : (
    <a class="button small" href={hrefOf(['why'], question)} aria-label={`Why was this packet of ${nameOf(drop.vnic)} dropped?`}>
      Why?
    </a>
  )
}
