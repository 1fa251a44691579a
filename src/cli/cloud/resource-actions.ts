/** What the commands of resources do: one function for each verb, for all kinds. */
import { isId, type Resource } from '#resource/envelope.ts'
import type { Kind } from '#resource/kind.ts'
import { kindOf } from '#resource/kinds.ts'
import { Failure, usageFailure } from '../failure.ts'
import { alreadySo, done } from '../outcome.ts'
import type { Output } from '../output.ts'
import { formatFields } from '../table.ts'
import { addedTo, addsSomething } from './added-items.ts'
import { ApiClient, refusal, type Answer } from './api-client.ts'
import { currentContext } from './contexts.ts'
import { noFile, readBodyFile } from './body-file.ts'
import { parentsFor } from './default-parents.ts'
import { bodyOf } from './field-options.ts'
import { inviteNew } from './host-invitation.ts'
import { changeResource } from './change-resource.ts'
import { checkReady, queryOf } from './waiting.ts'

export type Values = Readonly<Record<string, unknown>>

/** The API that the options name. */
export const clientOf = ({ context }: Values): ApiClient => new ApiClient(currentContext(context as string | undefined))
/** `vnic web1 (ID)`. */
export const textOf = ({ kind, name, id }: Resource): string => `${kind} ${name === null ? id : `${name} (${id})`}`
/** The path of one, with the words that tell it apart. */
export const at = ({ plural }: Kind, name: string, query: URLSearchParams): string =>
  `/${plural}/${encodeURIComponent(name)}${query.size === 0 ? '' : `?${query}`}`

/** Create it, or find that it is so already. */
export async function createResource(kind: Kind, name: string | undefined, values: Values, output: Output): Promise<void> {
  const client = clientOf(values)
  const file = typeof values.file === 'string' ? await readBodyFile(values.file, 'one resource: fields and their values') : noFile
  const asked = { ...file.body, ...(name !== undefined && { name }), ...envelopeOf(values), ...bodyOf(kind, values) }
  const body = { ...asked, ...(await parentsFor(client, kind, asked)) }
  const what = `create ${kind.kind}${name === undefined ? '' : ` ${name}`}`
  const query = queryOf(values)
  const id = values.id as string | undefined
  const put = (to: string): Promise<Answer> => client.ask('PUT', `/${kind.plural}/${encodeURIComponent(to)}${query}`, body)
  let answer = id === undefined ? await client.ask('POST', `/${kind.plural}${query}`, body) : await put(id)
  // One of this name is there: it may be what was asked for.
  const holder = (answer.body as { users?: { id: string }[] } | undefined)?.users?.[0]?.id
  if (answer.status === 409 && String(answer.body.type).endsWith('name-taken') && holder !== undefined) answer = await put(holder)
  if (answer.status === 428) {
    const hint = `it exists with other settings; vpc cloud ${kind.kind} set changes it`
    throw new Failure('conflict', `cannot ${what}: ${hint}`, { code: 'exists', differences: differencesOf(body, answer.body.current) })
  }
  if (answer.status >= 400) throw refusal(what, answer, file.lineOf)
  await checkReady(client, what, answer)
  const resource = answer.body as Resource
  if (values.dryRun === true) return output.result(resource, () => `would ${what}\n${fieldsText(kind, resource)}`)
  if (answer.status === 200) return alreadySo(output, `${textOf(resource)} exists`, { resource })
  if (typeof resource.token === 'string') return output.result({ changed: true, resource }, resource.token)
  if (kind.kind !== 'host') return done(output, `created ${textOf(resource)}${chosen(resource)}`, { resource })
  const { join, text } = await inviteNew(client, resource)
  done(output, `created ${textOf(resource)}\n${text}`, { resource, ...(join !== undefined && { join }) })
}

/** What people need next of what was chosen. */
function chosen({ mac, addresses, ip, vni }: Resource): string {
  const parts = [mac, ...((addresses as string[] | undefined) ?? []), ip, vni].filter((each) => each !== undefined && each !== null)
  return parts.length === 0 ? '' : `: ${parts.join(' ')}`
}

function differencesOf(asked: Values, is: Values | undefined): { setting: string; asked: string; is: string }[] {
  const show = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value ?? null))
  const isReference = (value: unknown): boolean => typeof value === 'string' && isId(value)
  return Object.entries(asked).flatMap(([setting, value]) => {
    const found = is?.[setting]
    const isSame = JSON.stringify(found) === JSON.stringify(value) || (isReference(found) && typeof value === 'string' && !isId(value))
    return isSame ? [] : [{ setting, asked: show(value), is: show(found) }]
  })
}

function envelopeOf(values: Values): Record<string, unknown> {
  const labels = values.label as [string, string][]
  return {
    ...(values.description !== undefined && { description: values.description }),
    ...(values.protected !== undefined && { protected: values.protected }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels) }),
  }
}

/** Show one. */
export async function getResource(kind: Kind, name: string, query: URLSearchParams, output: Output, values: Values): Promise<void> {
  const { body } = await clientOf(values).must<Resource>(`show ${kind.kind} ${name}`, 'GET', at(kind, name, query))
  output.result(body, () => fieldsText(kind, body))
}

/** All fields, a line each. */
export const fieldsText = (_: Kind, resource: Resource): string =>
  formatFields(Object.entries(resource).map(([name, value]) => [name, cellOf(value)] as const))

