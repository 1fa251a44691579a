/** An interface of a libvirt domain in a subnet of the cloud: a vnic that is plugged in on this host. */
import type { Id } from '#abi/id.ts'
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { ApiClient, refusal } from '../cloud/api-client.ts'
import { findOrMake, hostName, plugHere, unitIdOf, type Binding } from '../cloud/attach-vnic.ts'
import { currentContext } from '../cloud/contexts.ts'
import { at } from '../cloud/resource-actions.ts'
import { Failure } from '../failure.ts'
import type { Undo } from '../undo.ts'
import type { CloudWish } from './domain.ts'
import type { MadeInCloud } from './record.ts'

export interface CloudInterface extends CloudWish {
  readonly addresses: readonly string[]
  /** Of the domain; undefined: the API chooses. */
  readonly mac: string | undefined
  readonly context: string | undefined
  /** Id of this host. */
  readonly host: string
  readonly seconds: number
}

const kind = kindOf('vnic')
const noWords = new URLSearchParams()

/** What will be made. */
export async function planInCloud({ vnic, context, mac }: CloudInterface, before: MadeInCloud | undefined): Promise<MadeInCloud> {
  const client = new ApiClient(currentContext(context))
  const found = await client.find(`find vnic ${vnic}`, at(kind, vnic, noWords))
  const isNew = found === undefined || (before?.goes === true && before.vnic === found.id)
  return { in: 'cloud', vnic: found?.id ?? vnic, context, goes: isNew && mac === undefined }
}

const noUndo = { push: (): void => {} }

/**
 * Have it plugged in here. Gives the vnic and the id of its vmnic. Repeating it changes nothing. A vnic that is made
 * with the domain's MAC address stays, also when a later step fails: once it is destroyed, nobody gets that address for
 * a long time.
 */
export async function makeInCloud(wanted: CloudInterface, undo: Undo): Promise<{ readonly vnic: Resource; readonly vmnic: Id }> {
  const { vnic: name, subnet, groups, addresses, mac, context, host, seconds } = wanted
  const client = new ApiClient(currentContext(context))
  const like = { subnet, groups, addresses, query: noWords }
  const vnic = await (mac === undefined ? findOrMake(client, name, like, undo) : findOrMake(client, name, { ...like, mac }, noUndo))
  if (mac !== undefined && vnic.mac !== mac)
    throw new Failure(
      'conflict',
      `vnic ${name} has MAC address ${vnic.mac}, and its domain gives the interface ${mac}; have <mac address='${vnic.mac}'/> there`,
      {
        code: 'mac',
      },
    )
  await checkFree(client, vnic, host)
  await plugHere(client, vnic, { host, unit: 'vmnic' }, seconds, undo)
  return { vnic, vmnic: unitIdOf(vnic, 'vmnic') }
}

/** What another guest has is not taken away from it by the way. */
async function checkFree(client: ApiClient, { id, name, binding }: Resource, host: string): Promise<void> {
  const { host: where, unit } = (binding ?? { host, unit: 'vmnic' }) as Binding
  if (where === host && unit === 'vmnic') return
  const place = where === host ? 'in a container of this host' : `on host ${await hostName(client, where)}`
  throw new Failure('conflict', `vnic ${name ?? id} is plugged in ${place}; vpc vnic unplug ${name ?? id} takes it away there`, {
    code: 'elsewhere',
  })
}

/** Seconds that this host has to take it away. */
const unplugSeconds = 10

/** Unplug it here, and destroy it if it goes with its interface. What is gone already is no error. */
export async function removeInCloud({ vnic: id, context, goes }: MadeInCloud, host: string): Promise<void> {
  const client = new ApiClient(currentContext(context))
  const vnic = await client.find(`find vnic ${id}`, at(kind, id, noWords))
  if (vnic === undefined) return
  const binding = vnic.binding as Binding | null
  if (binding !== null && binding.host !== host) return
  if (binding !== null) await gone(client, `unplug vnic ${id}`, `/${kind.plural}/${vnic.id}/binding?wait=ready&timeout=${unplugSeconds}s`)
  if (goes) await gone(client, `destroy vnic ${id}`, `/${kind.plural}/${vnic.id}`)
}

async function gone(client: ApiClient, what: string, path: string): Promise<void> {
  const answer = await client.ask('DELETE', path)
  if (answer.status >= 400 && answer.status !== 404) throw refusal(what, answer)
}
