/** Counters of ports and muxes, with charts of what has passed since the page was opened. */
import { useRef, useState } from 'preact/hooks'
import type { Counters, HostLook } from '#cli/console/questions.ts'
import { byteRate, packetRate, plainNumber } from './chart.tsx'
import { unitHref } from './host-objects.tsx'
import { usePolled } from './host-api.ts'
import type { Point } from './points.ts'
import { TrafficCharts } from './traffic.tsx'
import { Table } from './parts.tsx'

const everyMs = 2_000
/** An hour. */
const mostPoints = 1_800

type Source = Counters['stats'][number]

/** What each source has counted between two looks. */
export function pointsBetween(before: Counters, after: Counters, time: string): Map<string, Point> {
  const earlier = new Map(before.stats.map((each) => [each.id as string, each]))
  return new Map(
    after.stats.flatMap((now): [string, Point][] => {
      const was = earlier.get(now.id)
      return was === undefined ? [] : [[now.id, difference(was, now, after.flows[now.id] ?? 0, time)]]
    }),
  )
}

function difference(was: Source, now: Source, flows: number, time: string): Point {
  const of = (name: 'rxPackets' | 'rxBytes' | 'txPackets' | 'txBytes'): number => Math.max(0, now[name] - was[name])
  const drops = Object.entries(now.drops).map(([reason, count]) => [reason, Math.max(0, count - (was.drops[reason] ?? 0))])
  return {
    time,
    rxPackets: of('rxPackets'),
    rxBytes: of('rxBytes'),
    txPackets: of('txPackets'),
    txBytes: of('txBytes'),
    flows,
    drops: Object.fromEntries(drops),
  }
}

const sum = (points: readonly Point[], time: string): Point =>
  points.reduce(
    (all, each) => ({
      time,
      rxPackets: all.rxPackets + each.rxPackets,
      rxBytes: all.rxBytes + each.rxBytes,
      txPackets: all.txPackets + each.txPackets,
      txBytes: all.txBytes + each.txBytes,
      flows: all.flows + each.flows,
      drops: Object.fromEntries(
        [...new Set([...Object.keys(all.drops), ...Object.keys(each.drops)])].map((key) => [
          key,
          (all.drops[key] ?? 0) + (each.drops[key] ?? 0),
        ]),
      ),
    }),
    { time, rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, flows: 0, drops: {} },
  )

export function CountersPage({ objects }: { objects: HostLook['objects'] }) {
  const before = useRef<Counters | undefined>(undefined)
  const [points, setPoints] = useState<ReadonlyMap<string, readonly Point[]>>(new Map())
  const [chosen, setChosen] = useState('')
  const { value } = usePolled<Counters>('counters', everyMs, (now) => {
    const was = before.current
    before.current = now
    if (was === undefined) return
    const time = new Date().toISOString()
    const made = pointsBetween(was, now, time)
    made.set('', sum([...made.values()], time))
    setPoints((old) => new Map([...made].map(([id, point]) => [id, [...(old.get(id) ?? []), point].slice(-mostPoints)])))
  })
  const name = chosen === '' ? 'all ports and muxes' : (objects.find(({ id }) => id === chosen)?.unit ?? chosen)
  return (
    <>
      <div class="title">
        <h1>Counters</h1>
        <p class="hint">received is from the interface of a port, or from other hosts; sent is to it</p>
      </div>
      <p>
        Charts of <strong>{name}</strong>{' '}
        {chosen !== '' && (
          <button class="small" onClick={() => setChosen('')}>
            show all
          </button>
        )}
      </p>
      <TrafficCharts stats={{ interval: everyMs / 1000, points: points.get(chosen) ?? [] }} title="Since the page was opened" />
      {value && <CounterTable counters={value} points={points} choose={setChosen} />}
    </>
  )
}

interface TableProps {
  readonly counters: Counters
  readonly points: ReadonlyMap<string, readonly Point[]>
  readonly choose: (id: string) => void
}

function CounterTable({ counters: { stats, flows }, points, choose }: TableProps) {
  return (
    <Table titles={['unit', 'interface', 'received', 'sent', 'packets received', 'packets sent', 'flows', 'drops', 'charts']}>
      {stats.map((each) => {
        const now = points.get(each.id)?.at(-1)
        const rate = (count: number | undefined): number => (count ?? 0) / (everyMs / 1000)
        return (
          <tr key={each.id}>
            <th scope="row">
              <a href={unitHref(each.id)}>{each.unit}</a>
            </th>
            <td>{each.peerUnit ?? '–'}</td>
            <td>{byteRate(rate(now?.rxBytes))}</td>
            <td>{byteRate(rate(now?.txBytes))}</td>
            <td>
              {plainNumber(each.rxPackets)} <span class="hint">{packetRate(rate(now?.rxPackets))}</span>
            </td>
            <td>
              {plainNumber(each.txPackets)} <span class="hint">{packetRate(rate(now?.txPackets))}</span>
            </td>
            <td>{flows[each.id] ?? '–'}</td>
            <td>{dropsText(each.drops)}</td>
            <td>
              <button class="small" onClick={() => choose(each.id)} aria-label={`Show charts of ${each.unit}`}>
                show
              </button>
            </td>
          </tr>
        )
      })}
    </Table>
  )
}

const dropsText = (drops: Readonly<Record<string, number>>): string =>
  Object.entries(drops)
    .toSorted((a, b) => b[1] - a[1])
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ') || '0'
