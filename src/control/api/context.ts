/** What every request has at hand. */
import type { Context } from 'hono'
import type { Counters } from '../feed/counters.ts'
import type { Feeds } from '../feed/feeds.ts'
import type { Inquiries } from '../feed/inquiries.ts'
import type { Caller } from '../model/caller.ts'
import type { Ask } from '../model/draft.ts'
import type { Model } from '../model/model.ts'
import { Problem } from '../model/problem.ts'
import type { Stored } from '../model/record.ts'
import { view, type Viewer } from '../model/view.ts'
import type { RunningAgentPort } from './agent-port.ts'
import type { ApiLog } from './api-log.ts'
import type { AuditFiles } from './audit-files.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'
import type { States } from './states.ts'

/** What an API is made of. */
export interface Parts {
  readonly model: Model
  readonly limits: Limits
  readonly metrics: Metrics
  /** What hosts are told, and what they say. */
  readonly feeds: Feeds
  /** What hosts have counted in the last hour. */
  readonly counters: Counters
  /** What watches are told beside changes. */
  readonly states: States
  /** Asks other APIs of the same store. */
  readonly inquiries?: Inquiries | undefined
  readonly log: ApiLog
  readonly now: () => number
  readonly audit?: AuditFiles
  /** The port for agents, when there is one. */
  readonly agents?: RunningAgentPort
}

export interface Env {
  Variables: { request: string; caller: Caller; source: string; committed: number | undefined }
}

export type ApiContext = Context<Env>

/** The request as the model knows it. */
export function askOf({ now }: Parts, c: ApiContext): Ask {
  const committed = (revision: number): void => c.set('committed', revision)
  return { caller: c.get('caller'), request: c.get('request'), method: c.req.method, now: now(), isDryRun: isDryRun(c), committed }
}

export function isDryRun(c: ApiContext): boolean {
  const given = c.req.query('dry-run')
  if (given === undefined || given === 'false') return false
  if (given === '' || given === 'true') return true
  throw new Problem('invalid', "dry-run: give 'true' or nothing")
}

/** Who looks. */
export const viewerOf = ({ model, now }: Parts, c: ApiContext): Viewer => ({ mirror: model.mirror, caller: c.get('caller'), now: now() })

/** How this caller sees objects. */
export const showOf =
  (parts: Parts, c: ApiContext) =>
  (stored: Stored): unknown =>
    view(viewerOf(parts, c), stored)
