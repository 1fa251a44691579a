/**
 * Metrics as a real Prometheus gets them: from an exporter without privileges, and from an API. promtool judges their
 * form, and the alerts. Needs root.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import type { Id } from '#abi/id.ts'
import { objectId } from '#feed/object-id.ts'
import { writeObjects } from '#feed/objects-file.ts'
import { startApi, type RunningApi } from '#control/api/server.ts'
import { writeStatus, type AgentStatus } from '#agent/status.ts'
import { dashboardQueries } from '#metrics/dashboard.ts'
import { metricOf } from '#metrics/table.ts'
import { CounterReport } from '#agent/feed/counter-report.ts'
import { ItemStore } from '#agent/compile/items.ts'
import { portId } from '#agent/compile/ids.ts'
import { Vpcd } from '#agent/apply/host-half.ts'
import { parseCounters } from '#control/feed/counters.ts'
import type { HostCounters } from '#feed/counters.ts'
import { createLog } from '#system/log.ts'
import { vnicItem } from '../agent/cloud.ts'
import { ApiClient } from '#cli/cloud/api-client.ts'
import { PlaceNames } from '#cli/place-names.ts'
import { markProcess } from '#system/process-mark.ts'
import { vpcPath } from '../cli/run-vpc.ts'
import { checkLog } from '../log-lines.ts'
import { TestHost } from '../daemon/test-host.ts'

const nobody = 65_534
const vnic = '00000000-0000-4000-8000-000000000010'
const vpc = '00000000-0000-4000-8000-000000000003'
const idOf = (type: 'vpcsw' | 'vpcp' | 'hostif' | 'group' | 'vpcnat' | 'ethlink', name: string): Id => objectId(type, [name])
const [sw, port, hostif] = [idOf('vpcsw', 'one'), portId(vnic), idOf('hostif', 'one')]
const natId = idOf('vpcnat', 'one')
const [farPort, far, group] = [idOf('vpcp', 'two'), idOf('hostif', 'two'), idOf('group', 'one')]

let host: TestHost
let api: RunningApi
let directory: string
let exporter: ChildProcess
let exporterPort: number
const running: ChildProcess[] = []

before(async () => {
  directory = mkdtempSync(join(tmpdir(), 'vpc-metrics-'))
  chmodSync(directory, 0o755)
  host = TestHost.create()
  const policy = join(directory, 'policy.yaml')
  writeFileSync(policy, `rules:\n  - user: ${nobody}\n    types: [mgmt]\n    rights: [read]\n`)
  chmodSync(host.directory, 0o755)
  await host.start({ args: ['--policy', policy] })
  await makeTraffic()
  const log = { info: () => {}, error: () => {} }
  const agents = { host: '127.0.0.1', port: 0 }
  api = await startApi({ stateDir: join(directory, 'api'), host: '127.0.0.1', port: 0, log, agents })
  exporterPort = await startExporter()
})

after(async () => {
  for (const child of running) child.kill('SIGKILL')
  await api?.[Symbol.asyncDispose]()
  await host[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** Two guests: one is a vnic of a cloud, the other's group lets TCP port 80 in and nothing else. */
async function makeTraffic(): Promise<void> {
  const { vpc: vpcd } = host
  const create = { create: true }
  await using over = await vpcd.openSwitch(sw, create)
  await over.setVni(5001)
  await over.commit()
  await using rules = await vpcd.openGroup(group, create)
  await rules.setSwitch(sw)
  await rules.setName('web')
  await rules.addRules([{ id: '10', direction: 'in', protocol: 'icmp' }])
  await rules.commit()
  const addresses = ['10.0.0.1', '10.0.0.2']
  const guests: ((...command: string[]) => string)[] = []
  for (const [i, [unitId, portId]] of [[hostif, port] as const, [far, farPort] as const].entries()) {
    await using unit = await vpcd.openHostif(unitId, create)
    await unit.commit()
    await over.addPort(portId)
    await using plug = await vpcd.openPort(portId, { write: true })
    await plug.connect(unitId)
    await plug.setAddresses([addresses[i]!])
    if (i === 1) await plug.setGroups([group])
    const { unit: device } = await unit.describe()
    guests.push(host.guest(`g${i}`, device, `${addresses[i]}/24`))
    await over.setNeighbours([{ vni: 5001, address: addresses[i]!, mac: await unit.mac() }])
  }
  await using wire = await vpcd.openEthlink(idOf('ethlink', 'one'), create)
  await wire.commit()
  await using shares = await vpcd.openNat(natId, create)
  await shares.setEthlink(wire.id)
  await shares.setPool(['203.0.113.16/28'])
  await shares.setShared(['203.0.113.22', '203.0.113.23'])
  await shares.commit()
  guests[0]!('ping', '-c', '3', '-i', '0.01', '-W', '5', addresses[1]!)
  refuse('1')
}

