/** What the commands about bindings of vnics do. */
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { alreadySo, done } from '../outcome.ts'
import type { Output } from '../output.ts'
import { at, clientOf, fieldsText, textOf, type Values } from './resource-actions.ts'
import { checkReady, queryOf } from './waiting.ts'
import { whoseOf } from './resource-command.ts'

const kind = kindOf('vnic')

/** Plug a vnic in on a host, or find that it is there. */
export async function bindVnic(name: string, binding: { host: string; unit: string }, values: Values, output: Output): Promise<void> {
  await change(name, `plug vnic ${name} in on ${binding.host}`, { method: 'PUT', body: binding }, values, output)
}

/** Unplug a vnic, or find that it is not plugged in. */
export async function unbindVnic(name: string, values: Values, output: Output): Promise<void> {
  await change(name, `unplug vnic ${name}`, { method: 'DELETE' }, values, output)
}

async function change(
  name: string,
  what: string,
  { method, body }: { readonly method: string; readonly body?: object },
  values: Values,
  output: Output,
): Promise<void> {
  const client = clientOf(values)
  const before = (await client.must<Resource>(what, 'GET', at(kind, name, whoseOf(kind, values)))).body
  const answer = await client.must<Resource>(what, method, `/${kind.plural}/${before.id}/binding${queryOf(values)}`, body)
  await checkReady(client, what, answer)
  const after = answer.body
  if (values.dryRun === true) return output.result(after, () => `would ${what}\n${fieldsText(kind, after)}`)
  const isSame = after.revision === before.revision
  const text = after.binding === null ? `${textOf(after)} is plugged in nowhere` : `${textOf(after)} is plugged in`
  if (isSame) return alreadySo(output, text, { resource: after })
  done(output, after.binding === null ? `unplugged ${textOf(after)}` : `plugged in ${textOf(after)}`, { resource: after })
}
