/** What passes now in a vpc, drawn on the edges of its picture: more is thicker, and what is lost is red. */
import { withoutHarmless } from '#abi/drop-words.ts'
import { useEffect, useState } from 'preact/hooks'
import { ask, Refusal } from './api.ts'
import { byteRate, packetRate } from './chart.tsx'
import { size, type Box, type Cell, type Edge } from './picture-layout.ts'

/** Per second. Out is from guests, or from the vpc to the outside. */
export interface Rate {
  readonly out: number
  readonly into: number
  readonly lost: number
}

export type Rates = ReadonlyMap<string, Rate>

interface Item {
  readonly kind: 'vnic' | 'nat'
  readonly id: string
  readonly rxBytes: number
  readonly txBytes: number
  readonly drops: Readonly<Record<string, number>>
}

const everyMs = 5_000
const none: Rates = new Map()

/** Follow what passes, by the ids of vnics and NATs. */
export function useRates(vpc: string): Rates {
  const [rates, setRates] = useState<Rates>(none)
  useEffect(() => {
    let isOver = false
    const look = async (): Promise<void> => {
      try {
        const { interval, items } = await ask<{ interval: number; items: readonly Item[] }>('GET', `/vpcs/${vpc}/traffic`)
        if (isOver) return
        setRates(new Map(items.map((item) => [item.id, rateOf(item, interval)])))
      } catch (error) {
        // An API that has no such thing is not asked again.
        if (error instanceof Refusal && error.problem.status === 404) return
      }
      if (!isOver) setTimeout(() => void look(), everyMs)
    }
    void look()
    return () => void (isOver = true)
  }, [vpc])
  return rates
}

function rateOf({ kind, rxBytes, txBytes, drops }: Item, seconds: number): Rate {
  const lost = Object.values(withoutHarmless(drops)).reduce((sum, count) => sum + count, 0) / seconds
  // What a NAT receives comes from outside.
  const [out, into] = kind === 'nat' ? [txBytes, rxBytes] : [rxBytes, txBytes]
  return { out: out / seconds, into: into / seconds, lost }
}

/** What passes for some of them together; undefined: nothing. */
export function sumOf(rates: Rates, ids: Iterable<string>): Rate | undefined {
  let sum: Rate | undefined
  for (const id of ids) {
    const { out, into, lost } = rates.get(id) ?? { out: 0, into: 0, lost: 0 }
    if (out + into + lost > 0) sum = { out: (sum?.out ?? 0) + out, into: (sum?.into ?? 0) + into, lost: (sum?.lost ?? 0) + lost }
  }
  return sum
}

/** `↑ 1.2 kB/s ↓ 3 MB/s` */
export const bytesText = ({ out, into }: Rate): string => `↑ ${byteRate(out)} ↓ ${byteRate(into)}`

/** `↑ 1.2 kB/s ↓ 3 MB/s ✕ 2 /s` */
const rateText = (rate: Rate): string => `${bytesText(rate)}${rate.lost > 0 ? ` ✕ ${packetRate(rate.lost)}` : ''}`

const widthOf = ({ out, into }: Rate): number => Math.min(9, 1 + Math.log10(1 + out + into))

const classOf = ({ lost }: Rate): string => (lost > 0 ? 'flow lossy' : 'flow')

/** From the middle of one box to the middle of the other, down and then across. */
function curve({ from, to }: Edge): string {
  const half = (from.y + to.y) / 2
  return `M${from.x} ${from.y}C${from.x} ${half} ${to.x} ${half} ${to.x} ${to.y}`
}

interface EdgeProps {
  readonly edge: Edge
  readonly rates: Rates
  readonly bySubnet: ReadonlyMap<string, readonly string[]>
}

/**
 * An edge between boxes. That of a NAT has what its wire counts. That of a subnet has what its vnics count: the text is
 * at the box of the subnet.
 */
export function EdgeMark({ edge, rates, bySubnet }: EdgeProps) {
  const { of, subnet } = edge
  const rate = sumOf(rates, of === undefined ? (bySubnet.get(subnet ?? '') ?? []) : [of])
  if (rate === undefined) return <path class="edge" d={curve(edge)} />
  const text = rateText(rate)
  return (
    <g>
      <path class={classOf(rate)} d={curve(edge)} stroke-width={widthOf(rate)}>
        {of === undefined && <title>{`the vnics of the subnet, also among themselves: ${text}`}</title>}
      </path>
      {of !== undefined && (
        <text class={`detail ${rate.lost > 0 ? 'bad' : ''}`} x={(edge.from.x + edge.to.x) / 2 + 16} y={(edge.from.y + edge.to.y) / 2 + 4}>
          {text}
        </text>
      )}
    </g>
  )
}

/** How far left of its column the line from a subnet to its hosts is. */
const gutter = 14

/** The edge from a subnet to its vnics on one host. */
export function CellEdge({ box, cell, rate }: { box: Box; cell: Cell; rate: Rate | undefined }) {
  const x = box.x - gutter
  const path = `M${box.x} ${box.y + size.head / 2}H${x}V${cell.y + 7}H${box.x - 3}`
  return (
    <>
      <path class="edge" d={path} />
      {rate !== undefined && <path class={classOf(rate)} d={path} stroke-width={widthOf(rate)} />}
    </>
  )
}

/** What passes in a whole subnet, below its box. */
export function SubnetRate({ box: { x, y }, rate }: { box: Box; rate: Rate | undefined }) {
  if (rate === undefined) return null
  return (
    <text class={`detail ${rate.lost > 0 ? 'bad' : ''}`} x={x + 4} y={y + size.head + 14}>
      {rateText(rate)}
    </text>
  )
}
