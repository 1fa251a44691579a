/** The same question asked of the API, of the page and of the command: all three say the same. */
import assert from 'node:assert/strict'
import type { PathAnswer, Verdict } from '#control/path/answer.ts'
import { runHere } from '../cli/in-process.ts'
import type { ConsoleScene } from './browser.ts'

/** How the page and the command say it. */
const verdicts: Readonly<Record<Verdict, readonly [page: string, command: RegExp]>> = {
  reachable: ['It gets there.', /^reachable: /m],
  blocked: ['It does not get there.', /^blocked: /m],
  'not-yet': ['It is allowed, but a host does not do it yet.', /^not yet: /m],
  unknown: ['It reaches a guest that forwards it; nobody here knows what that does.', /^unknown: /m],
}

/** No vpcd is there: its programs are not asked. */
const socket = '/nowhere/vpcd.sock'

interface Question {
  readonly from: string
  readonly to: string
  /** TCP; undefined: a ping. */
  readonly port?: number
}

/** What is compared: all but the revisions of hosts, which go on. */
const compared = ({ verdict, packet, from, to, steps, obstacle }: PathAnswer) => ({ verdict, packet, from, to, steps, obstacle })

async function make(scene: ConsoleScene): Promise<void> {
  const kinds = (kind: string, ...bodies: object[]) => bodies.map((body) => [kind, body] as const)
  const vnic = { account: 'inn', subnet: 'blue/front', addresses: ['10.7.0.5'] }
  for (const [kind, body] of [
    ...kinds('accounts', { name: 'inn', org: 'acme' }),
    ...kinds('vpcs', { name: 'blue', account: 'inn' }),
    ...kinds('subnets', { name: 'front', vpc: 'blue', network4: '10.7.0.0/24' }, { name: 'back', vpc: 'blue', network4: '10.8.0.0/24' }),
    ...kinds('groups', {
      name: 'door',
      account: 'inn',
      rules: [{ direction: 'in', protocol: 'tcp', ports: ['80'] }, { direction: 'out' }],
    }),
    ...kinds(
      'vnics',
      { ...vnic, name: 'near' },
      { ...vnic, name: 'far', addresses: ['10.7.0.6'], groups: ['door'] },
      { ...vnic, name: 'aside', subnet: 'blue/back', addresses: ['10.8.0.7'] },
    ),
    ...kinds('routers', { name: 'hall', vpc: 'blue', interfaces: [{ subnet: 'front' }] }),
  ])
    await scene.ask('POST', `/${kind}`, body)
  for (const [name, host] of Object.entries({ near: 'h1', far: 'h2', aside: 'h2' }))
    await scene.ask('PUT', `/vnics/${name}/binding`, { host })
}

/** Ask all three. Gives what the API says. */
async function askAll(scene: ConsoleScene, { from, to, port }: Question): Promise<PathAnswer> {
  const { page } = scene
  const query = new URLSearchParams({ from, to, ...(port !== undefined && { protocol: 'tcp', port: String(port) }) })
  const answer = (await scene.ask('GET', `/path-check?${query}`)) as PathAnswer
  const { verdict, packet, obstacle } = answer
  const words = ['why', from, to, ...(port === undefined ? [] : [`--tcp=${port}`])]

  const [said, json] = [await runHere(socket, words), await runHere(socket, [...words, '--json'])]
  assert.equal(said.failure, undefined)
  for (const { code } of [said, json]) assert.equal(code, verdict === 'reachable' ? 0 : 1)
  assert.deepEqual(compared(JSON.parse(json.stdout) as PathAnswer), compared(answer))
  const lineOf = (begin: string): string | null =>
    said.stdout
      .split('\n')
      .find((line) => line.startsWith(begin))
      ?.slice(begin.length) ?? null
  assert.match(said.stdout, verdicts[verdict][1])
  assert.equal(lineOf('  what stands in the way: '), obstacle?.text ?? null)
  assert.equal(lineOf('  to allow it: '), obstacle?.command ?? null)

  await scene.go('#/', 'Overview')
  await scene.go(`#/why?${query}`, /Why/)
  const what = port === undefined ? 'icmp' : `tcp ${port}`
  await page.getByText(`${what} from ${packet.source} to ${packet.destination}`, { exact: true }).waitFor()
  const texts = (selector: string): Promise<string[]> => page.locator(selector).allTextContents()
  assert.deepEqual(await texts('h2.verdict'), [verdicts[verdict][0]])
  assert.deepEqual(await texts('.problem strong'), obstacle === null ? [] : [obstacle.text])
  assert.deepEqual(await texts('.problem code'), obstacle === null || obstacle.command === null ? [] : [obstacle.command])
  assert.equal(await page.locator('.hops .obstacle').count(), obstacle === null ? 0 : 1)
  return answer
}

/** Two vnics on a host that does all that it was told. */
async function plugBothIn(scene: ConsoleScene): Promise<Disposable> {
  await scene.ask('POST', '/hosts', { name: 'h4', facility: 'f1', underlay: [{ address: '192.0.2.4' }] })
  for (const [name, address] of Object.entries({ left: '10.7.0.14', right: '10.7.0.15' })) {
    await scene.ask('POST', '/vnics', { name, account: 'inn', subnet: 'blue/front', addresses: [address] })
    await scene.ask('PUT', `/vnics/${name}/binding`, { host: 'h4' })
  }
  const { follow, report } = await scene.joinHost('h4')
  const feed = await follow()
  const { programmed } = await scene.ask('GET', '/path-check?from=left&to=right')
  await report(programmed.revision)
  return feed
}

/** Reached, allowed, refused by a group, no route, not joined, from outside; and what they say would allow it does. */
export async function checkAnswers(scene: ConsoleScene): Promise<void> {
  await make(scene)
  const codeOf = async (question: Question): Promise<string | undefined> => (await askAll(scene, question)).obstacle?.code
  process.env.VPC_API = scene.api.url
  process.env.VPC_TOKEN = scene.token
  try {
    assert.equal((await askAll(scene, { from: 'near', to: 'far', port: 80 })).verdict, 'not-yet', 'the model allows it')
    using _ = await plugBothIn(scene)
    assert.equal((await askAll(scene, { from: 'left', to: 'right', port: 80 })).verdict, 'reachable')
    assert.equal(await codeOf({ from: 'near', to: '203.0.113.9' }), 'no-route')
    assert.equal(await codeOf({ from: 'aside', to: 'near' }), 'not-joined')
    assert.equal(await codeOf({ from: '203.0.113.9', to: 'far', port: 80 }), 'no-public-address')
    const { obstacle } = await askAll(scene, { from: 'near', to: 'far', port: 22 })
    assert.equal(obstacle?.code, 'group-in')
    const [program, ...words] = obstacle.command!.match(/(?:'[^']*'|[^\s'])+/g)!.map((word) => word.replaceAll("'", ''))
    assert.equal(program, 'vpc')
    assert.equal((await runHere(socket, words)).failure, undefined)
    assert.equal((await askAll(scene, { from: 'near', to: 'far', port: 22 })).obstacle, null)
  } finally {
    delete process.env.VPC_API
    delete process.env.VPC_TOKEN
  }
}
