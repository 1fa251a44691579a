/** An API as agents see it: feeds with items that a test chooses, and the reports that come back. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { itemKey, type FeedItem } from '#feed/item.ts'
import { feedPath, lookupPath, reportPath, type AgentReport, type FeedMessage, type Lookup } from '#feed/message.ts'

interface Feed {
  readonly response: ServerResponse
  readonly host: string
}

/** Each agent asks by a path of its own in front: that says who it is, as its certificate does elsewhere. */
export class FeedServer implements AsyncDisposable {
  readonly #address: string
  #server: Server | undefined
  #port = 0
  #revision = 0
  /** The items of each host, with the revision of their last change; null: it is gone. */
  readonly #items = new Map<string, Map<string, { item: FeedItem | null; kind: FeedItem['kind']; id: string; revision: number }>>()
  readonly #feeds = new Set<Feed>()
  readonly reports = new Map<string, AgentReport>()
  /** The queries of all feeds that were opened, in order. */
  readonly asked: string[] = []
  readonly lookups: Lookup[] = []
  onLookup = (_host: string, _lookup: Lookup): void => {}
  /** What feeds are answered instead, such as 426. */
  refuse: number | undefined

  constructor(address: string) {
    this.#address = address
  }

  /** Listen, on the same port as before. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response))
    this.#server.listen(this.#port, this.#address)
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /** Go, as if killed. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    this.#feeds.clear()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  urlOf(host: string): string {
    return `http://${this.#address}:${this.#port}/${host}/`
  }

  /** Tell hosts items, as one revision. Null of a key: it is gone. */
  tell(changes: Readonly<Record<string, readonly (FeedItem | { readonly gone: FeedItem })[]>>): string {
    this.#revision++
    for (const [host, items] of Object.entries(changes)) {
      const known = this.#itemsOf(host)
      for (const change of items) {
        const { kind, id } = 'gone' in change ? change.gone : change
        known.set(itemKey({ kind, id }), { item: 'gone' in change ? null : change, kind, id, revision: this.#revision })
      }
    }
    for (const feed of this.#feeds) this.#send(feed, this.#revision - 1)
    return String(this.#revision)
  }

  /** Ping all hosts. */
  ping(): void {
    for (const feed of this.#feeds) this.#write(feed, { type: 'ping' })
  }

  /** How many feeds are open. */
  get open(): number {
    return this.#feeds.size
  }

  #itemsOf(host: string) {
    let items = this.#items.get(host)
    if (items === undefined) this.#items.set(host, (items = new Map()))
    return items
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://localhost')
    const [, host = ''] = url.pathname.split('/')
    const path = url.pathname.slice(host.length + 1)
    if (path === reportPath) {
      this.reports.set(host, JSON.parse(await text(request)) as AgentReport)
      return void response.end()
    }
    if (path === lookupPath) {
      const lookup = JSON.parse(await text(request)) as Lookup
      this.lookups.push(lookup)
      this.onLookup(host, lookup)
      return void response.end()
    }
    if (path !== feedPath) return void response.writeHead(404).end()
    this.asked.push(url.search)
    if (this.refuse !== undefined)
      return void response.writeHead(this.refuse).end(JSON.stringify({ detail: 'this API does not speak version 1' }))
    this.#open({ response, host }, url.searchParams.get('revision'))
  }

  #open(feed: Feed, revision: string | null): void {
    this.#feeds.add(feed)
    feed.response.once('close', () => this.#feeds.delete(feed))
    this.#write(feed, { type: 'hello', host: feed.host, version: 1, whole: revision === null })
    this.#send(feed, Number(revision ?? 0))
  }

  /** What has changed after a revision. */
  #send(feed: Feed, after: number): void {
    for (const { item, kind, id, revision } of this.#itemsOf(feed.host).values()) {
      if (revision > after) this.#write(feed, item === null ? { type: 'delete', kind, id } : { type: 'put', item })
    }
    this.#write(feed, { type: 'sync', revision: String(this.#revision) })
  }

  #write({ response }: Feed, message: FeedMessage): void {
    response.write(`${JSON.stringify(message)}\n`)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