/** A connection that the group of the other guest does not allow. */
const refuse = (seconds: string): unknown =>
  spawnSync('ip', ['netns', 'exec', host.guestName('g0'), 'curl', '-sS', '--max-time', seconds, 'http://10.0.0.2/'])

/** As nobody, with an agent's directory that says what one port stands for. */
async function startExporter(): Promise<number> {
  const stateDir = join(directory, 'agent')
  mkdirSync(stateDir)
  chmodSync(stateDir, 0o755)
  writeObjects(stateDir, { [port]: { kind: 'vnic', id: vnic, vpc } })
  const now = new Date().toISOString()
  const status: AgentStatus = {
    process: markProcess(process.pid)!,
    server: 'http://127.0.0.1',
    host: null,
    connected: { since: now },
    revision: '17',
    applied: '15',
    follows: true,
    items: 3,
    errors: [],
    waitingSince: new Date(Date.now() - 60_000).toISOString(),
    runs: { all: 4, failed: 1, seconds: 0.25 },
    cache: { path: '/', trouble: null },
  }
  writeStatus(stateDir, status)
  exporter = spawn(vpcPath, ['exporter', '--port=0', '--json', '--state-dir', stateDir, '--max-series=6'], {
    uid: nobody,
    gid: nobody,
    env: { ...process.env, VPC_SOCKET: host.socketPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  running.push(exporter)
  const [line] = (await once(createInterface({ input: exporter.stdout! }), 'line')) as [string]
  return (JSON.parse(line) as { port: number }).port
}

const scrape = async (): Promise<string> => (await fetch(`http://127.0.0.1:${exporterPort}/metrics`)).text()

/** What promtool says of a text. */
const judge = (text: string) => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  return [status, stdout + stderr]
}

const apiToken = (): string => readFileSync(api.firstToken!, 'utf8').trim()
const apiMetrics = async (): Promise<string> =>
  (await fetch(`${api.url}/metrics`, { headers: { authorization: `Bearer ${apiToken()}` } })).text()

test('promtool has nothing to say of the metrics of a host and of an API', async () => {
  for (const text of [await scrape(), await apiMetrics()]) {
    assert.deepEqual(judge(text), [0, ''])
    const names = new Set([...text.matchAll(/^(\w+)(?:\{| )/gm)].map(([, name]) => name!))
    for (const name of names) assert.ok(metricOf(name) !== undefined, name)
  }
  const bad = judge('# HELP vpc_x X.\n# TYPE vpc_x counter\nvpc_x{a="1" 2\n')
  assert.notEqual(bad[0], 0)
})

test('the exporter says what vpcd counts, with the words of the cloud', async () => {
  const { stats, text } = await stillScrape()
  const lineOf = (id: Id): string => {
    const { unit, peerUnit } = stats.find((each) => each.id === id)!
    return `unit="${unit}",interface="${peerUnit}",${id === port ? `vnic="${vnic}",vpc="${vpc}"` : 'vnic="",vpc=""'}`
  }
  const mine = stats.find(({ id }) => id === port)!
  assert.ok(mine.rxBytes > 0 && mine.drops['sg_denied']! >= 1)
  assert.ok(text.includes(`vpc_receive_bytes_total{${lineOf(port)}} ${mine.rxBytes}\n`), text)
  assert.ok(text.includes(`vpc_dropped_packets_total{${lineOf(port)},reason="sg_denied"} ${mine.drops['sg_denied']}\n`), text)
  assert.match(text, new RegExp(`^vpc_flows\\{${lineOf(farPort)}\\} 1$`, 'm'))
  assert.match(text, /^vpc_rule_flows_total\{group="group\d+",name="web",rule="10"\} 1$/m)
  assert.match(text, /^vpc_nat_blocks\{unit="vpcnat0",.*\} 0$/m)
  assert.match(text, /^vpc_nat_blocks_limit\{unit="vpcnat0",.*\} 2016$/m)
  assert.match(text, /^vpc_agent_lag_seconds (\d{2,3})\.?\d*$/m)
  assert.match(text, /^vpc_agent_failed_runs_total 1$/m)
})

/** A scrape while no packet passed: guests send some by themselves. */
async function stillScrape() {
  await using mgmt = await host.vpc.mgmt()
  for (let tries = 0; ; tries++) {
    const stats = await mgmt.stats()
    const text = await scrape()
    if (isDeepStrictEqual(stats, await mgmt.stats())) return { stats, text }
    assert.ok(tries < 200, 'packets pass all the time')
  }
}

test('an agent tells the API what its vnics have counted, and which packets were dropped', async () => {
  const items = new ItemStore()
  items.put({ ...vnicItem(10), id: vnic })
  const half = new Vpcd(host.socketPath, () => {})
  const stop = new AbortController()
  const told: HostCounters[] = []
  const post = async (counters: HostCounters): Promise<void> => void told.push(parseCounters(JSON.parse(JSON.stringify(counters))))
  const report = new CounterReport({ items, traffic: half.traffic, everyMs: 100, log: createLog({ level: 'error' }), post })
  const done = report.run(stop.signal)
  const deadline = Date.now() + 20_000
  while (!told.some(({ drops }) => drops.some(({ vnic: of, reason }) => of === vnic && reason === 'sg_denied'))) {
    assert.ok(Date.now() < deadline, `not told in 20 s: ${JSON.stringify(told)}`)
    refuse('0.1')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  stop.abort()
  await done
  const [first] = told[0]!.vnics
  assert.deepEqual([first!.vnic, first!.rxPackets >= 3, first!.drops['sg_denied']! >= 1], [vnic, true, true])
  assert.ok(told.length > 1 && told.every(({ vnics, drops }) => vnics.length + drops.length > 0), 'only what has changed is told')
})

test('a metric with too many series loses some, and says how many', async () => {
  const text = await scrape()
  await using mgmt = await host.vpc.mgmt()
  const types = new Set((await mgmt.headers('any')).map(({ type }) => type))
  assert.ok(types.size <= 6, 'objects are few here')
  assert.doesNotMatch(text, /left_out/)
  await using over = await host.vpc.openSwitch(sw, { write: true })
  const more = Array.from({ length: 5 }, (_, i) => objectId('vpcp', [`more ${i}`]))
  for (const id of more) await over.addPort(id)
  assert.match(await scrape(), /^vpc_exporter_left_out_series\{metric="vpc_receive_bytes_total"\} 2$/m)
  for (const id of more) await over.deletePort(id)
})

/** Nothing is in trouble here, and there is no mux, no host of the API, no vmnic with queues. */
const without = [/objects_in_trouble/, /agent_errors/, /mux_direct/, /queue_transmit_drops/, /^vpc_api_hosts$/]

test('a real Prometheus scrapes both, and knows each query of the dashboard', async () => {
  const token = join(directory, 'api-token')
  writeFileSync(token, apiToken())
  const config = join(directory, 'prometheus.yml')
  const targets = [
    [`vpc-host`, `127.0.0.1:${exporterPort}`, ''],
    [`vpc-api`, new URL(api.url).host, `    authorization: { credentials_file: ${token} }\n`],
  ].map(([job, target, more]) => `  - job_name: ${job}\n    static_configs: [{ targets: ['${target}'] }]\n${more}`)
  writeFileSync(config, `global: { scrape_interval: 1s }\nscrape_configs:\n${targets.join('')}`)
  const at = await startPrometheus(config)
  const ask = async (query: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> => {
    const { data } = (await (await fetch(`${at}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as { data: { result: never[] } }
    return data.result
  }
  const deadline = Date.now() + 30_000
  const isUp = async (): Promise<boolean> => (await ask('up == 1').catch(() => [])).length === 2
  while (!(await isUp())) {
    assert.ok(Date.now() < deadline, 'Prometheus has not scraped both in 30 s')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  const [found] = await ask(`vpc_receive_packets_total{vnic="${vnic}"}`)
  assert.match(found?.metric['unit'] ?? '', /^vpcp\d+$/)
  assert.ok(Number(found?.value[1]) >= 3)
  assert.equal((await ask('vpc_api_objects{kind="account"}')).length, 1)
  const isEmpty = async (query: string): Promise<boolean> => (await ask(query)).length === 0
  // A rate needs two scrapes.
  let empty: string[] = dashboardQueries()
  const patience = Date.now() + 60_000
  while (empty.length > without.length) {
    assert.ok(Date.now() < patience, `queries without a series: ${empty.join('\n')}`)
    const found = await Promise.all(empty.map(isEmpty))
    empty = empty.filter((_, i) => found[i])
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  assert.ok(
    empty.every((query) => without.some((words) => words.test(query))),
    empty.join('\n'),
  )
})

test('labels have the names that the API tells, and ids where it tells none', async () => {
  const make = async (plural: string, body: object): Promise<string> => {
    const headers = { authorization: `Bearer ${apiToken()}`, 'content-type': 'application/json' }
    const answer = await fetch(`${api.url}/v1/${plural}`, { method: 'POST', headers, body: JSON.stringify(body) })
    assert.equal(answer.status, 201, plural)
    return ((await answer.json()) as { id: string }).id
  }
  await make('orgs', { name: 'acme' })
  await make('accounts', { name: 'shop', org: 'acme' })
  const red = await make('vpcs', { name: 'red', account: 'shop' })
  await make('subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/24' })
  const web1 = await make('vnics', { name: 'web1', account: 'shop', subnet: 'web' })
  const said: string[] = []
  const names = new PlaceNames(new ApiClient({ server: api.url, token: apiToken() }), (why) => void said.push(why))
  const things = [web1, vnic].map((id) => ({ kind: 'vnic', id, vpc: red }))
  const known = await names.of(things)
  assert.deepEqual(known.get(web1), { vnic: 'shop/web1', vpc: 'shop/red' })
  assert.deepEqual(known.get(vnic), { vnic, vpc: red })
  const away = new PlaceNames(new ApiClient({ server: 'http://127.0.0.1:1', token: 'x' }), (why) => void said.push(why))
  assert.deepEqual([(await away.of(things)).size, said.length], [0, 1])
})

test('without vpcd the exporter says so, and comes back', async () => {
  const other = spawn(vpcPath, ['exporter', '--port=0', '--json', '--state-dir', '/nowhere', '--socket', join(directory, 'none')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(other)
  let log = ''
  other.stderr.setEncoding('utf8').on('data', (text: string) => void (log += text))
  const [line] = (await once(createInterface({ input: other.stdout }), 'line')) as [string]
  const text = await (await fetch(`http://127.0.0.1:${(JSON.parse(line) as { port: number }).port}/metrics`)).text()
  assert.match(text, /^vpc_daemon_up 0$/m)
  assert.doesNotMatch(text, /vpc_agent/)
  assert.ok(checkLog('exporter', log)[0]!.startsWith('the exporter needs no privilege'), log)
})

test('promtool takes rules, configuration, and the test of each alert', () => {
  const cwd = new URL('../../examples/monitoring', import.meta.url).pathname
  const run = (...args: string[]): string => execFileSync('promtool', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  assert.match(run('check', 'rules', 'alerts.yml'), /SUCCESS: \d+ rules found/)
  run('test', 'rules', 'alerts.test.yml')
  run('check', 'config', '--syntax-only', 'prometheus.yml')
})

/** Start it with a store of its own; gives its URL. */
async function startPrometheus(config: string): Promise<string> {
  const probe = (await import('node:net')).createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port: free } = probe.address() as { port: number }
  probe.close()
  const options = [`--config.file=${config}`, `--storage.tsdb.path=${join(directory, 'tsdb')}`, `--web.listen-address=127.0.0.1:${free}`]
  running.push(spawn('prometheus', options, { stdio: 'ignore', cwd: directory }))
  return `http://127.0.0.1:${free}`
}
