/** `vpc flow log`. */
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { failure, success, type Result } from '#wire/result.ts'
import { Outlet, type Destination } from '#flow-log/destination.ts'
import { FlowLog, longestIntervalSeconds } from '#flow-log/flow-log.ts'
import { NamedPlaces, parsePlace } from '#flow-log/places.ts'
import { createLog, type Log } from '#system/log.ts'
import { agentStateDir } from '../../agent-state-dir.ts'
import { configOption } from '../../config-file.ts'
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { choice, integer, text, valueOption } from '../../option.ts'

/** How long records that wait are delivered after a signal. */
const farewellMs = 5_000

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Ids come in small letters; a log with a word that is none would stay empty for ever. */
function parseId(value: string): Result<string> {
  const id = value.toLowerCase()
  return uuid.test(id) ? success(id) : failure(`'${value}' is not an id; vpc list shows those of ports, vpc vnic list those of vnics`)
}

export default command({
  path: 'flow log',
  summary: 'write a record of each flow, and of refused packets, in the foreground',
  description: `Ports that are in security groups have flows; vpc flow list shows them. This command writes a line of JSON for each: when a
    connection is over, when a flow had no packet for --idle seconds, and every --active seconds while it goes on. Packets that groups refused
    become records of the same ends, with the reason. docs/flow-logs.md describes the fields, and what can be missed.

    Records go to all places that are given, or to standard output. A place that is away gets them later: up to --queue records wait for
    each, further ones are lost, and a record says how many.

    On a host with an agent, --place gives names to places. A flow log of the cloud (vpc cloud flow-log create) names one, and the flows of
    its vnics go there; a name that no host knows gets nothing. So users choose among places, and the operator says where these are.

    It needs no privilege: run it as a user to whom the policy of vpcd gives read of mgmt. SIGTERM or SIGINT end it; what has not been written
    is written before. With --checkpoint a restart loses no packets: the next one goes on with what this one has counted.`,
  options: {
    file: text('write to this file', 'FILE', 'file'),
    rotateSize: integer('begin another file when it has so many bytes', 'BYTES', 1_000, 0xffff_ffff).default(67_108_864),
    keep: integer('full files to keep: FILE.1, FILE.2, …', 'NUMBER', 0, 1_000).default(5),
    syslog: text('write to a syslog server (RFC 5424)', 'udp:HOST:PORT|unix:PATH'),
    http: text('post to this URL; VPC_FLOW_LOG_TOKEN goes along as a bearer token', 'URL'),
    ipfix: text('send to a collector of IPFIX (RFC 7011) by UDP', 'HOST:PORT'),
    place: text(
      'a place for flow logs of the cloud that name it: file:PATH, unix:PATH, udp:HOST:PORT, ipfix:HOST:PORT or a URL',
      'NAME=PLACE',
    ).repeated,
    queue: integer('records that wait for a place that is slow or away', 'NUMBER', 1, 10_000_000).default(50_000),
    only: valueOption('only flows of this port or vnic, by its id', { placeholder: 'ID', parse: parseId }).repeated,
    verdict: choice('only these', ['accepted', 'denied', 'all']).default('all'),
    sample: integer('one of so many flows', 'NUMBER', 1, 1_000_000).default(1),
    interval: integer('look at the flows so often', 'SECONDS', 1, longestIntervalSeconds).default(longestIntervalSeconds),
    idle: integer('write a flow that had no packet for so long', 'SECONDS', 5, 86_400).default(60),
    active: integer('write a flow that goes on so often', 'SECONDS', 5, 86_400).default(300),
    checkpoint: text('file for what is counted when this ends: the next one goes on there', 'FILE', 'file'),
    stateDir: agentStateDir,
    config: configOption,
  },
  examples: [
    { line: `vpc flow log | jq -c 'select(.verdict == "denied")'`, does: 'watch what groups refuse' },
    { line: 'vpc flow log --file=/var/log/vpc/flows.json --http=https://logs.example/vpc', does: 'to a file and a collector' },
  ],
  async run(options, { global: { logLevel, logFormat, utc, socket }, signal }) {
    const { interval, idle, active, sample, verdict, only, stateDir, queue, checkpoint } = options
    const log = createLog({ level: logLevel, format: logFormat, utc })
    const stop = new AbortController()
    for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort(name))
    signal.addEventListener('abort', () => stop.abort())
    const outletTo = (to: Destination): Outlet => new Outlet(to, queue, (what, fields) => log.warn(what, fields))
    const outlets = destinationsOf(options).map(outletTo)
    const named = new Map([...namedPlacesOf(options)].map(([name, to]) => [name, outletTo(to)]))
    const places = new NamedPlaces(named, (name) =>
      log.warn('a flow log asks for a place that has no name here; give it with --place', { name }),
    )
    const isPlain = outlets.length + named.size === 0
    const flowLog = new FlowLog({
      socketPath: socket,
      stateDir,
      intervalMs: interval * 1000,
      idleMs: idle * 1000,
      activeMs: active * 1000,
      sample,
      accepted: verdict !== 'denied',
      denied: verdict !== 'accepted',
      checkpoint,
      only: new Set(only),
      log,
      write(records, logs) {
        for (const outlet of outlets) outlet.put(records)
        places.put(records, logs)
        if (isPlain) for (const record of records) process.stdout.write(`${JSON.stringify(record)}\n`)
      },
    })
    // Packets of flows that were there before count as seen: who waits for this line misses none.
    await flowLog.run(stop.signal, () =>
      log.info('flow log started', { places: isPlain ? 'standard output' : outlets.length + named.size }),
    )
    await end([...outlets, ...named.values()], log)
  },
})

