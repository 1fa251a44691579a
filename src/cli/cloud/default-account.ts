/** The account of a new resource, where nobody says it: that of its subnet, or the only one that there is. */
import type { Resource } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { usageFailure } from '../failure.ts'
import type { ApiClient } from './api-client.ts'

/** `account` for the body, or nothing. Throws a Failure that names the option when it cannot be told. */
export async function accountFor(client: ApiClient, kind: Kind, body: Readonly<Record<string, unknown>>): Promise<{ account?: unknown }> {
  if (kind.fields.account?.required !== true || body.account !== undefined) return {}
  if (typeof body.subnet === 'string') {
    const subnet = await client.ask('GET', `/subnets/${encodeURIComponent(body.subnet)}`)
    // A wrong subnet is the API's to refuse, with what is wrong about it.
    const vpc = subnet.status === 200 ? await client.ask('GET', `/vpcs/${(subnet.body as Resource).vpc}`) : undefined
    if (vpc?.status === 200) return { account: (vpc.body as Resource).account }
  }
  const { status, body: page } = await client.ask('GET', '/accounts?limit=20')
  const accounts = status === 200 ? (page as { items: Resource[] }).items : []
  if (accounts.length === 1) return { account: accounts[0]!.id }
  const known = accounts.length === 0 ? '' : `; there are ${accounts.map(({ name }) => name).join(', ')}`
  throw usageFailure(`--account is required: whose shall the ${kind.kind} be${known}`)
}
