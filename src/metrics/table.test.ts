/** The table of metrics, and what is made of it and checked against it: text, page, dashboard, alerts. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { dashboardQueries, dashboardText } from './dashboard.ts'
import type { Sample } from './metric.ts'
import { metricsPage } from './page.ts'
import { metricOf, metrics } from './table.ts'
import { bounded, formatMetrics } from './text.ts'

const fileOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
const alerts = fileOf('examples/monitoring/alerts.yml')

test('names are unique, and say what Prometheus expects', () => {
  const names = metrics.map(({ name }) => name)
  assert.equal(new Set(names).size, names.length)
  for (const { name, type, unit, help, labels, bound } of metrics) {
    assert.match(name, /^vpc_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
    if (unit === 'seconds') assert.match(name, /_seconds(_total)?$/)
    assert.match(help, /^[A-Z].*[.)]$/, name)
    assert.equal(new Set(labels).size, labels.length)
    assert.ok(bound.length > 2 && (labels.length > 0 || type === 'histogram' || bound === 'one'), name)
  }
})

test('text has help and type once, and escapes values', () => {
  const [metric] = metrics.filter(({ name }) => name === 'vpc_daemon_info')
  const samples: Sample[] = ['a"b\\c\nd', 'e'].map((label) => ({ metric: metric!, labels: [label], value: 1 }))
  const help = '# HELP vpc_daemon_info Always 1.\n# TYPE vpc_daemon_info gauge\n'
  assert.equal(formatMetrics(samples), `${help}vpc_daemon_info{version="a\\"b\\\\c\\nd"} 1\nvpc_daemon_info{version="e"} 1\n`)
  assert.throws(() => formatMetrics([{ metric: metric!, labels: [], value: 1 }]), /has 1 labels, not 0/)
  const { kept, left } = bounded(samples, 1)
  assert.deepEqual([kept, [...left.values()]], [[samples[0]], [1]])
})

test('page and dashboard are up to date; npm run docs writes them', () => {
  assert.equal(fileOf('docs/metrics.md'), metricsPage())
  assert.equal(fileOf('examples/monitoring/dashboard.json'), dashboardText())
})

test('alerts and dashboard ask for metrics and labels of the table', () => {
  const expressions = [...[...alerts.matchAll(/expr: (.*)/g)].map(([, text]) => text!), ...dashboardQueries()]
  assert.ok(expressions.length > 30)
  for (const expression of expressions) {
    const found = [...expression.matchAll(/vpc_[a-z_]+/g)].map(([name]) => ({ name, metric: metricOf(name) }))
    assert.ok(found.length > 0 || expression.includes('up{'), expression)
    const known = new Set(['instance', 'job', 'le', ...found.flatMap(({ metric }) => metric?.labels ?? [])])
    for (const { name, metric } of found) assert.ok(metric !== undefined, `${name} in ${expression}`)
    for (const [, labels] of expression.matchAll(/by \(([^)]*)\)/g))
      for (const label of labels!.split(', ')) assert.ok(known.has(label), `${label} in ${expression}`)
    for (const [, label] of expression.matchAll(/[{,] ?(\w+)=/g)) assert.ok(known.has(label!), `${label} in ${expression}`)
  }
})

/** The parts of a dashboard that Grafana's JSON model names, as far as the file must have them. */
interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly version: number
  readonly time: { readonly from: string; readonly to: string }
  readonly templating: { readonly list: readonly { name: string; type: string; query: unknown; datasource?: Source }[] }
  readonly panels: readonly GrafanaPanel[]
}
interface Source {
  readonly type: string
  readonly uid: string
}
interface GrafanaPanel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly collapsed?: boolean
  readonly panels?: readonly unknown[]
  readonly datasource?: Source
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { refId: string; expr: string; legendFormat: string; datasource: Source }[]
}

/** Grafana's grid has 24 columns. */
const columns = 24
/** Which versions of the JSON model have these fields: 36 made a datasource an object. */
const oldestSchema = 36
const unique = (values: readonly unknown[]): boolean => new Set(values).size === values.length

