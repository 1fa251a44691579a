/** Bar charts as SVG: what docs/performance.md shows. */
import { metrics, type MetricName } from './metrics/metric.ts'
import type { ScenarioResult } from './measure.ts'
import { ours } from './ratio.ts'
import { describe, short } from './report.ts'

const shown: readonly MetricName[] = ['tcp-1', 'tcp-4', 'udp-64', 'connections', 'cpu-per-gb', 'latency-p50']
const bar = { height: 18, gap: 6, left: 130, width: 240, head: 34 } as const
const columns = 2

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

function panel(result: ScenarioResult, metric: MetricName, x: number, y: number): string {
  const bars = Object.entries(result.peers).flatMap(([peer, values]) => (values[metric] ? [{ peer, value: values[metric] }] : []))
  const most = Math.max(...bars.map(({ value }) => value.max), Number.MIN_VALUE)
  const rows = bars.map(({ peer, value }, i) => {
    const top = y + bar.head + i * (bar.height + bar.gap)
    const length = (bar.width * value.median) / most
    const at = (n: number): number => x + bar.left + (bar.width * n) / most
    const middle = top + bar.height / 2
    return [
      `<text x="${x + bar.left - 8}" y="${middle + 4}" text-anchor="end"${peer === ours ? ' font-weight="bold"' : ''}>${escape(peer)}</text>`,
      `<rect x="${x + bar.left}" y="${top}" width="${length.toFixed(1)}" height="${bar.height}" fill="${peer === ours ? '#c2410c' : '#94a3b8'}"/>`,
      `<path d="M${at(value.min).toFixed(1)} ${middle}H${at(value.max).toFixed(1)}" stroke="#334155"/>`,
      `<text x="${(Math.max(at(value.max), x + bar.left + length) + 6).toFixed(1)}" y="${middle + 4}">${short(value.median)}</text>`,
    ].join('\n')
  })
  const { unit, better } = metrics[metric]
  return `<text x="${x + bar.left}" y="${y + 20}" font-weight="bold">${metric}, ${unit} (${better} is better)</text>\n${rows.join('\n')}`
}

/** One scenario as an SVG document: a panel a metric, a bar a peer, the range as a line. */
export function chart(result: ScenarioResult): string {
  const panelHeight = bar.head + Object.keys(result.peers).length * (bar.height + bar.gap) + 14
  const panelWidth = bar.left + bar.width + 70
  const width = panelWidth * columns
  const height = 40 + panelHeight * Math.ceil(shown.length / columns)
  const panels = shown.map((metric, i) => panel(result, metric, (i % columns) * panelWidth, 30 + Math.floor(i / columns) * panelHeight))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<rect width="${width}" height="${height}" fill="white"/>
<text x="16" y="24" font-size="15">${escape(describe(result.conditions))}</text>
${panels.join('\n')}
</svg>
`
}
