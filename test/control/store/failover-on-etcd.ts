/** Two APIs of one cloud, a host and a command that know both: one ends, and the other serves. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readIdentity } from '#agent/identity-file.ts'
import { agentServer, renew } from '#agent/identity.ts'
import { followFeed } from '#agent/feed/follower.ts'
import { joinCloud } from '#agent/join.ts'
import { ApiClient } from '#cli/cloud/api-client.ts'
import { startApi, type RunningApi } from '#control/api/server.ts'
import type { StoreLocation } from '#control/store/location.ts'
import { createLog } from '#system/log.ts'
import { parseJoinToken } from '#feed/join.ts'
import { until } from './harm.ts'

/** A token for a new host. */
export async function invite(client: ApiClient): Promise<string> {
  await client.must('make', 'POST', '/regions', { name: 'north' })
  await client.must('make', 'POST', '/facilities', { name: 'f1', region: 'north' })
  const { body: host } = await client.must('make', 'POST', '/hosts', { name: 'h1', facility: 'f1' })
  return (await client.must('make', 'POST', `/hosts/${host.id}/token`, {})).body.token as string
}

async function makeOrg(client: ApiClient): Promise<void> {
  const { status, body } = await client.ask('POST', '/orgs', { name: 'acme' })
  assert.equal(status, 201, JSON.stringify(body))
  const { body: list } = await client.must('list', 'GET', '/orgs')
  assert.deepEqual(
    list.items.map(({ name }: any) => name),
    ['acme'],
  )
}

/** The feed of a host, as its agent follows it. */
export class FollowedFeed implements AsyncDisposable {
  /** The API of each feed that was opened, in order. */
  readonly opened: string[] = []
  readonly #end = new AbortController()
  readonly #following: Promise<void>

  constructor(stateDir: string) {
    let turn = 0
    this.#following = followFeed(
      {
        server: () => agentServer(stateDir, turn),
        opening: () => ({ revision: null }),
        onMessage: ({ type }) => void (type === 'hello' && this.opened.push(agentServer(stateDir, turn).url)),
        onState: () => {},
        onLost: () => void turn++,
        log: createLog({ level: 'error', format: 'json', utc: true }),
        random: Math.random,
        reconnectMs: 50,
      },
      this.#end.signal,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end.abort()
    await this.#following
  }
}

/** Neither the agent nor the command is told anything. */
export async function failOver(directory: string, store: StoreLocation): Promise<void> {
  const log = { info: () => {}, error: () => {} }
  const agents = { host: '127.0.0.1', port: 0 }
  const start = (): Promise<RunningApi> => startApi({ stateDir: directory, store, host: '127.0.0.1', port: 0, log, agents })
  const [one, two] = [await start(), await start()]
  const token = readFileSync(join(directory, 'admin-token'), 'utf8').trim()
  const client = new ApiClient({ server: [one.url, two.url].join(','), token })
  const text = await invite(client)
  const at = (port: number) => ({ host: '127.0.0.1', port })
  const stateDir = join(directory, 'agent')
  // Nobody listens on the first one.
  const addresses = { server: at(1), others: [at(one.agentPort!), at(two.agentPort!)] }
  await joinCloud({ token: parseJoinToken(text)!, text, ...addresses, stateDir, underlay: undefined, version: '0', now: Date.now() })
  assert.deepEqual(
    [readIdentity(stateDir)!.server, readIdentity(stateDir)!.others],
    [`https://127.0.0.1:${one.agentPort}`, ['https://127.0.0.1:1', `https://127.0.0.1:${two.agentPort}`]],
  )
  await using feed = new FollowedFeed(stateDir)
  const { opened } = feed
  try {
    await until('the feed is open', () => opened.length === 1)
    await one[Symbol.asyncDispose]()
    await until('the feed is open at the other', () => opened.length === 2)
    assert.equal(opened[1], `https://127.0.0.1:${two.agentPort}`)
    await renew(stateDir, readIdentity(stateDir)!)
    await makeOrg(client)
  } finally {
    await two[Symbol.asyncDispose]()
  }
  await assert.rejects(client.ask('GET', '/orgs'), /cannot be reached/)
}
