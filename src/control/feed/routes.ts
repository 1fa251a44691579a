/** What agents ask: the feed of their host, and that the API takes their reports. */
import { once } from 'node:events'
import { countersPath, type CountersAnswer } from '#feed/counters.ts'
import { Held } from '#feed/held.ts'
import { feedPath, feedVersion, lookupPath, reportPath } from '#feed/message.ts'
import { answerDone, answerJson, readJson, type AgentCall, type AgentRoutes } from '../agents/call.ts'
import type { Mirror } from '../model/mirror.ts'
import { Problem } from '../model/problem.ts'
import { parseCounters, type Counters } from './counters.ts'
import type { Exceptions } from './exceptions.ts'
import type { Feeds } from './feeds.ts'
import { Lookups, parseLookup } from './lookups.ts'
import type { NatBlocks } from './nat-blocks.ts'
import { parseReport } from './report.ts'
import { ResponseSink } from './response-sink.ts'
import { Silence } from './silence.ts'

export interface FeedParts {
  readonly feeds: Feeds
  readonly mirror: Mirror
  readonly now: () => number
  readonly exceptions: Exceptions
  readonly counters: Counters
  /** Undefined: nobody keeps who has which public ports. */
  readonly natBlocks?: NatBlocks | undefined
}

/** Some thousand vnics, each with a few reasons. */
const maxCountersBytes = 4 << 20

/** The routes, for the port of the agents. */
export function feedRoutes(parts: FeedParts): AgentRoutes {
  const lookups = new Lookups(parts.feeds, parts.mirror, parts.now)
  return {
    [`GET ${feedPath}`]: async (call) => serveFeed(parts, call),
    [`POST ${reportPath}`]: async (call) => takeReport(parts, call),
    [`POST ${countersPath}`]: async (call) => takeCounters(parts, call),
    [`POST ${lookupPath}`]: async (call) => takeLookup(parts, lookups, call),
  }
}

async function serveFeed({ feeds, mirror }: FeedParts, { host, url, response, ended }: AgentCall): Promise<void> {
  checkVersion(url.searchParams.get('version'))
  const { revision, held } = heldIn(url)
  // An agent may come from another API that was ahead. With the store away, what is known here must do.
  await mirror.fresh().catch(() => {})
  if (ended.aborted || response.destroyed) return
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
  const closed = once(response, 'close')
  const [asks, isChecked, crosses] = ['lookup', 'checked', 'transit'].map((word) => url.searchParams.get(word) === '1')
  const feed = feeds.open(host, revision, new ResponseSink(response), { asks, held, isChecked, crosses })
  const end = (): void => feed.close(farewell(mirror, host))
  ended.addEventListener('abort', end)
  const { hosts } = mirror
  const [status, cut] = [() => hosts.get(host), () => void response.destroy()]
  const silence = new Silence({ status, isTold: () => feed.isTold, elapsed: () => hosts.elapsed(), cut })
  try {
    await closed
  } finally {
    silence.end()
    ended.removeEventListener('abort', end)
    feeds.gone(feed)
  }
}

/** Only a host that is removed or disabled hears that it need not come back. */
function farewell({ objects }: Mirror, host: string): string | undefined {
  const stored = objects.get('host', host)
  if (stored === undefined) return 'the host is removed from the cloud'
  return stored.record.spec.disabled === true ? 'the host is disabled' : undefined
}

function checkVersion(given: string | null): void {
  if (given === String(feedVersion)) return
  if (given !== null && /^\d{1,6}$/.test(given))
    throw new Problem(
      Number(given) > feedVersion ? 'client-too-new' : 'client-too-old',
      `the agent speaks version ${given} of the feed, and this API ${feedVersion}`,
    )
  throw new Problem('invalid', `version: give the version of the feed, such as ${feedVersion}`)
}

function revisionOf(url: URL): number | undefined {
  const given = url.searchParams.get('revision')
  if (given === null) return undefined
  if (!/^\d{1,15}$/.test(given)) throw new Problem('invalid', 'revision: it is not a revision')
  return Number(given)
}

/**
 * What an agent says that it has. One whose words this API cannot read has nothing: it is told all, and what it has
 * besides goes.
 */
function heldIn(url: URL): { readonly revision?: number | undefined; readonly held?: Held | undefined } {
  const given = url.searchParams.get('held')
  const [revision, held] = [revisionOf(url), given === null ? undefined : Held.parse(given)]
  return given !== null && held === undefined ? {} : { revision, held }
}

async function takeReport({ mirror, now, exceptions }: FeedParts, { host, request, response }: AgentCall): Promise<void> {
  mirror.hosts.report(host, parseReport(await readJson(request)), now())
  exceptions.note(host)
  answerDone(response)
}

async function takeCounters({ counters, natBlocks, now }: FeedParts, { host, request, response }: AgentCall): Promise<void> {
  const said = parseCounters(await readJson(request, maxCountersBytes))
  counters.take(host, said, now())
  const refused = (await natBlocks?.take(host, said.blocks ?? [])) ?? []
  if (refused.length === 0) return answerDone(response)
  const answer: CountersAnswer = { refused }
  answerJson(response, 200, answer)
}

async function takeLookup({ mirror }: FeedParts, lookups: Lookups, { host, request, response }: AgentCall): Promise<void> {
  const lookup = parseLookup(await readJson(request))
  // What another API has just acknowledged must be found.
  await mirror.fresh().catch(() => {})
  lookups.ask(host, lookup)
  answerDone(response)
}