/** What Grafana would not take, or would show wrongly. */
function faultsOf({ uid, title, schemaVersion, version, time, templating, panels }: Dashboard): string[] {
  const faults: string[] = []
  const check = (holds: boolean, what: string): void => void (holds || faults.push(what))
  check(/^[\w-]{1,40}$/.test(uid) && title !== '' && Number.isInteger(version), 'uid, title or version')
  check(Number.isInteger(schemaVersion) && schemaVersion >= oldestSchema, `schemaVersion ${schemaVersion}`)
  check(time?.from.startsWith('now-') && time.to === 'now', 'time')
  const sources = templating.list.filter(({ type }) => type === 'datasource')
  check(sources.length === 1 && sources[0]!.query === 'prometheus', 'one variable is the data source')
  const isSource = (source: Source | undefined): boolean =>
    source?.type === 'prometheus' && sources.some(({ name }) => source.uid === `\${${name}}`)
  const variables = templating.list.map(({ name }) => name)
  check(unique(variables), 'two variables of one name')
  for (const each of templating.list) if (each.type === 'query') check(isSource(each.datasource), `data source of variable ${each.name}`)
  check(panels.length > 0 && unique(panels.map(({ id }) => id)), 'two panels with one id')
  for (const panel of panels) {
    const { id, type, gridPos, targets = [] } = panel
    const { x, y, w, h } = gridPos
    const isWithin = [x, y, w, h].every(Number.isInteger) && x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= columns
    check(Number.isInteger(id) && id > 0 && panel.title !== '' && isWithin, `panel ${id}: id, title or gridPos`)
    if (type === 'row') {
      check(panel.collapsed === false && panel.panels?.length === 0 && w === columns && h === 1, `row ${id}`)
      continue
    }
    check(isSource(panel.datasource) && targets.length > 0 && unique(targets.map(({ refId }) => refId)), `panel ${id}: targets`)
    for (const { refId, expr, legendFormat, datasource } of targets) {
      check(/^[A-Z]$/.test(refId) && expr.trim() !== '' && legendFormat !== '' && isSource(datasource), `panel ${id}, target ${refId}`)
      for (const [, name] of expr.matchAll(/\$\{?(\w+)/g))
        check(name!.startsWith('__') || variables.includes(name!), `panel ${id}: $${name} is no variable`)
    }
  }
  for (const [i, { id, gridPos: a }] of panels.entries())
    for (const { id: other, gridPos: b } of panels.slice(i + 1))
      check(a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y, `panels ${id} and ${other} overlap`)
  return faults
}

test('the dashboard has what Grafana asks of its JSON model', () => {
  const dashboard = (): Dashboard => JSON.parse(dashboardText()) as Dashboard
  assert.deepEqual(faultsOf(dashboard()), [])
  // The check finds what it is for.
  const [row, first, second] = dashboard().panels
  const source = { type: 'prometheus', uid: 'a-server' }
  const spoiled = (panel: object): string[] => faultsOf({ ...dashboard(), panels: [row!, { ...first!, ...panel }, second!] })
  assert.deepEqual(spoiled({}), [])
  assert.deepEqual(faultsOf({ ...dashboard(), schemaVersion: 16 }), ['schemaVersion 16'])
  assert.deepEqual(spoiled({ id: second!.id }), ['two panels with one id'])
  assert.deepEqual(spoiled({ gridPos: { ...first!.gridPos, h: 1, w: 25 } }), [
    `panel ${first!.id}: id, title or gridPos`,
    `panels ${first!.id} and ${second!.id} overlap`,
  ])
  assert.deepEqual(spoiled({ datasource: source }), [`panel ${first!.id}: targets`])
  const [target] = first!.targets!
  assert.deepEqual(spoiled({ targets: [{ ...target!, expr: ' ' }] }), [`panel ${first!.id}, target A`])
  assert.deepEqual(spoiled({ targets: [{ ...target!, expr: 'up{job="$job"}' }] }), [`panel ${first!.id}: $job is no variable`])
})

test('each alert has a test, in which it is silent and then fires', () => {
  const tests = fileOf('examples/monitoring/alerts.test.yml')
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name!)
  assert.ok(names.length > 15)
  for (const name of names) {
    assert.match(tests, new RegExp(`alertname: ${name}, exp_alerts: \\[\\] }`))
    assert.match(tests, new RegExp(`alertname: ${name}\n +exp_alerts:\n +- exp_labels`))
  }
})
