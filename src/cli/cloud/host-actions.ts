/** What the commands do that empty hosts. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Resource } from '#resource/envelope.ts'
import { kindOf } from '#resource/kinds.ts'
import { Failure } from '../failure.ts'
import { alreadySo, done } from '../outcome.ts'
import type { Output } from '../output.ts'
import type { ApiClient } from './api-client.ts'
import { progress } from '../vm-failure.ts'
import { at, clientOf, type Values } from './resource-actions.ts'
import { whoseOf } from './resource-command.ts'

const kind = kindOf('host')
/** Less than the API waits at most. */
const pollSeconds = 25

/** What the API answers. */
export interface Left {
  readonly host: string
  readonly name: string
  readonly state: string
  readonly revision: string
  readonly left: number
  readonly vnics: readonly { readonly kind: string; readonly id: string; readonly name: string | null }[]
  readonly unplugged?: number
}

/** The host, as it was before. */
async function hostOf(client: ApiClient, name: string, values: Values): Promise<Resource> {
  return (await client.must<Resource>(`show host ${name}`, 'GET', at(kind, name, whoseOf(kind, values)))).body
}

const query = (values: Values): string => (values.dryRun === true ? '?dry-run' : '')

const vnicsText = (count = 0): string => `${count} vnic${count === 1 ? '' : 's'}`

function leftText({ name, left, vnics }: Left): string {
  if (left === 0) return `nothing is plugged in on host ${name}`
  const names = vnics.slice(0, 10).map((vnic) => vnic.name ?? vnic.id)
  const more = left - names.length
  return `${vnicsText(left)} ${left === 1 ? 'is' : 'are'} still plugged in on host ${name}: ${[...names, ...(more > 0 ? [`${more} more`] : [])].join(', ')}`
}

/** Let no new guest come; with `wait`, until the last one has gone. */
export async function drainHost(name: string, values: Values & { wait: boolean; timeout: number }, output: Output): Promise<void> {
  const client = clientOf(values)
  const before = await hostOf(client, name, values)
  const what = `drain host ${name}`
  let state = (await client.must<Left>(what, 'POST', `/hosts/${before.id}/drain${query(values)}`)).body
  if (values.dryRun === true) return output.result(state, `would ${what}; ${leftText(state)}`)
  const isSame = state.revision === before.revision
  if (values.wait) state = await emptied(client, what, state, values.timeout)
  const text = leftText(state)
  if (isSame) return alreadySo(output, `host ${name} takes no new guests; ${text}`, { ...state })
  done(output, `host ${name} takes no new guests; ${text}`, { ...state })
}

async function emptied(client: ApiClient, what: string, first: Left, timeoutSeconds: number): Promise<Left> {
  const end = Date.now() + timeoutSeconds * 1000
  let state = first
  let told = ''
  while (state.left > 0) {
    const text = leftText(state)
    if (text !== told) progress(`waiting: ${text}`)
    told = text
    const seconds = Math.min(pollSeconds, Math.ceil((end - Date.now()) / 1000))
    if (seconds <= 0)
      throw new Failure('failed', `${text} after ${timeoutSeconds} s; it takes no new guests, so repeat the command to go on waiting`, {
        code: 'timeout',
      })
    const asked = Date.now()
    state = (await client.must<Left>(what, 'GET', `/hosts/${first.host}/drain?seconds=${seconds}`)).body
    // An API that stops answers at once.
    if (state.left > 0 && Date.now() - asked < 500) await sleep(500)
  }
  return state
}

/** Let guests come again. */
export async function undrainHost(name: string, values: Values, output: Output): Promise<void> {
  const client = clientOf(values)
  const before = await hostOf(client, name, values)
  const state = (await client.must<Left>(`undrain host ${name}`, 'DELETE', `/hosts/${before.id}/drain${query(values)}`)).body
  if (values.dryRun === true) return output.result(state, `would let guests come to host ${name}`)
  const text = `host ${name} takes guests`
  if (state.revision === before.revision) return alreadySo(output, text, { ...state })
  done(output, text, { ...state })
}

/** Unplug everything from a host that is dead. */
export async function evacuateHost(name: string, values: Values & { fenced: boolean }, output: Output): Promise<void> {
  const client = clientOf(values)
  const { id, revision } = await hostOf(client, name, values)
  const what = `evacuate host ${name}`
  const state = (await client.must<Left>(what, 'POST', `/hosts/${id}/evacuate${query(values)}`, { fenced: values.fenced })).body
  if (values.dryRun === true) return output.result(state, `would unplug ${vnicsText(state.left)} from host ${name}`)
  const text = `unplugged ${vnicsText(state.unplugged)} from host ${name}; ${leftText(state)}`
  if (state.revision === revision && state.unplugged === 0) return alreadySo(output, leftText(state), { ...state })
  done(output, text, { ...state })
}
