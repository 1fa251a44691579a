/** examples/monitoring/dashboard.json, a dashboard for Grafana, from the table. */
import * as agent from './agent.ts'
import { apiMetrics as api } from './api.ts'
import * as host from './host.ts'
import type { Metric } from './metric.ts'

interface Panel {
  readonly title: string
  /** In Grafana's words. */
  readonly unit: string
  readonly queries: readonly (readonly [expression: string, legend: string])[]
}

const counters = host.unitCounters
const of = '{instance=~"$instance"}'
const rate = ({ name }: Metric, by: string): string => `topk(20, sum by (${by}) (rate(${name}${of}[$__rate_interval])))`
const value = ({ name }: Metric): string => `${name}${of}`
const quantile = ({ name }: Metric, by: string): string =>
  `histogram_quantile(0.99, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${name}_bucket[$__rate_interval])))`
const unit = 'instance, unit, vnic'
const unitLegend = '{{instance}} {{unit}} {{vnic}}'

const rows: Readonly<Record<string, readonly Panel[]>> = {
  Hosts: [
    {
      title: 'vpcd and agent',
      unit: 'short',
      queries: [
        [value(host.daemonUp), 'vpcd {{instance}}'],
        [value(agent.agentConnected), 'agent {{instance}}'],
      ],
    },
    { title: 'Waiting changes', unit: 's', queries: [[value(agent.agentLag), '{{instance}}']] },
    {
      title: 'Errors',
      unit: 'short',
      queries: [
        [value(agent.agentErrors), '{{instance}} {{code}}'],
        [`${value(host.troubles)} > 0`, '{{instance}} {{type}}'],
      ],
    },
    { title: 'Memory of vpcd', unit: 'bytes', queries: [[value(host.daemonMemory), '{{instance}}']] },
  ],
  Traffic: [
    { title: 'From guests', unit: 'Bps', queries: [[rate(counters.rxBytes, unit), unitLegend]] },
    { title: 'To guests', unit: 'Bps', queries: [[rate(counters.txBytes, unit), unitLegend]] },
    {
      title: 'Packets',
      unit: 'pps',
      queries: [
        [rate(counters.rxPackets, 'instance'), 'from {{instance}}'],
        [rate(counters.txPackets, 'instance'), 'to {{instance}}'],
      ],
    },
    { title: 'Drops by reason', unit: 'pps', queries: [[rate(host.dropped, 'instance, reason'), '{{instance}} {{reason}}']] },
    { title: 'Drops by port', unit: 'pps', queries: [[rate(host.dropped, `${unit}, reason`), `${unitLegend} {{reason}}`]] },
    {
      title: 'Lost events',
      unit: 'short',
      queries: [
        [rate(counters.lostDropEvents, 'instance'), 'drops {{instance}}'],
        [rate(counters.lostQuestions, 'instance'), 'questions {{instance}}'],
      ],
    },
    {
      title: 'Ports of NATs, of those that there are',
      unit: 'percentunit',
      queries: [[`topk(20, ${value(host.natBlocks)} / ${value(host.natBlocksLimit)})`, '{{instance}} {{unit}} {{vpc}}']],
    },
    { title: 'Direct ways', unit: 'short', queries: [[value(host.muxDirect), '{{instance}} {{mux}} {{direction}}']] },
    {
      title: 'Queue drops',
      unit: 'pps',
      queries: [[rate(host.queueCounters.txDrops, 'instance, interface, queue'), '{{interface}} {{queue}}']],
    },
  ],
  Groups: [
    {
      title: 'Flows, of those that fit',
      unit: 'percentunit',
      queries: [
        [`topk(20, ${value(host.flows)} / ${value(host.flowsLimit)})`, unitLegend],
        [`${value(host.youngFlows)} / ${value(host.youngFlowsLimit)}`, 'unconfirmed {{instance}}'],
      ],
    },
    { title: 'New flows by rule', unit: 'short', queries: [[rate(host.ruleFlows, 'name, rule'), '{{name}} {{rule}}']] },
  ],
  API: [
    {
      title: 'Requests',
      unit: 'reqps',
      queries: [[`sum by (method, status) (rate(${api.requests.name}[$__rate_interval]))`, '{{method}} {{status}}']],
    },
    {
      title: 'Slowest of a hundred',
      unit: 's',
      queries: [
        [quantile(api.seconds, 'method'), '{{method}}'],
        [quantile(api.commitSeconds, ''), 'store'],
      ],
    },
    {
      title: 'Hosts',
      unit: 'short',
      queries: [
        [api.hosts.name, '{{state}}'],
        [api.failing.name, 'failing'],
      ],
    },
    {
      title: 'Room of the store',
      unit: 'percentunit',
      queries: [
        [`${api.storeUsed.name} / ${api.storeMost.name}`, '{{instance}}'],
        [api.storeFull.name, 'full {{instance}}'],
      ],
    },
    { title: 'Objects', unit: 'short', queries: [[api.objects.name, '{{kind}}']] },
  ],
}

const [width, height] = [12, 8]
const datasource = { type: 'prometheus', uid: '${datasource}' }

function panelsOf(): object[] {
  let [id, y] = [1, 0]
  return Object.entries(rows).flatMap(([title, panels]) => {
    const row = { id: id++, type: 'row', title, collapsed: false, gridPos: { x: 0, y: y++, w: 24, h: 1 }, panels: [] }
    const made = panels.map(({ title, unit, queries }, i) => ({
      id: id++,
      type: 'timeseries',
      title,
      datasource,
      gridPos: { x: (i % 2) * width, y: y + Math.floor(i / 2) * height, w: width, h: height },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
      targets: queries.map(([expr, legendFormat], k) => ({ refId: String.fromCharCode(65 + k), datasource, expr, legendFormat })),
    }))
    y += Math.ceil(panels.length / 2) * height
    return [row, ...made]
  })
}

/** The file. */
export function dashboardText(): string {
  const instance = {
    name: 'instance',
    label: 'host',
    type: 'query',
    datasource,
    query: { query: `label_values(${host.daemonUp.name}, instance)`, refId: 'instance' },
    refresh: 2,
    multi: true,
    includeAll: true,
    current: { selected: true, text: ['All'], value: ['$__all'] },
  }
  const dashboard = {
    uid: 'vpc-cloud',
    title: 'vpc',
    tags: ['vpc'],
    timezone: 'browser',
    schemaVersion: 39,
    version: 1,
    editable: true,
    refresh: '30s',
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [{ name: 'datasource', type: 'datasource', query: 'prometheus' }, instance] },
    panels: panelsOf(),
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

/** Its queries, with the variables of Grafana filled in. */
export const dashboardQueries = (): string[] =>
  Object.values(rows).flatMap((panels) =>
    panels.flatMap(({ queries }) =>
      queries.map(([expression]) => expression.replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')),
    ),
  )
