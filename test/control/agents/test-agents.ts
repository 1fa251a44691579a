/** An API with a port for agents, and requests to it with any certificate. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { request as requestHttps, type RequestOptions } from 'node:https'
import { join } from 'node:path'
import type { AgentRoutes } from '#control/agents/call.ts'
import { startAgentServer, type AgentServer } from '#control/agents/server.ts'
import { Limits, type LimitOptions } from '#control/api/limits.ts'
import { Authority } from '#control/issuer/authority.ts'
import { makeJoin } from '#control/model/join.ts'
import { feedPath } from '#feed/message.ts'
import { apiServerName, formatJoinToken, joinPath } from '#feed/join.ts'
import { noLimits, TestApi, type TestApiOptions } from '../test-api.ts'

/** A key with a certificate of it. */
export interface Identity {
  readonly key: KeyObject
  readonly certificate: string
}

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
export const spkiOf = (key: KeyObject): Uint8Array => createPublicKey(key).export({ type: 'spki', format: 'der' })
export const pemOf = (key: KeyObject): string => createPublicKey(key).export({ type: 'spki', format: 'pem' }) as string

export interface AgentAnswer {
  readonly status: number
  readonly body: any
  readonly headers: Record<string, unknown>
}

export class TestAgents {
  readonly api: TestApi
  readonly authority: Authority
  readonly server: AgentServer

  private constructor(api: TestApi, authority: Authority, server: AgentServer) {
    this.api = api
    this.authority = authority
    this.server = server
  }

  static async start(routes: (api: TestApi) => AgentRoutes, limits: LimitOptions = noLimits, of: TestApiOptions = {}): Promise<TestAgents> {
    const api = await TestApi.start(of)
    // A directory that is given has its own.
    if (of.directory === undefined) {
      await api.ok('POST', '/regions', { name: 'north' })
      await api.ok('POST', '/facilities', { name: 'f1', region: 'north' })
    }
    const authority = await Authority.open(join(api.directory, 'ca'))
    const now = (): number => Date.now() + api.ahead
    const log = { info: () => {}, error: (message: string, fields?: object) => void api.logged.push({ message, ...fields }) }
    const options = {
      model: api.model,
      authority,
      host: '127.0.0.1',
      port: 0,
      lookEveryMs: 20,
      routes: routes(api),
      limits: new Limits(limits, now),
      log,
      now,
    }
    return new TestAgents(api, authority, await startAgentServer(options))
  }

  /** A host's id and a token for it. */
  async invite(name: string): Promise<{ id: string; token: string }> {
    const { id } = await this.api.ok('POST', '/hosts', { name, facility: 'f1' })
    return { id, token: await this.token(id) }
  }

  async token(host: string): Promise<string> {
    const caller = { principal: 'test', token: '', account: null, grants: [], source: '' }
    const ask = { caller, request: 'r', method: 'POST', now: Date.now() + this.api.ahead, isDryRun: false }
    return formatJoinToken((await makeJoin(this.api.model, host, this.authority.pin, ask)).token)
  }

  join(token: string, key: KeyObject, more: object = {}): Promise<AgentAnswer> {
    return this.ask(undefined, 'POST', joinPath, { token, publicKey: pemOf(key), underlay: null, agent: '0', ...more })
  }

  /** A host that has joined. */
  async host(name: string): Promise<Identity & { readonly id: string }> {
    return this.joined((await this.invite(name)).id)
  }

  /** The same with a host that is there. */
  async joined(id: string): Promise<Identity & { readonly id: string }> {
    const key = newKey()
    const { status, body } = await this.join(await this.token(id), key)
    if (status !== 200) throw new Error(JSON.stringify(body))
    return { id, key, certificate: body.certificate }
  }

  get #at(): AgentPortAddress {
    return { port: this.server.port, ca: this.authority.certificate }
  }

  ask(identity: Identity | undefined, method: string, path: string, body?: unknown): Promise<AgentAnswer> {
    return askAgentPort(this.#at, identity, method, path, body)
  }

  /** The first messages of a feed, up to one of this type. */
  feed(identity: Identity, query: string, last = 'sync'): Promise<{ status: number; lines: any[]; text: string }> {
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; lines: any[]; text: string }>()
    const request = requestHttps(optionsOf(this.#at, identity, 'GET', `/agent/v1/feed${query}`), (response) => {
      let text = ''
      const done = (): void => {
        const lines = text.split('\n').slice(0, -1)
        resolve({ status: response.statusCode!, lines: lines.map((line) => JSON.parse(line)), text })
        request.destroy()
      }
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
        if (text.includes(`{"type":"${last}"`)) done()
      })
      response.on('error', () => {})
      response.on('end', done)
    })
    request.on('error', reject)
    request.end()
    return promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.api[Symbol.asyncDispose]()
  }
}

export const keyOf = (pem: string): KeyObject => createPrivateKey(pem)

export interface AgentPortAddress {
  readonly port: number
  /** PEM. */
  readonly ca: string
}

const optionsOf = ({ port, ca }: AgentPortAddress, identity: Identity | undefined, method: string, path: string): RequestOptions => ({
  host: '127.0.0.1',
  port,
  method,
  path,
  agent: false,
  ca,
  servername: apiServerName,
  ...(identity && { key: identity.key.export({ type: 'pkcs8', format: 'pem' }) as string, cert: identity.certificate }),
})

/** Open a host's feed, and leave it open until it is disposed. Gives it when its first message has come. */
export function openFeed(at: AgentPortAddress, identity: Identity, query: string): Promise<Disposable> {
  const { promise, resolve, reject } = Promise.withResolvers<Disposable>()
  const request = requestHttps(optionsOf(at, identity, 'GET', `${feedPath}${query}`), (response) => {
    response.on('error', () => {})
    response.once('data', () => resolve({ [Symbol.dispose]: () => void request.destroy() }))
    response.on('end', () => reject(new Error(`the feed ended: ${response.statusCode}`)))
  })
  request.on('error', reject)
  request.end()
  return promise
}

/** Ask a port for agents, with a certificate or without one. */
export function askAgentPort(
  at: AgentPortAddress,
  identity: Identity | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<AgentAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AgentAnswer>()
  const request = requestHttps(optionsOf(at, identity, method, path), (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (part: string) => (text += part))
    const done = (): void =>
      resolve({ status: response.statusCode!, body: text.startsWith('{') ? JSON.parse(text) : text, headers: response.headers })
    response.on('end', done)
    response.on('error', () => done())
  })
  request.on('error', reject)
  request.end(body === undefined ? undefined : JSON.stringify(body))
  return promise
}
