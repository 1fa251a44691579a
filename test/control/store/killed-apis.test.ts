/**
 * Two APIs of one cloud on etcd, each a process, are killed in turn while clients of both read and write: no write that
 * was acknowledged is lost, each history is linearizable, and the host goes over to the other API.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { readIdentity } from '#agent/identity-file.ts'
import { renew } from '#agent/identity.ts'
import { joinCloud } from '#agent/join.ts'
import { ApiClient } from '#cli/cloud/api-client.ts'
import { openEtcdStore } from '#control/store/etcd/etcd-store.ts'
import { formatStoreLocation, type StoreLocation } from '#control/store/location.ts'
import { parseJoinToken } from '#feed/join.ts'
import { vpcPath } from '../../cli/run-vpc.ts'
import { checkInvariants } from '../invariants.ts'
import { scratch } from '../test-api.ts'
import { ApiWriters } from './api-writers.ts'
import { EtcdCluster } from './etcd-cluster.ts'
import { FollowedFeed, invite } from './failover-on-etcd.ts'
import { until } from './harm.ts'

/** A token has a rate: one for each writer. */
const writerCount = 24
/** Writes before each kill, and after the last. */
const writes = 300
/** A busy machine may take long to start an API. */
const patienceMs = 60_000

/** `vpc api`, which comes back on the ports that it had. */
class ApiProcess {
  readonly #words: readonly string[]
  #child: ChildProcess | undefined
  url = ''
  agentPort = 0

  constructor(stateDir: string, store: StoreLocation) {
    this.#words = ['api', '--state-dir', stateDir, '--store', formatStoreLocation(store), '--json']
  }

  async start(): Promise<void> {
    const port = this.url === '' ? '0' : new URL(this.url).port
    const words = [...this.#words, '--port', port, '--agent-listen', `127.0.0.1:${this.agentPort}`]
    const child = spawn(vpcPath, words, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (errors = (errors + text).slice(-4096)))
    const ended = once(child, 'close').then(([code, signal]) => {
      throw new Error(`vpc api has ended (${code ?? signal}) and said: ${errors}`)
    })
    const [line] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string]
    const { url, agents } = JSON.parse(line) as { url: string; agents: number }
    this.url = url
    this.agentPort = agents
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

const groups = ['g1', 'g2', 'g3']

/** Things that writers change, and a token for each writer: a token has a rate. */
async function prepare(client: ApiClient): Promise<readonly string[]> {
  const make = async (plural: string, body: object): Promise<any> => (await client.must('make', 'POST', `/${plural}`, body)).body
  await make('orgs', { name: 'acme' })
  await make('accounts', { name: 'shop', org: 'acme' })
  await make('vpcs', { name: 'red', account: 'shop' })
  await make('subnets', { name: 'web', vpc: 'red', network4: '10.0.0.0/16' })
  for (const name of groups) await make('groups', { name, account: 'shop' })
  const { id: principal } = await make('principals', { name: 'writer', account: 'shop' })
  await make('role-bindings', { principal, role: 'admin', account: 'shop' })
  return Promise.all(Array.from({ length: writerCount }, async () => (await make('tokens', { principal })).token as string))
}

test('two APIs are killed in turn under writers: a host goes to the other, and no acknowledged write is lost', async (t) => {
  const directory = scratch()
  await using cluster = await EtcdCluster.start()
  const store = cluster.location('/vpc1/killed/')
  const [one, two] = [new ApiProcess(directory, store), new ApiProcess(directory, store)]
  let writers: ApiWriters | undefined
  try {
    // The first start makes the CA and the token.
    await one.start()
    await two.start()
    const token = readFileSync(join(directory, 'admin-token'), 'utf8').trim()
    const client = new ApiClient({ server: [one.url, two.url].join(','), token })
    const text = await invite(client)
    const [server, other] = [one, two].map(({ agentPort: port }) => ({ host: '127.0.0.1', port }))
    const stateDir = join(directory, 'agent')
    const to = { server: server!, others: [other!] }
    await joinCloud({ token: parseJoinToken(text)!, text, ...to, stateDir, underlay: undefined, version: '0', now: Date.now() })
    await using feed = new FollowedFeed(stateDir)
    const isAt = (api: ApiProcess) => (): boolean => feed.opened.at(-1) === `https://127.0.0.1:${api.agentPort}`
    await until('the feed is open', isAt(one), patienceMs)
    writers = new ApiWriters([one.url, two.url], await prepare(client), { account: 'shop', subnet: 'web', groups })
    const more = async (what: string): Promise<void> => {
      const goal = writers!.acknowledged + writes
      await until(`more writes ${what}`, () => writers!.acknowledged >= goal, patienceMs)
    }
    await more('with both')
    await one.kill()
    await until('the feed is open at the other', isAt(two), patienceMs)
    await more('without the first')
    await renew(stateDir, readIdentity(stateDir)!)
    await one.start()
    await more('with both again')
    await two.kill()
    await until('the feed is open at the first again', isAt(one), patienceMs)
    await more('without the second')
    await writers.stop()
    const { count, acknowledged, made, unknown } = writers
    t.diagnostic(`${count} operations, ${acknowledged} writes, ${made.size} interfaces, ${unknown} of unknown outcome`)
    writers.check()
    await checkMade(client, made)
    await using direct = openEtcdStore(store)
    await checkInvariants(direct)
  } finally {
    await writers?.stop().catch(() => {})
    await one.kill()
    await two.kill()
    rmSync(directory, { recursive: true })
  }
})

async function checkMade(client: ApiClient, made: ReadonlyMap<string, string>): Promise<void> {
  const vnics = await client.list('list', 'vnics', new URLSearchParams())
  const found = new Map(vnics.map(({ id, addresses }: any) => [id as string, addresses[0] as string]))
  for (const [id, address] of made) assert.equal(found.get(id), address, `${id} was made with ${address}`)
  assert.equal(new Set(found.values()).size, found.size, 'an address is given twice')
}
