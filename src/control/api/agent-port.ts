/** The port for agents as a part of `vpc api`: the CA, the listener, and where hosts are told to connect to. */
import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { hostText } from '#wire/endpoint.ts'
import { countHosts } from '../agents/agent-metrics.ts'
import type { AgentRoutes } from '../agents/call.ts'
import { startAgentServer, type AgentServer } from '../agents/server.ts'
import { Authority } from '../issuer/authority.ts'
import type { Issuer } from '../issuer/issuer.ts'
import type { Model } from '../model/model.ts'
import { absent, put, type Store } from '../store/store.ts'
import type { ApiLog } from './api-log.ts'
import type { Limits } from './limits.ts'
import type { Metrics } from './metrics.ts'

export interface AgentPort {
  readonly host: string
  readonly port: number
  /** Where hosts connect to, as ADDRESS:PORT; default: what it listens on. */
  readonly address?: string | undefined
}

export interface AgentPortOptions extends AgentPort {
  readonly stateDir: string
  readonly store: Store
  readonly model: Model
  readonly limits: Limits
  readonly metrics: Metrics
  readonly log: ApiLog
  readonly now: () => number
  readonly routes: AgentRoutes
  /** Who has the CA; default: this process. */
  readonly issuer?: Issuer | undefined
}

/** The CA of this state directory is not the one of the cloud. */
export class ForeignAuthority extends Error {}

/** What the rest of the API knows of the port. */
export interface RunningAgentPort extends AgentServer {
  readonly authority: Issuer
  /** ADDRESS:PORT, for people who type it on another machine. */
  readonly address: string
}

const caKey = 'meta/ca'

/** Open the CA and the port. */
export async function openAgentPort(options: AgentPortOptions): Promise<RunningAgentPort> {
  const { stateDir, store, host, address, issuer } = options
  const directory = join(stateDir, 'ca')
  const authority = issuer ?? (await Authority.open(directory, options.now()))
  await claimCloud(store, authority.pin, directory)
  const server = await startAgentServer({ ...options, authority })
  countHosts(options.metrics, options.model, server, options.now)
  return Object.assign(server, { authority, address: address ?? `${hostText(reachable(host))}:${server.port}` })
}

/** All APIs of a store have one CA: a host that joined by one must be known to the others. */
async function claimCloud(store: Store, pin: string, directory: string): Promise<void> {
  const { ok } = await store.commit({ if: [absent(caKey)], write: [put(caKey, pin)] })
  if (ok) return
  const held = (await store.get([caKey])).entries[0]?.value
  if (held === pin) return
  throw new ForeignAuthority(
    `the hosts of this cloud know another CA than that in ${directory}: copy ca.key there from the API that made the cloud. ` +
      `If it is lost, delete the key ${caKey} of the store; then every host must join again`,
  )
}

/** An address that other machines may know, where the port listens on all. */
function reachable(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const outside = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return (outside.find(({ address }) => isIPv4(address)) ?? outside[0])?.address ?? '127.0.0.1'
}

/** Read `ADDRESS:PORT`, `[ADDRESS]:PORT` or `PORT`. Undefined: it is none of these. */
export function parseAgentPort(text: string): { host: string; port: number } | undefined {
  const [, six, four, port] = /^(?:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+|localhost)):)?(\d{1,5})$/.exec(text) ?? []
  if (port === undefined || Number(port) > 65_535) return undefined
  return { host: six ?? four ?? '127.0.0.1', port: Number(port) }
}
