/** The picture of a vpc: its subnets, what joins them and leads out of them, and its vnics by host. */
import { useMemo, useState } from 'preact/hooks'
import type { Resource } from './api.ts'
import { byteRate, packetRate } from './chart.tsx'
import { dropsByVnic, useDrops } from './drops.ts'
import { known, useCollections } from './live.ts'
import { counted, labelOf, wordOf } from './names.ts'
import { layOut, size, type Box, type Cell, type Edge, type Row } from './picture-layout.ts'
import { Nothing, ProblemBox } from './parts.tsx'
import { go, hrefOf } from './route.ts'
import { kindOf } from '#resource/kinds.ts'
import { mayRead, type Whoami } from './session.ts'
import { useStats } from './stats.ts'

const used = ['vpc', 'subnet', 'router', 'route-table', 'nat', 'peering', 'vnic', 'host', 'floating-ip'] as const

export function PicturePage({ who, id }: { who: Whoami; id: string }) {
  const get = useCollections(used.filter((kind) => mayRead(who, kind)))
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set())
  const drops = useDrops(id)
  const own = (kind: string): Resource[] => [...get(kind).items.values()].filter(({ vpc }) => vpc === id)
  const vpc = known('vpc', id)
  const lists = used.map((kind) => get(kind).items)
  const sizes = used.map((kind) => [...get(kind).items.values()].reduce((sum, { revision }) => sum + Number(revision), 0)).join()
  const picture = useMemo(
    () =>
      layOut({
        subnets: own('subnet').sort((a, b) => labelOf(a).localeCompare(labelOf(b))),
        routers: own('router'),
        tables: own('route-table'),
        outside: [...own('nat'), ...peeringsOf(id, get('peering').items)],
        vnics: own('vnic').sort(byHostName),
        unfolded,
      }),
    [sizes, unfolded, ...lists],
  )
  const problem = get('vnic').problem ?? get('subnet').problem
  if (problem) return <ProblemBox problem={problem} />
  if (!get('vnic').isReady || !get('subnet').isReady) return <p class="hint">loading …</p>
  if (vpc === undefined) return <Nothing title="No such vpc">Perhaps it is gone.</Nothing>
  const toggle = (host: string): void =>
    setUnfolded((was) => (was.has(host) ? was.difference(new Set([host])) : was.union(new Set([host]))))
  const dropping = dropsByVnic(drops.recent)
  return (
    <>
      <p class="crumbs">
        <a href={hrefOf(['vpcs'])}>VPCs</a> / <a href={hrefOf(['vpcs', id])}>{labelOf(vpc)}</a>
      </p>
      <div class="title">
        <h1>Picture of {labelOf(vpc)}</h1>
        <span class="hint">
          {counted(
            picture.rows.reduce((sum, { count }) => sum + count, 0),
            'vnic',
          )}{' '}
          in {counted(picture.subnets.length, 'subnet')} on {counted(picture.rows.filter(({ host }) => host !== undefined).length, 'host')}
        </span>
      </div>
      <Legend hasDrops={drops.isKnown} />
      <div class="scroll" tabIndex={0} role="region" aria-label="Picture">
        <svg class="picture" width={picture.width} height={picture.height} role="group" aria-label={`Picture of ${labelOf(vpc)}`}>
          {picture.edges.map((edge, i) => (
            <path key={i} class="edge" d={curve(edge)} />
          ))}
          {[...picture.outside, ...picture.routers, ...picture.subnets].map((box) => (
            <BoxMark key={box.resource.id} box={box} />
          ))}
          {picture.subnets.slice(0, mostAsked).map((box) => (
            <TrafficMark key={box.resource.id} box={box} />
          ))}
          {picture.rows.map((row) => (
            <RowMark
              key={row.host ?? 'none'}
              row={row}
              width={picture.width}
              isUnfolded={unfolded.has(row.host ?? '')}
              toggle={toggle}
              dropping={dropping}
            />
          ))}
        </svg>
      </div>
    </>
  )
}

const hostName = ({ binding }: Resource): string => {
  const host = (binding as { host: string } | null)?.host
  return host === undefined ? '' : (known('host', host)?.name ?? host)
}

const collator = new Intl.Collator('en', { numeric: true })
const byHostName = (a: Resource, b: Resource): number =>
  collator.compare(hostName(a), hostName(b)) || collator.compare(labelOf(a), labelOf(b))

const peeringsOf = (id: string, all: ReadonlyMap<string, Resource>): Resource[] =>
  [...all.values()].filter(({ vpc, peerVpc }) => vpc === id || peerVpc === id)

/** From the middle of one box to the middle of the other, down and then across. */
function curve({ from, to }: Edge): string {
  const half = (from.y + to.y) / 2
  return `M${from.x} ${from.y}C${from.x} ${half} ${to.x} ${half} ${to.x} ${to.y}`
}

/** The line below its name. */
function detailOf({ kind, ...fields }: Resource): string {
  if (kind === 'subnet') return [fields.network4, fields.network6].filter(Boolean).join('  ')
  if (kind === 'router') return counted((fields.interfaces as unknown[]).length, 'subnet')
  if (kind === 'nat') return (fields.publicIps as string[]).join(' ')
  return fields.accepted === true ? 'accepted' : 'not accepted yet'
}

const fitted = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

function BoxMark({ box: { resource, x, y } }: { box: Box }) {
  const detail = detailOf(resource)
  return (
    <a href={hrefOf([kindOf(resource.kind).plural, resource.id])}>
      <title>{`${wordOf(resource.kind)} ${labelOf(resource)} ${detail}`}</title>
      <rect class={`box ${resource.kind} ${resource.problem ? 'bad' : ''}`} x={x} y={y} width={size.box} height={size.head} rx="4" />
      <text class="name" x={x + 10} y={y + 19}>
        {fitted(`${wordOf(resource.kind)} ${labelOf(resource)}`, 26)}
      </text>
      <text class="detail" x={x + 10} y={y + 36}>
        {fitted(detail, 30)}
      </text>
    </a>
  )
}