async function end(outlets: readonly Outlet[], log: Log): Promise<void> {
  const lost = await Promise.all(outlets.map((outlet) => outlet.close(farewellMs)))
  log.info('flow log stopped', { lost: lost.reduce((sum, each) => sum + each, 0) })
}

interface Places {
  readonly file?: string | undefined
  readonly rotateSize: number
  readonly keep: number
  readonly syslog?: string | undefined
  readonly http?: string | undefined
  readonly ipfix?: string | undefined
  readonly place: readonly string[]
}

/** A place, or a failure that names the option. */
function placeOf(option: string, text: string, { rotateSize, keep }: Places, looks: string): Destination {
  const place = parsePlace(text, { maxBytes: rotateSize, keep, token: process.env.VPC_FLOW_LOG_TOKEN })
  const directory = text.startsWith('file:') ? dirname(text.slice('file:'.length)) : '.'
  if (!existsSync(directory)) throw usageFailure(`--${option}: there is no directory ${directory}; make it, or name another file`)
  if (place !== undefined) return place
  throw usageFailure(`--${option}: '${text}' is not ${looks}`)
}

function destinationsOf(places: Places): Destination[] {
  const { file, syslog, http, ipfix } = places
  return [
    ...(file === undefined ? [] : [placeOf('file', `file:${file}`, places, 'a file')]),
    ...(syslog === undefined ? [] : [placeOf('syslog', syslog, places, 'udp:HOST:PORT or unix:PATH')]),
    ...(http === undefined ? [] : [placeOf('http', http, places, 'the URL of an HTTP server')]),
    ...(ipfix === undefined ? [] : [placeOf('ipfix', `ipfix:${ipfix}`, places, 'HOST:PORT')]),
  ]
}

function namedPlacesOf(places: Places): Map<string, Destination> {
  return new Map(
    places.place.map((text) => {
      const [, name, place] = /^([a-z0-9][a-z0-9-]{0,62})=(.+)$/.exec(text) ?? []
      if (name === undefined) throw usageFailure(`--place: '${text}' is not NAME=PLACE`)
      return [name, placeOf('place', place!, places, 'file:PATH, unix:PATH, udp:HOST:PORT, ipfix:HOST:PORT or a URL')]
    }),
  )
}
