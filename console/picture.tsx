/** The picture of a vpc: its subnets, what joins them and leads out of them, and its vnics by host. */
import { useMemo, useState } from 'preact/hooks'
import type { Resource } from './api.ts'
import { dropsByVnic, useDrops } from './drops.ts'
import { known, useCollections } from './live.ts'
import { counted, labelOf, wordOf } from './names.ts'
import { layOut, size, type Box, type Cell, type Row } from './picture-layout.ts'
import { byteRate } from './chart.tsx'
import { bytesText, CellEdge, EdgeMark, SubnetRate, sumOf, useRates, type Rates } from './picture-traffic.tsx'
import { Nothing, ProblemBox } from './parts.tsx'
import { go, hrefOf } from './route.ts'
import { kindOf } from '#resource/kinds.ts'
import { mayRead, type Whoami } from './session.ts'

const used = ['vpc', 'subnet', 'router', 'route-table', 'nat', 'peering', 'vnic', 'host', 'floating-ip'] as const

export function PicturePage({ who, id }: { who: Whoami; id: string }) {
  const get = useCollections(used.filter((kind) => mayRead(who, kind)))
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set())
  const drops = useDrops(id)
  const rates = useRates(id)
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
  const boxes = new Map(picture.subnets.map((box) => [box.resource.id, box]))
  const bySubnet = vnicsBySubnet(picture.rows)
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
            <EdgeMark key={i} edge={edge} rates={rates} bySubnet={bySubnet} />
          ))}
          {picture.rows.map((row) => (
            <RowEdges key={row.host ?? 'none'} row={row} boxes={boxes} rates={rates} />
          ))}
          {[...picture.outside, ...picture.routers, ...picture.subnets].map((box) => (
            <BoxMark key={box.resource.id} box={box} />
          ))}
          {picture.subnets.map((box) => (
            <SubnetRate key={box.resource.id} box={box} rate={sumOf(rates, bySubnet.get(box.resource.id) ?? [])} />
          ))}
          {picture.rows.map((row) => (
            <RowMark
              key={row.host ?? 'none'}
              row={row}
              width={picture.width}
              isUnfolded={unfolded.has(row.host ?? '')}
              toggle={toggle}
              dropping={dropping}
              rates={rates}
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
        {fitted(detail, 28)}
      </text>
    </a>
  )
}

function vnicsBySubnet(rows: readonly Row[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>()
  for (const { subnet, vnics } of rows.flatMap(({ cells }) => cells)) {
    const own = found.get(subnet) ?? []
    found.set(subnet, own)
    for (const { id } of vnics) own.push(id)
  }
  return found
}

/** From each subnet to its vnics on one host. */
function RowEdges({ row, boxes, rates }: { row: Row; boxes: ReadonlyMap<string, Box>; rates: Rates }) {
  if (row.host === undefined) return null
  return (
    <>
      {row.cells.map((cell) => (
        <CellEdge key={cell.subnet} box={boxes.get(cell.subnet)!} cell={cell} rate={sumOf(rates, idsOf(cell))} />
      ))}
    </>
  )
}

const idsOf = ({ vnics }: Cell): string[] => vnics.map(({ id }) => id)

interface RowProps {
  readonly row: Row
  readonly width: number
  readonly isUnfolded: boolean
  readonly toggle: (host: string) => void
  readonly dropping: ReadonlyMap<string, number>
  readonly rates: Rates
}

function RowMark({ row, width, isUnfolded, toggle, dropping, rates }: RowProps) {
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
        <CellMark key={cell.subnet} cell={cell} host={host} name={name} dropping={dropping} rates={rates} />
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

/** About how wide a letter is. */
const letter = 6.2

interface CellProps {
  readonly cell: Cell
  readonly host: string | undefined
  readonly name: string
  readonly dropping: ReadonlyMap<string, number>
  readonly rates: Rates
}

function CellMark({ cell: { subnet, x, y, vnics, shown }, host, name, dropping, rates }: CellProps) {
  const rate = sumOf(
    rates,
    vnics.map(({ id }) => id),
  )
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
      {rate !== undefined && (
        <text class={`detail ${rate.lost > 0 ? 'bad' : ''}`} x={x + text.length * letter + 8} y={y + 11}>
          <title>{bytesText(rate)}</title>
          {byteRate(rate.out + rate.into)}
        </text>
      )}
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
