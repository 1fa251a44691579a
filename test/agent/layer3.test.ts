/**
 * Groups, routers, public addresses and peerings from the model to real vpcds: whatever tenants do, each host's items
 * are a document that its vpcd takes whole, and its programs do with real packets what `vpc why` says.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TraceOutcome } from '#abi/trace.ts'
import { compile } from '#agent/compile/compile.ts'
import { portId } from '#agent/compile/ids.ts'
import { askPrograms, type Programs } from '#cli/why-programs.ts'
import { disagreement } from '#cli/why-text.ts'
import { Feeds } from '#control/feed/feeds.ts'
import type { ObstacleCode, PathAnswer } from '#control/path/answer.ts'
import { keysOf, topicsOf } from '#control/feed/interest.ts'
import { itemOf } from '#control/feed/items/all.ts'
import { itemKey, type FeedItem } from '#feed/item.ts'
import { writeObjects } from '#feed/objects-file.ts'
import type { ObjectRecord } from '#control/model/record.ts'
import type { QuestionWords } from '#control/path/question.ts'
import { checkInvariants } from '../control/invariants.ts'
import { TestApi } from '../control/test-api.ts'
import type { TestHost } from '../daemon/test-host.ts'
import { numbers, type Desk } from './desk.ts'
import { HostPrograms } from './host-programs.ts'
import { makeCases, otherFamily, outsideCases, pathCases, strayed } from './path-cases.ts'
import { obstacleCodes, PathLaw } from './path-law.ts'
import { PathQuestions } from './path-questions.ts'
import { RealPackets, type Place } from './real-packets.ts'
import { Choices, makeCloud, Tenants, wire, type TenantHost } from './tenants.ts'

const seed = Number(process.env['VPC_LAYER3_SEED'] ?? 13)
const steps = Number(process.env['VPC_LAYER3_STEPS'] ?? 20)
/** Packets after each step. */
const packets = Number(process.env['VPC_LAYER3_PACKETS'] ?? 75)
const deedsPerStep = 8

let api: TestApi
let feeds: Feeds
let hosts: readonly TenantHost[] = []
const made: TestHost[] = []
const choices = new Choices(numbers(seed))
/** What is asked does not change what tenants do. */
const asking = new Choices(numbers(seed + 1_000_000))
const programs: (HostPrograms & Place['programs'])[] = []

before(async () => {
  api = await TestApi.start()
  feeds = new Feeds(api.model.mirror)
  hosts = await makeCloud(api, made)
  programs.push(...hosts.map(({ host }) => new HostPrograms(host)))
  await Promise.all([makeCases(api), ...programs.map((each) => each.prepare())])
})

after(async () => {
  feeds.stop()
  for (const each of programs) each[Symbol.dispose]()
  for (const { desk } of hosts) await desk.half.close()
  for (const host of made) await host[Symbol.asyncDispose]()
  assert.deepEqual(api.logged, [])
  await checkInvariants(api.store)
  await api[Symbol.asyncDispose]()
})

/** All items of a host. */
function itemsOf(host: string): Map<string, FeedItem> {
  const view = feeds.view()
  const keys = new Set([...topicsOf(view, host)].flatMap((topic) => keysOf(view, topic)))
  const items = [...keys].flatMap((key) => itemOf(view, host, key) ?? [])
  return new Map(items.map((item) => [itemKey(item), item]))
}

function tell(desk: Desk, items: ReadonlyMap<string, FeedItem>): void {
  for (const { kind, id } of desk.items) if (!items.has(itemKey({ kind, id }))) desk.delete(kind, id)
  for (const item of items.values()) if (JSON.stringify(desk.items.get(item.kind, item.id)) !== JSON.stringify(item)) desk.put(item)
}

/** Have a vpcd do what the model says now; it must take all of it. `seen`: how much of each list. */
async function follow({ id, host, desk }: TenantHost, seen: Map<string, number>, where: string): Promise<void> {
  tell(desk, itemsOf(id))
  await desk.reconciler.run({ complete: true })
  const { document, problems } = compile(desk.items, desk.half.facts)
  const texts = (of: readonly { readonly text: string }[]): string[] => of.map(({ text }) => text).sort()
  assert.deepEqual(texts(desk.reconciler.errors()), texts(problems), `${where}: what vpcd refuses`)
  await using mgmt = await host.vpc.mgmt()
  const missing = (await mgmt.plan(document)).map(({ action, type, settings }) => `${action} ${type} ${JSON.stringify(settings)}`)
  assert.deepEqual(missing, [], where)
  for (const list of ['groups', 'sets', 'routers', 'nats'] as const)
    for (const each of (document[list] ?? []) as object[]) seen.set(list, (seen.get(list) ?? 0) + JSON.stringify(each).length)
}

