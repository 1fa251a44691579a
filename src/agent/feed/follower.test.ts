/**
 * The feed from an agent's side: a silent API, one that ends, one that refuses, one that sends the host away. And how
 * much an agent says at once of who has which public ports.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { CountersAnswer, HostCounters, RefusedBlocks } from '#feed/counters.ts'
import type { FeedMessage } from '#feed/message.ts'
import { createLog } from '#system/log.ts'
import { natId } from '../compile/ids.ts'
import { ItemStore } from '../compile/items.ts'
import { CounterReport } from './counter-report.ts'
import { followFeed } from './follower.ts'

const log = createLog({ out: { write: () => {} } })
const hello = { type: 'hello', host: 'h', version: 1, whole: true } as const

/** An API that does one thing after the other with the feeds that are opened. Gives what the follower heard. */
async function follow(
  acts: readonly ((response: ServerResponse) => void)[],
  {
    until,
    withinMs = 15_000,
    silenceMs = 100,
  }: { silenceMs?: number; until: (heard: { states: (string | null)[]; asked: string[] }) => boolean; withinMs?: number },
): Promise<{ states: (string | null)[]; asked: string[]; messages: FeedMessage[]; tookMs: number }> {
  const heard = { states: [] as (string | null)[], asked: [] as string[], messages: [] as FeedMessage[] }
  const server = createServer((request, response) => {
    const act = acts[heard.asked.length] ?? acts.at(-1)!
    heard.asked.push(request.url!)
    act(response)
    check()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = new AbortController()
  const check = (): void => void (until(heard) && stop.abort())
  const begun = performance.now()
  const watchdog = setTimeout(() => stop.abort(), withinMs)
  await followFeed(
    {
      server: () => ({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }),
      opening: () => ({ revision: heard.messages.some(({ type }) => type === 'sync') ? '5' : null }),
      onMessage: (message) => void heard.messages.push(message),
      onState: (state) => {
        heard.states.push(state)
        check()
      },
      log,
      random: () => 0.01,
      silenceMs,
    },
    stop.signal,
  )
  clearTimeout(watchdog)
  server.closeAllConnections()
  server.close()
  return { ...heard, tookMs: performance.now() - begun }
}

const say =
  (...messages: readonly FeedMessage[]) =>
  (response: ServerResponse): void =>
    void response.write(messages.map((message) => `${JSON.stringify(message)}\n`).join(''))

test('after silence it connects anew, and goes on from its revision', async () => {
  const { states, asked } = await follow([say(hello, { type: 'sync', revision: '5' })], { until: (heard) => heard.asked.length >= 2 })
  assert.deepEqual(asked, ['/agent/v1/feed?version=1&lookup=1&transit=1', '/agent/v1/feed?version=1&lookup=1&revision=5&transit=1'])
  assert.match(states[1]!, /silent for 0\.1 s/)
})

test('pings break the silence', async () => {
  const ping = (response: ServerResponse): void => {
    say(hello)(response)
    const timer = setInterval(() => say({ type: 'ping' })(response), 100)
    setTimeout(() => {
      clearInterval(timer)
      response.end()
    }, 1500)
  }
  const { states, tookMs } = await follow([ping], { silenceMs: 1000, until: (heard) => heard.states.length >= 2 })
  assert.match(states[1]!, /the API ended the feed/)
  assert.ok(tookMs >= 1400, `${tookMs} ms`)
})

test('an API that breaks off in the middle of a line is left, and what it began is not taken', async () => {
  const broken = (response: ServerResponse): void => {
    say(hello)(response)
    response.write('{"type":"put","item":{"kind":"vp')
    setTimeout(() => response.destroy(), 20)
  }
  const { messages, states } = await follow([broken], { until: (heard) => heard.states.length >= 2 })
  assert.deepEqual(
    messages.map(({ type }) => type),
    ['hello'],
  )
  assert.notEqual(states[1], null)
})

test('a version that one of them does not know is told apart from an API that is away', async () => {
  const stateOf = async (answer: (response: ServerResponse) => void): Promise<string> => {
    const { states, messages } = await follow([answer], { silenceMs: 10_000, until: (heard) => heard.states.length > 0 })
    assert.deepEqual(messages, [])
    return states[0]!
  }
  const refuse = (code: string, detail: string) => (response: ServerResponse) =>
    void response.writeHead(426).end(JSON.stringify({ type: `urn:vpc:problem:${code}`, detail }))
  const keeps = 'this host keeps what it has'
  const behind = `this API speaks version 0; ${keeps}; update the API, then the agent`
  assert.equal(await stateOf(refuse('client-too-new', 'this API speaks version 0')), behind)
  const ahead = `this API speaks version 9; ${keeps}; update the agent`
  assert.equal(await stateOf(refuse('client-too-old', 'this API speaks version 9')), ahead)
  const versions = (api: number): string => `the API speaks version ${api} of the feed, and this agent 1; ${keeps}`
  assert.equal(await stateOf(say({ ...hello, version: 2 })), `${versions(2)}; update the agent`)
  assert.equal(await stateOf(say({ ...hello, version: 0 })), `${versions(0)}; update the API, then the agent`)
})

test('a host that is sent away does not come back at once', async () => {
  // One whose feed just ended would be back after 50 ms, with these dice.
  const { asked, states } = await follow([say(hello, { type: 'bye', reason: 'it was removed' })], {
    until: (heard) => heard.asked.length > 1,
    withinMs: 500,
  })
  assert.equal(asked.length, 1)
  assert.match(states[1]!, /sent this host away: it was removed/)
})

test('an address that answers nothing at all counts as silence', async () => {
  // 192.0.2.0/24 is for documents; here a route leads into nothing.
  execFileSync('ip', ['link', 'add', 'nowhere', 'type', 'veth', 'peer', 'name', 'far'])
  try {
    execFileSync('ip', ['address', 'add', '192.0.2.77/24', 'dev', 'nowhere'])
    for (const name of ['nowhere', 'far']) execFileSync('ip', ['link', 'set', name, 'up'])
    execFileSync('ip', ['neigh', 'add', '192.0.2.78', 'lladdr', '02:00:00:00:00:78', 'dev', 'nowhere'])
    const stop = new AbortController()
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(10_000)])
    const states: (string | null)[] = []
    const onState = (state: string | null): void => {
      states.push(state)
      stop.abort()
    }
    const server = () => ({ url: 'http://192.0.2.78:7474' })
    await followFeed({ server, opening: () => ({ revision: null }), onMessage() {}, onState, log, random: () => 0, silenceMs: 100 }, signal)
    assert.match(states[0]!, /silent for 0\.1 s/)
  } finally {
    execFileSync('ip', ['link', 'del', 'nowhere'])
  }
})

