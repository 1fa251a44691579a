/** `/v1/path-check`: why one vnic cannot reach another, and who can reach whom in a vpc. Nothing is stored. */
import type { Hono } from 'hono'
import { peersOf } from '../feed/view.ts'
import { allows } from '../model/caller.ts'
import { fieldProblem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { Changed, Obstacle, PathAnswer } from '../path/answer.ts'
import { checkPath, type Checked, type PathQuestion } from '../path/check.ts'
import { Cloud } from '../path/cloud.ts'
import { Names } from '../path/names.ts'
import { programmed, type Path } from '../path/programmed.ts'
import { LongAnswers } from '../path/long-answers.ts'
import { matrixSteps, type PathMatrix } from '../path/matrix.ts'
import { questionOf, wordsOf } from '../path/question.ts'
import { oneOf } from '../path/vnic-at.ts'
import { changedFieldsOf } from './audit.ts'
import { readBody } from './body.ts'
import { viewerOf, type ApiContext, type Env, type Parts } from './context.ts'

/** Add the routes. */
export function pathRoutes(app: Hono<Env>, parts: Parts): void {
  app.get('/path-check', async (c) => check(parts, c, c.req.query()))
  const matrices = new LongAnswers(parts.model.mirror)
  app.get('/path-check/matrix', async (c) => matrix(parts, matrices, c))
  app.post('/path-check', async (c) => check(parts, c, await readBody(c)))
}

async function check(parts: Parts, c: ApiContext, given: Readonly<Record<string, unknown>>): Promise<Response> {
  await parts.model.mirror.fresh()
  const viewer = viewerOf(parts, c)
  const names = new Names(viewer)
  const cloud = new Cloud(parts.feeds.view(), viewer.mirror)
  const question = questionOf(viewer, cloud, wordsOf(given))
  return c.json((await answerOf(parts, names, cloud, question)) as object)
}

async function matrix(parts: Parts, matrices: LongAnswers, c: ApiContext): Promise<Response> {
  const { mirror } = parts.model
  await mirror.fresh()
  const viewer = viewerOf(parts, c)
  const { vpc } = wordsOf(c.req.query(), ['vpc'])
  if (vpc === undefined) throw fieldProblem('invalid', ['vpc'], 'it is missing: the vpc')
  const { id } = oneOf(viewer, 'vpc', vpc, 'vpc')
  const accounts = new Set(
    [id, ...peersOf(parts.feeds.view(), id).map((peer) => peer.vpc)].map((each) => mirror.objects.get('vpc', each)?.record.account),
  )
  // What belongs to no account is the operator's: hosts, pools, placements.
  const isAbout = ({ account }: ObjectRecord): boolean => account === null || accounts.has(account)
  const steps = (): Generator<void, PathMatrix> =>
    matrixSteps(new Cloud(parts.feeds.view(), mirror), new Names(viewer), oneOf(viewer, 'vpc', id, 'vpc'))
  return c.json((await matrices.work(steps, isAbout)) as object)
}

/** The model's answer, what the hosts do of it, and who changed what stands in the way. */
async function answerOf(parts: Parts, names: Names, cloud: Cloud, question: PathQuestion): Promise<PathAnswer> {
  const { feeds, inquiries, model } = parts
  const { mirror } = model
  const checked = checkPath(cloud, names, question)
  const asking = { cloud, names, mirror, feeds, inquiries, now: names.viewer.now }
  const revision = String(mirror.revision)
  const hosts = await programmed(asking, pathOf(names, checked, question.from))
  const isDone = hosts.every(({ state }) => state === 'current')
  return {
    verdict: checked.verdict === 'reachable' && !isDone ? 'not-yet' : checked.verdict,
    packet: question.packet,
    from: checked.from,
    to: checked.to,
    steps: checked.trail.steps,
    obstacle: await obstacleOf(parts, names, checked),
    programmed: { revision, hosts },
  }
}

/** Hosts that the packets pass, and what the answer depends on there. */
function pathOf(names: Names, { receiver, trail }: Checked, from: ObjectRecord | undefined): Path {
  const binding = from?.binding
  const roles = new Map<string, 'source' | 'destination' | 'both' | 'wire'>()
  for (const host of trail.wires) roles.set(host, 'wire')
  const to = receiver?.binding?.host
  if (to !== undefined) roles.set(to, 'destination')
  if (binding !== undefined) roles.set(binding.host, to === binding.host ? 'both' : 'source')
  const isKnown = receiver !== undefined && names.mayRead(receiver)
  const known = new Set([binding?.host, isKnown ? to : undefined].filter((host) => host !== undefined))
  return { roles, uses: trail.uses, known }
}

async function obstacleOf(parts: Parts, names: Names, { trail }: Checked): Promise<Obstacle | null> {
  const { stopped } = trail
  if (stopped === undefined) return null
  const { step, code, text, record, command } = stopped
  const changed = record === undefined || !names.mayRead(record) ? null : await changeOf(parts, names, record)
  return { step, code, text, thing: names.thing(record), changed, command: command ?? null }
}

/** Who changed it last. Auditors and admins also hear what. */
async function changeOf(parts: Parts, names: Names, record: ObjectRecord): Promise<Changed> {
  const { caller, mirror } = names.viewer
  const { time, by, request } = record.updated
  const principal = mirror.objects.get('principal', by)?.record
  const name = principal !== undefined && names.mayRead(principal) ? principal.name : null
  const isNew = record.created.request === request
  const fields = allows(caller, ['auditor', 'admin'], record) ? await changedFieldsOf(parts, record) : null
  return { time, isNew, by, name, request, fields }
}