/** Source ports by vnic: so few that a NAT has them all, and none is that of another vnic. */
const portsOf = new Map<string, { readonly first: number; used: number }>()
function sourcePortOf(vnic: string): number {
  const own = portsOf.get(vnic) ?? { first: 20_000 + portsOf.size * portsOfVnic, used: 0 }
  portsOf.set(vnic, own)
  return own.first + (own.used++ % portsOfVnic)
}
const portsOfVnic = 400
/** Those of senders outside: no NAT gives a guest such a one, so a ping is the answer to nobody's by luck. */
let outsiders = 0
const sourcePortFrom = (from: ObjectRecord | undefined): number => (from === undefined ? 1 + (outsiders++ % 1000) : sourcePortOf(from.id))

const ends = new Map<string, number>()

/** Questions about the cloud as it is now, whose hosts do what it says. */
function questionsNow(): PathQuestions {
  for (const each of programs) each.refresh()
  return new PathQuestions(api, feeds, asking, (host) => hosts.some(({ id }) => id === host))
}

const nameOf = (outcome: TraceOutcome): string => (outcome.verdict === 'drop' ? outcome.reason : outcome.verdict)

const lawOf = (): PathLaw =>
  new PathLaw(new RealPackets(hosts.map(({ id, underlay }, i) => ({ id, underlay, programs: programs[i]! }))), wire)