test('of public ports a message has what it has room for; long lists are told seldom', async () => {
  const items = new ItemStore()
  const ids = Array.from({ length: 24 }, (_, i) => `00000000-0000-4000-8000-0000000000${i + 10}.p`)
  const wire = { interface: 'em1', prefix4: null, gateway4: null }
  for (const id of ids)
    items.put({ kind: 'nat', id, vpc: id.slice(0, 36), pools: [], shared: ['203.0.113.109'], floats: [], wire, via: null })
  const short = ids.at(-1)!
  let reads = 0
  const block = (i: number) => ({
    inside: `10.100.100.${i % 250}`,
    address: '203.0.113.109',
    firstPort: 10_240 + i,
    lastPort: 10_303 + i,
    used: { tcp: 0, udp: 0, icmp: 0 },
    ageSeconds: 0,
  })
  const long = Array.from({ length: 1_500 }, (_, i) => block(i))
  const traffic = {
    read: async () => ({ stats: [], usage: { ports: [] } as never }),
    async *drops(signal: AbortSignal) {
      await once(signal, 'abort')
      yield* []
    },
    // At each look somebody has another block.
    blocks: async (id: string) => (id === natId(short) ? [block(reads++)] : [block(reads++), ...long.slice(1)]),
  }
  const stop = new AbortController()
  const told: HostCounters[] = []
  const timesOf = (id: string): number => told.filter(({ blocks = [] }) => blocks.some(({ nat }) => nat === id)).length
  const post = async (counters: HostCounters): Promise<void> => {
    told.push(counters)
    if (ids.every((id) => timesOf(id) > 0) && timesOf(short) > 3) stop.abort()
  }
  const deadline = setTimeout(() => stop.abort(), 20_000)
  await new CounterReport({ items, traffic, everyMs: 1, log, post }).run(stop.signal)
  clearTimeout(deadline)
  assert.deepEqual(
    ids.map((id) => (id === short ? timesOf(id) > 3 : timesOf(id))),
    ids.map((id) => (id === short ? true : 1)),
  )
  const largest = Math.max(...told.map((counters) => JSON.stringify(counters).length))
  assert.ok(largest > 1 << 19 && largest < 1.25 * 2 ** 20, `${largest}`)
})

test('blocks of public ports that the API does not take now are told again, and the log says so once', async () => {
  const items = new ItemStore()
  const [later, never] = [10, 11].map((i) => `00000000-0000-4000-8000-0000000000${i}.p`) as [string, string]
  const wire = { interface: 'em1', prefix4: null, gateway4: null }
  for (const id of [later, never])
    items.put({ kind: 'nat', id, vpc: id.slice(0, 36), pools: [], shared: ['203.0.113.109'], floats: [], wire, via: null })
  const used = { tcp: 0, udp: 0, icmp: 0 }
  const traffic = {
    read: async () => ({ stats: [], usage: { ports: [] } as never }),
    async *drops(signal: AbortSignal) {
      await once(signal, 'abort')
      yield* []
    },
    blocks: async () => [{ inside: '10.0.0.5', address: '203.0.113.109', firstPort: 1024, lastPort: 1087, used, ageSeconds: 0 }],
  }
  const stop = new AbortController()
  const told: string[] = []
  const post = async ({ blocks = [] }: HostCounters): Promise<CountersAnswer | undefined> => {
    told.push(...blocks.map(({ nat }) => nat))
    const times = told.filter((nat) => nat === later).length
    const refused = blocks.flatMap(({ nat }): RefusedBlocks[] => {
      if (nat === never) return [{ nat, count: 1, code: 'unreadable' }]
      return times < 4 ? [{ nat, count: 1, code: 'elsewhere' }] : []
    })
    return refused.length === 0 ? undefined : { refused }
  }
  let words = ''
  const out = {
    write(line: string) {
      words += line
      if (line.includes('again')) stop.abort()
    },
  }
  const deadline = setTimeout(() => stop.abort(), 20_000)
  await new CounterReport({ items, traffic, everyMs: 1, log: createLog({ out }), post }).run(stop.signal)
  clearTimeout(deadline)
  assert.deepEqual(told.sort(), [later, later, later, later, never])
  assert.deepEqual(words.match(/another host has the wire|cannot read them|keeps .* again/g), [
    'another host has the wire',
    'cannot read them',
    'keeps who has which public ports again',
  ])
})
