/** docs/metrics.md, from the table. */
import { agentMetrics, exporterMetrics } from './agent.ts'
import { apiMetrics } from './api.ts'
import { hostMetrics } from './host.ts'
import type { Metric } from './metric.ts'

const head = `# Metrics

<!-- Made by npm run docs from src/metrics. Do not edit. -->

Prometheus reads them in its text format from two places.

| where | what | who may read it |
|---|---|---|
| [\`vpc exporter\`](commands/exporter.md), \`GET /metrics\`, port 9475 of each host | vpcd, the agent, and the exporter itself | whoever reaches the port: 127.0.0.1, unless \`--listen\` says otherwise |
| the API, \`GET /metrics\`, port 7473 | the API, its store, and the hosts as it sees them | a token with a role in the whole cloud |

\`\`\`sh h1 stays
vpc exporter
\`\`\`

\`\`\`text
metrics are on port 9475 of 127.0.0.1, at /metrics
\`\`\`

What it says, and that its form is right:

\`\`\`sh h1
curl -s localhost:9475/metrics | grep receive_packets
curl -s localhost:9475/metrics | promtool check metrics
\`\`\`

\`\`\`text
vpc_receive_packets_total{unit="vpcp0",interface="hostif0",…
\`\`\`

[examples/monitoring](../examples/monitoring) has a configuration of Prometheus, alerts with their tests, and a
dashboard for Grafana.

**Rights.** The exporter needs no privilege. Run it as a user of its own. Each time it connects to vpcd it narrows its
handle to six operations that change nothing. The policy of vpcd ([rights](rights.md)) must let the user read a
management handle:

\`\`\`yaml
rules:
  - user: vpc-exporter
    types: [mgmt]
    rights: [read]
\`\`\`

**Names.** A port has the label \`unit\` (\`vpcp0\`) and the \`interface\` in it (\`hostif0\`). On a host with an agent,
ports of vnics have the labels \`vnic\` and \`vpc\`: ids, or with \`--context\` names such as \`shop/web1\`. The
exporter asks the API for a name once in ten minutes, and waits 2 s for one that it does not know. When a name changes,
its series end and others begin. Labels without a value are empty.

**Values.** Counters of a port begin at 0 when an interface is connected to it. They go on while vpcd is away and after
its restart, because the programs in the kernel count. So do drops without an event: \`vpc drops --follow\` shows a
sample, and \`vpc_dropped_packets_total\` counts all of them. Nothing is counted because somebody looks, so a scrape
costs a packet nothing.

**The last hour in the API.** An agent also tells the API every ten seconds what its vnics have counted, if something
has changed. \`GET /v1/vnics/ID/stats\`, and the same of vpcs and hosts, has what passed in each ten seconds of the last
hour; \`GET /v1/vpcs/ID/drops\` has a sample of the dropped packets. The API that the host is connected to keeps them in
memory, 500 000 points in all, and a restart forgets them. The console draws them.

**How many series.** Each row says what bounds them. A host with 200 ports in groups has about 2 800, and as many drop
series as reasons occurred. No label has words of packets, such as addresses. A metric with more than \`--max-series\`
(10 000) has its further series left out, and \`vpc_exporter_left_out_series\` says how many.
`

const row = ({ name, type, labels, unit, help, bound }: Metric): string =>
  `| \`${name}\` | ${type} | ${labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ')} | ${unit} | ${help} | ${bound} |\n`

const section = (title: string, metrics: readonly Metric[]): string =>
  `\n## ${title}\n\n| name | type | labels | unit | what it is | how many series |\n|---|---|---|---|---|---|\n${metrics.map(row).join('')}`

/** The page. */
export const metricsPage = (): string =>
  head +
  section('Of vpcd, by the exporter', hostMetrics) +
  section('Of the agent, by the exporter', agentMetrics) +
  section('Of the exporter', exporterMetrics) +
  section('Of the API', Object.values(apiMetrics))
