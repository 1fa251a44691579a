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

test('each alert has a test, in which it is silent and then fires', () => {
  const tests = fileOf('examples/monitoring/alerts.test.yml')
  const names = [...alerts.matchAll(/alert: (\w+)/g)].map(([, name]) => name!)
  assert.ok(names.length > 15)
  for (const name of names) {
    assert.match(tests, new RegExp(`alertname: ${name}, exp_alerts: \\[\\] }`))
    assert.match(tests, new RegExp(`alertname: ${name}\n +exp_alerts:\n +- exp_labels`))
  }
})
