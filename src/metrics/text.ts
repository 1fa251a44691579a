/** Samples in the text format of Prometheus, version 0.0.4. */
import type { Metric, Sample } from './metric.ts'

export const contentType = 'text/plain; version=0.0.4; charset=utf-8'

const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
const escapeValue = (text: string): string => escapeHelp(text).replaceAll('"', '\\"')

/** The form asks for these words; JavaScript writes others. */
function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value)
}

function line({ metric: { name, labels }, labels: values, value }: Sample): string {
  if (labels.length !== values.length) throw new Error(`${name} has ${labels.length} labels, not ${values.length}`)
  const pairs = labels.map((label, i) => `${label}="${escapeValue(values[i]!)}"`)
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}\n`
}

/** All samples of a metric stand together, below its help and type. */
export function formatMetrics(samples: Iterable<Sample>): string {
  const byMetric = Map.groupBy(samples, ({ metric }) => metric)
  const texts = [...byMetric].map(([metric, of]) => head(metric) + of.map(line).join(''))
  return texts.join('')
}

const head = ({ name, type, help }: Metric): string => `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`

/** Leave out what a metric has beyond `most` series. Gives by metric how many those are. */
export function bounded(samples: readonly Sample[], most: number): { readonly kept: Sample[]; readonly left: Map<Metric, number> } {
  const counts = new Map<Metric, number>()
  const kept = samples.filter(({ metric }) => {
    const count = (counts.get(metric) ?? 0) + 1
    counts.set(metric, count)
    return count <= most
  })
  return { kept, left: new Map([...counts].flatMap(([metric, count]) => (count > most ? [[metric, count - most] as const] : []))) }
}
