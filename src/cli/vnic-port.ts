/** The port on this host that a vnic of the cloud has. */
import { readObjects } from '#feed/objects-file.ts'
import { ApiClient } from './cloud/api-client.ts'
import { currentContext } from './cloud/contexts.ts'
import { Failure } from './failure.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** The id of the port of a vnic on this host, as its agent says; undefined: it has none here. */
export const portHere = (stateDir: string, vnic: string): string | undefined =>
  Object.entries(readObjects(stateDir)).find(([, thing]) => thing.kind === 'vnic' && thing.id === vnic)?.[0]

/** The id of the port of a vnic, given by its id or name. Throws a Failure when it is not here. */
export async function vnicPort(
  vnic: string,
  { context, stateDir }: { readonly context: string | undefined; readonly stateDir: string },
): Promise<string> {
  const id = uuid.test(vnic) ? vnic.toLowerCase() : await idByName(vnic, context)
  const found = portHere(stateDir, id)
  if (found !== undefined) return found
  throw new Failure('failed', `vnic ${vnic} is not plugged in on this host; vpc cloud vnic get ${vnic} says where it is`)
}

/** `web1`, or `shop/web1`. */
async function idByName(name: string, context: string | undefined): Promise<string> {
  const [account, own] = name.includes('/') ? (name.split('/', 2) as [string, string]) : [undefined, name]
  const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`
  const client = new ApiClient(currentContext(context))
  const { body } = await client.must<{ id: string }>(`find vnic ${name}`, 'GET', `/vnics/${encodeURIComponent(own)}${query}`)
  return body.id
}