/** A value in one line. */
function cellOf(value: unknown): string {
  if (value === null || value === undefined) return 'none'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(cellOf).join(' ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Show all. Ids of what they refer to are shown by name. */
export async function listResources(kind: Kind, query: URLSearchParams, output: Output, values: Values): Promise<void> {
  const client = clientOf(values)
  for (const [key, value] of values.label as [string, string][]) query.append('label', `${key}=${value}`)
  const items = await client.list(`list ${kind.plural}`, kind.plural, query)
  const names = output.json ? new Map<string, string>() : await namesFor(client, kind, items)
  output.result(items, () => ({
    columns: [
      'NAME',
      'ID',
      ...kind.columns.map((column) =>
        column
          .replace(/[A-Z0-9]+/g, (part) => ` ${part}`)
          .trim()
          .toUpperCase(),
      ),
    ],
    rows: items.map((item) => [item.name ?? '-', item.id, ...kind.columns.map((column) => shown(item[column], names))]),
  }))
}

function shown(value: unknown, names: ReadonlyMap<string, string>): string {
  if (Array.isArray(value) && value.some((each) => typeof each === 'object')) return String(value.length)
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map((each) => shown(each, names)).join(' ')
  if (value === null || value === undefined) return '-'
  return typeof value === 'object'
    ? Object.values(value)
        .map((each) => shown(each, names))
        .join(' ')
    : (names.get(String(value)) ?? String(value))
}

async function namesFor(client: ApiClient, { fields, columns }: Kind, items: readonly Resource[]): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  if (items.length === 0) return names
  const kinds = columns.flatMap((column) => {
    const field = fields[column]
    const inner = field?.type === 'list' ? field.of : field
    return inner?.type === 'reference' ? [inner.to] : []
  })
  for (const name of new Set(kinds)) {
    const { status, body } = await client.ask('GET', `/${kindOf(name).plural}?limit=1000`)
    // Whoever may not read them sees their ids.
    if (status === 200) for (const each of (body as { items: Resource[] }).items) if (each.name !== null) names.set(each.id, each.name)
  }
  return names
}

/** Change one; read it again when somebody else was quicker. */
export async function setResource(kind: Kind, name: string, query: URLSearchParams, values: Values, output: Output): Promise<void> {
  const client = clientOf(values)
  const what = `change ${kind.kind} ${name}`
  const patch: Record<string, unknown> = {
    ...envelopeOf(values),
    ...mutableOf(kind, bodyOf(kind, values)),
    ...(values.rename !== undefined && { name: values.rename }),
  }
  for (const field of values.unset as string[]) unset(kind, patch, field)
  if (Object.keys(patch).length === 0 && !addsSomething(kind, values))
    throw usageFailure(`name what to change; see vpc cloud ${kind.kind} set --help`)
  const place = { path: at(kind, name, query), query: queryOf(values) }
  const { before, answer } = await changeResource(client, what, place, async (now) => ({
    ...patch,
    ...(await addedTo(client, kind, { ...now, ...patch }, values)),
  }))
  await checkReady(client, what, answer)
  const resource: Resource = answer.body
  if (values.dryRun === true) return output.result(resource, () => `would ${what}\n${fieldsText(kind, resource)}`)
  if (resource.revision === before.revision) return alreadySo(output, textOf(resource), { resource })
  return done(output, `changed ${textOf(resource)}`, { resource })
}

const mutableOf = ({ fields }: Kind, body: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(body).filter(([name]) => fields[name]?.immutable !== true))

function unset({ kind, fields }: Kind, patch: Record<string, unknown>, field: string): void {
  if (field.startsWith('label.')) {
    patch.labels = { ...(patch.labels as object | undefined), [field.slice(6)]: null }
    return
  }
  if (field === 'description') {
    patch.description = ''
    return
  }
  const name = field.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (!Object.hasOwn(fields, name)) throw usageFailure(`--unset: ${kind} has no field '${field}'; it has ${Object.keys(fields).join(', ')}`)
  patch[name] = fields[name]!.type === 'list' ? [] : null
}

/** Destroy one, or find that it is not there. */
export async function destroyResource(kind: Kind, name: string, query: URLSearchParams, values: Values, output: Output): Promise<void> {
  const client = clientOf(values)
  const what = `destroy ${kind.kind} ${name}`
  const resource = await client.find(what, at(kind, name, query))
  if (resource === undefined) return alreadySo(output, `there is no ${kind.kind} ${name}`)
  if (values.unplug === true && values.cascade !== true) throw usageFailure('--unplug goes with --cascade')
  if (values.cascade === true) return fall(client, kind.plural, what, resource, values, output)
  await checkReady(client, what, await client.must(what, 'DELETE', `/${kind.plural}/${resource.id}${queryOf(values)}`))
  if (values.dryRun === true) return output.result(resource, `would ${what}`)
  done(output, `destroyed ${textOf(resource)}`, { resource })
}

interface Fallen {
  readonly action: string
  readonly kind: string
  readonly name: string | null
  readonly id: string
}

/** Destroy a thing with what is in it, and list that. */
async function fall(client: ApiClient, plural: string, what: string, resource: Resource, values: Values, output: Output): Promise<void> {
  const words = queryOf(values).slice(1)
  const query = `?cascade=${values.unplug === true ? 'unplug' : 'true'}${words === '' ? '' : `&${words}`}`
  const answer = await client.must<{ changes: Fallen[] }>(what, 'DELETE', `/${plural}/${resource.id}${query}`)
  await checkReady(client, what, answer)
  const { changes } = answer.body
  const isDry = values.dryRun === true
  if (output.json) return output.result({ changed: !isDry, dryRun: isDry, changes }, '')
  output.result(changes, {
    columns: ['ACTION', 'KIND', 'NAME'],
    rows: changes.map(({ action, kind, name, id }) => [action, kind, name ?? id]),
  })
  output.text(isDry ? `would ${what}; nothing was done` : `destroyed ${textOf(resource)} and what was in it`)
}