/** What passes now between a subnet and its vnics, above its box; more is thicker. */
function TrafficMark({ box: { resource, x, y } }: { box: Box }) {
  const stats = useStats('subnet', resource.id)
  const last = stats?.points.at(-1)
  if (stats === undefined || last === undefined || Date.now() - Date.parse(last.time) > freshMs) return null
  const [out, into] = [last.rxBytes / stats.interval, last.txBytes / stats.interval]
  const lost = Object.values(last.drops).reduce((sum, count) => sum + count, 0) / stats.interval
  const thick = Math.min(9, 1 + Math.log10(1 + out + into))
  return (
    <g>
      <line class="flow" x1={x + 14} x2={x + 14} y1={y + size.head} y2={y + size.head + 18} stroke-width={thick} />
      <text class={`detail ${lost > 0 ? 'bad' : ''}`} x={x + 24} y={y + size.head + 14}>
        {`↑ ${byteRate(out)} ↓ ${byteRate(into)}${lost > 0 ? ` ✕ ${packetRate(lost)}` : ''}`}
      </text>
    </g>
  )
}

/** What is older is no news. */
const freshMs = 40_000
/** Subnets that are asked for at the same time. */
const mostAsked = 20

interface RowProps {
  readonly row: Row
  readonly width: number
  readonly isUnfolded: boolean
  readonly toggle: (host: string) => void
  readonly dropping: ReadonlyMap<string, number>
}

function RowMark({ row, width, isUnfolded, toggle, dropping }: RowProps) {
  const { host, y, cells, count } = row
  const resource = host === undefined ? undefined : known('host', host)
  const name = host === undefined ? 'unplugged' : (resource?.name ?? host.slice(0, 8))
  const isFolded = cells.some(({ vnics, shown }) => vnics.length > shown.length)
  return (
    <g>
      <line class="rule" x1="0" x2={width} y1={y - 5} y2={y - 5} />
      {resource === undefined ? (
        <text class="name" x="4" y={y + 12}>
          {name}
        </text>
      ) : (
        <a href={hrefOf(['hosts', resource.id])}>
          <text class="name" x="4" y={y + 12}>
            {fitted(`host ${name}`, 18)}
          </text>
        </a>
      )}
      <text class="detail" x="4" y={y + 28}>
        {resource === undefined ? counted(count, 'vnic') : `${count} · ${resource.state}`}
      </text>
      {cells.map((cell) => (
        <CellMark key={cell.subnet} cell={cell} host={host} name={name} dropping={dropping} />
      ))}
      {(isFolded || isUnfolded) && (
        <a
          href="#"
          class="fold"
          onClick={(event) => {
            event.preventDefault()
            toggle(host ?? '')
          }}
        >
          <text class="detail" x="4" y={y + 44}>
            {isUnfolded ? 'fold' : 'show all'}
          </text>
        </a>
      )}
    </g>
  )
}

interface CellProps {
  readonly cell: Cell
  readonly host: string | undefined
  readonly name: string
  readonly dropping: ReadonlyMap<string, number>
}

function CellMark({ cell: { subnet, x, y, vnics, shown }, host, name, dropping }: CellProps) {
  const hidden = vnics.length - shown.length
  const degraded = vnics.filter(({ state }) => state === 'degraded').length
  const drops = vnics.reduce((sum, { id }) => sum + (dropping.get(id) ?? 0), 0)
  const query = { subnet, ...(host === undefined ? { state: 'unplugged' } : { binding: host }) }
  const said = [hidden > 0 && `${hidden} hidden`, degraded > 0 && `${degraded} degraded`, drops > 0 && counted(drops, 'drop')]
  const text = [counted(vnics.length, 'vnic'), ...said].filter(Boolean).join(', ')
  return (
    <g>
      <a href={hrefOf(['vnics'], query)} aria-label={`${text} ${host === undefined ? '' : 'on '}${name}`}>
        <text class={`detail ${degraded + drops > 0 ? 'bad' : ''}`} x={x} y={y + 11}>
          {text}
        </text>
      </a>
      {shown.map((vnic, i) => (
        <rect
          key={vnic.id}
          class={`vnic ${vnic.state} ${dropping.has(vnic.id) ? 'drops' : ''}`}
          x={x + (i % size.perLine) * (size.square + 2)}
          y={y + size.row + Math.floor(i / size.perLine) * (size.square + 2)}
          width={size.square}
          height={size.square}
          onClick={() => go(hrefOf(['vnics', vnic.id]))}
        >
          <title>{`${labelOf(vnic)}: ${vnic.state}${dropping.has(vnic.id) ? `, ${counted(dropping.get(vnic.id)!, 'drop')} in the last minute` : ''}`}</title>
        </rect>
      ))}
    </g>
  )
}

const Legend = ({ hasDrops }: { hasDrops: boolean }) => (
  <p class="hint legend">
    Each square is a vnic:{' '}
    {['ready', 'binding', 'degraded', 'unplugged', ...(hasDrops ? ['drops'] : [])].map((state) => (
      <span key={state}>
        <svg width="12" height="12" aria-hidden="true">
          <rect class={`vnic ${state}`} x="1" y="1" width="10" height="10" />
        </svg>{' '}
        {state === 'drops' ? 'dropped packets in the last minute' : state}
      </span>
    ))}
  </p>
)
