/**
 * A process with many agents: the real agent's code, with a vpcd in memory in the place of each host's. It tells its
 * parent when a host has done something with a MAC address that is watched.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { join } from 'node:path'
import type { HostDocument } from '#abi/host-file.ts'
import { Agent } from '#agent/agent.ts'
import type { HostHalf } from '#agent/apply/host-half.ts'
import type { FeedServer } from '#agent/feed/connection.ts'
import { Stalls, type Stall } from './stalls.ts'

/** What the parent says. */
export type ToAgents =
  | { readonly kind: 'start'; readonly hosts: readonly { readonly id: string; readonly server: FeedServer }[] }
  | { readonly kind: 'stop' }
/** What it hears. `at` is in ms since 1970, with fractions. */
export type FromAgents =
  | { readonly kind: 'seen'; readonly host: string; readonly what: 'set' | 'removed'; readonly mac: string; readonly at: number }
  | { readonly kind: 'used'; readonly bytes: number; readonly cpuMs: number; readonly heldMs: number; readonly stalls: readonly Stall[] }

/** MAC addresses that begin so are watched. */
export const watched = '02:fe:'

const now = (): number => performance.timeOrigin + performance.now()
const tell = (message: FromAgents): void => void process.send!(message)

type Entry = { readonly mac: string }
type Listed = Readonly<Record<string, readonly Readonly<Record<string, readonly Entry[] | undefined>>[] | undefined>>

/** What a document does to watched addresses. */
function look(host: string, document: HostDocument): void {
  const at = now()
  for (const mux of (document as Listed).muxes ?? []) {
    for (const { mac } of mux.entries ?? []) if (mac.startsWith(watched)) tell({ kind: 'seen', host, what: 'set', mac, at })
    for (const { mac } of mux['remove-entries'] ?? []) if (mac.startsWith(watched)) tell({ kind: 'seen', host, what: 'removed', mac, at })
  }
}

/** A vpcd that takes everything. */
const inMemory = (host: string): HostHalf => {
  let isConnected = false
  return {
    async connect() {
      const isNew = !isConnected
      isConnected = true
      return isNew
    },
    async apply(document) {
      look(host, document)
    },
    facts: { interfaceOf: () => 'em0', foreignEthlink: () => undefined },
    close: async () => {},
  }
}

if (import.meta.main) {
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vpc-bench-agents-'))
  // That the API's end is heard of is no news here.
  const warn = (text: string, fields?: object): void => void (text === 'the feed has ended' || console.error(text, fields))
  const log = { debug() {}, info() {}, warn, error: console.error }
  const ending = new AbortController()
  process.on('exit', () => rmSync(root, { recursive: true, force: true }))
  process.on('disconnect', () => process.exit())
  process.on('message', (message: ToAgents) => {
    if (message.kind === 'stop') process.exit()
    for (const { id, server } of message.hosts) {
      const options = { server: () => server, stateDir: join(root, id), version: '0', log: log as never, half: () => inMemory(id) }
      void new Agent(options).run(ending.signal)
    }
  })
  const delay = monitorEventLoopDelay({ resolution: 5 })
  delay.enable()
  const stalls = new Stalls()
  setInterval(() => {
    const { user, system } = process.cpuUsage()
    tell({ kind: 'used', bytes: process.memoryUsage().rss, cpuMs: (user + system) / 1000, heldMs: delay.max / 1e6, stalls: stalls.take() })
    delay.reset()
  }, 1000).unref()
}