/** Ask the model about packets, and send them. */
async function compare(law: PathLaw): Promise<void> {
  const questions = questionsNow()
  const asked = new Set<string>()
  for (let n = 0; n < packets; n++) {
    const each = questions.ask()
    if (each === undefined || asked.has(JSON.stringify(each.question.packet))) continue
    const { question, checked } = each
    asked.add(JSON.stringify(question.packet))
    if (n === 0) await questions.isSameOf(api, each)
    const { end } = law.compare(questions.cloud, question, checked, sourcePortFrom(question.from))
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
}

test('each obstacle that the model names is one to real packets', async () => {
  const seen = new Map<string, number>()
  await Promise.all(hosts.map((host) => follow(host, seen, 'cases')))
  const [questions, law] = [questionsNow(), lawOf()]
  const met = new Set<ObstacleCode>()
  for (const [code, way, words] of [...pathCases, ...outsideCases]) {
    const asked = questions.of(words)
    const { stopped, steps: taken } = asked.checked.trail
    assert.deepEqual(
      [stopped?.code ?? null, stopped && taken[stopped.step]!.way],
      [code, code === null ? undefined : way],
      JSON.stringify(words),
    )
    await questions.isSameOf(api, asked)
    law.compare(questions.cloud, asked.question, asked.checked, sourcePortFrom(asked.question.from))
    if (stopped !== undefined) met.add(stopped.code)
  }
  const { classes, cells } = await api.ok('GET', '/path-check/matrix?vpc=fix')
  const lonely = classes.find(({ examples }: any) => examples.some(({ name }: any) => name === `shop/${otherFamily}`)).id
  for (const { from, code } of cells) if (from === lonely && code === 'no-address') met.add('no-address')
  assert.deepEqual([...met].sort(), [...obstacleCodes].sort())
})

test('no groups let an answer in that belongs to the flow of another vnic', () => {
  const { checked } = questionsNow().of(strayed)
  const met = checked.trail.steps.filter(({ way, stage }) => way === 'answer' && stage === 'groups-in')
  assert.deepEqual(
    met.map(({ ok, thing, text }) => [ok, thing?.name, /belongs to no flow of it/.test(text)]),
    [[null, 'shop/fix-shut', true]],
  )
})

test('vpc why asks the programs of a host about the request and the answer, SCTP too', async () => {
  const questions = questionsNow()
  const [, { id, host }] = hosts as [TenantHost, TenantHost]
  const here = questions.vnics.filter(({ binding }) => binding?.host === id)
  writeObjects(host.stateDir, Object.fromEntries(here.map((vnic) => [portId(vnic.id), { kind: 'vnic', id: vnic.id }])))
  const where = { vpcOf: async () => host.vpc, stateDir: host.stateDir, peers: [] }
  const ask = async (words: QuestionWords): Promise<readonly [PathAnswer, Programs]> => {
    const { checked } = questions.of(words)
    const { body } = await api.ask(api.admin, 'GET', `/path-check?${new URLSearchParams(words as Record<string, string>)}`)
    // No agent is connected, but the host does what the model says.
    const answer = { ...(body as PathAnswer), verdict: checked.verdict }
    return [answer, await askPrograms(answer, where)]
  }
  const ends = (programs: Programs): (string | undefined)[] =>
    [programs, 'unasked' in programs ? programs : programs.answer].map((each) =>
      'unasked' in each ? undefined : nameOf(each.hops.at(-1)!.outcome),
    )
  const [open, both] = await ask({ from: 'fix-c', to: 'fix-z', protocol: 'sctp', port: '8000' })
  // The trace of the request has begun no flow, so the groups refuse its answer: that tells nothing.
  assert.deepEqual([ends(both), disagreement(open, both)], [['delivered', 'sg_denied'], null])
  const [shut, one] = await ask({ from: 'fix-z', to: 'fix-c', protocol: 'udp', port: '8000' })
  assert.deepEqual([ends(one), disagreement(shut, one)], [['sg_denied', undefined], null])
  assert.match(disagreement({ ...shut, verdict: 'reachable' }, one)!, /drop the packet for sg_denied/)
  const lost = { ...both, answer: { hops: [{ outcome: { verdict: 'drop', reason: 'no_route', answered: true } }] } } as unknown as Programs
  assert.match(disagreement(open, lost)!, /drop the answer for no_route/)
  const [, far] = await ask({ from: 'fix-a', to: 'fix-z' })
  assert.match('unasked' in far ? far.unasked : '', /fix-a is not on this host; run vpc why on h1/)
  // This host has the wire: what comes in there is asked of it, and the answer of fix-z, too.
  const [inward, entered] = await ask({ from: '203.0.113.99', to: 'fix-z', protocol: 'tcp', port: '22' })
  assert.deepEqual([inward.verdict, ends(entered), disagreement(inward, entered)], ['reachable', ['delivered', 'outside'], null])
  const [strange, refused] = await ask({ from: '198.18.0.9', to: 'fix-z' })
  assert.deepEqual([strange.obstacle?.code, ends(refused), disagreement(strange, refused)], ['not-outside', ['source_ip', undefined], null])
  const [, none] = await ask({ from: '203.0.113.99', to: 'fix-a' })
  assert.match('unasked' in none ? none.unasked : '', /this host has no wire of 10\.50\.1\.11/)
})

test('whatever tenants do, vpcds take what follows, and do what the model says of packets', async (context) => {
  const tenants = new Tenants(api, choices)
  const law = lawOf()
  const seen = new Map<string, number>()
  for (let step = 0; step < steps; step++) {
    const where = `VPC_LAYER3_SEED=${seed} VPC_LAYER3_STEPS=${step + 1} npm test -- test/agent/layer3.test.ts`
    for (let n = 0; n < deedsPerStep; n++) await tenants.do()
    try {
      await Promise.all(hosts.map((host) => follow(host, seen, where)))
      await compare(law)
    } catch (error) {
      throw new Error(`${where}\n${(error as Error).message}`, { cause: error })
    }
  }
  for (const list of ['groups', 'sets', 'routers', 'nats']) assert.ok(seen.get(list)! > 1000, `${list}: ${seen.get(list)}`)
  const met = [...ends].sort(([, a], [, b]) => b - a).map(([end, count]) => `${end} ${count}`)
  context.diagnostic(met.join(', '))
  const all = [...ends.values()].reduce((sum, count) => sum + count, 0)
  assert.ok(all > steps * packets * 0.7 && ends.get('vnic')! > all / 40 && ends.size >= 12, `packets of all kinds were sent: ${met}`)
})
