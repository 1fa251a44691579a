/** Charts of the last hour of a vnic, a subnet, a vpc or a host. */
import { byteRate, Chart, packetRate, plainNumber, type Series } from './chart.tsx'
import { slotsOf, type Slot, type Stats } from './points.ts'

/** Reasons that have a line of their own; the rest is one line. */
const mostReasons = 5

export function TrafficCharts({ stats: { interval, points }, title = 'Traffic of the last hour' }: { stats: Stats; title?: string }) {
  // Hosts take up to two intervals to say what they have counted.
  const slots = slotsOf(points, interval, Date.now() - 2_000 * interval)
  const times = slots.map(({ time }) => time)
  const rate = (name: string, key: 'rxBytes' | 'txBytes' | 'rxPackets' | 'txPackets'): Series => ({
    name,
    values: slots.map(({ point }) => (point?.[key] ?? 0) / interval),
  })
  return (
    <section>
      <h2>{title}</h2>
      {points.length === 0 ? (
        <p class="hint">No host has reported any yet.</p>
      ) : (
        <div class="charts">
          <Chart title="bytes" times={times} text={byteRate} series={[rate('from guests', 'rxBytes'), rate('to guests', 'txBytes')]} />
          <Chart
            title="packets"
            times={times}
            text={packetRate}
            series={[rate('from guests', 'rxPackets'), rate('to guests', 'txPackets')]}
          />
          <Chart title="drops by reason" times={times} text={packetRate} series={dropSeries(slots, interval)} />
          <Chart
            title="flows"
            times={times}
            text={plainNumber}
            series={[{ name: 'flows', values: slots.map(({ point }) => point?.flows ?? null) }]}
          />
        </div>
      )}
    </section>
  )
}

function dropSeries(slots: readonly Slot[], interval: number): Series[] {
  const sums = new Map<string, number>()
  for (const { point } of slots)
    for (const [reason, count] of Object.entries(point?.drops ?? {})) sums.set(reason, (sums.get(reason) ?? 0) + count)
  const reasons = [...sums].toSorted((a, b) => b[1] - a[1]).map(([reason]) => reason)
  const own = reasons.slice(0, mostReasons)
  const others = reasons.slice(mostReasons)
  const line = (name: string, members: readonly string[]): Series => ({
    name,
    values: slots.map(({ point }) => members.reduce((sum, reason) => sum + (point?.drops[reason] ?? 0), 0) / interval),
  })
  if (own.length === 0) return [line('none', [])]
  return [...own.map((reason) => line(reason, [reason])), ...(others.length > 0 ? [line('others', others)] : [])]
}
