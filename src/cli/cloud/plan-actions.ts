/** What the commands about documents of whole vpcs do. */
import { Failure } from '../failure.ts'
import type { Output } from '../output.ts'
import type { Table } from '../table.ts'
import { readBodyFile, type BodyFile } from './body-file.ts'
import { refusal, type Answer, type ApiClient } from './api-client.ts'
import { clientOf, type Values } from './resource-actions.ts'

export interface PlannedChange {
  readonly action: string
  readonly kind: string
  readonly name: string | null
  readonly id: string | null
  readonly fields: readonly { readonly field: string; readonly is: unknown; readonly asked: unknown }[]
}

export interface Plan {
  readonly plan: string
  readonly vpc: string
  readonly changes: readonly PlannedChange[]
  readonly hosts: { readonly count: number; readonly names: readonly string[] }
}

const show = (value: unknown): string => (value === null ? 'none' : typeof value === 'string' ? value : JSON.stringify(value))

/** A line for each object that differs. */
function tableOf({ changes }: Plan): Table {
  const fieldsText = ({ action, fields }: PlannedChange): string =>
    fields
      .map(({ field, is, asked }) => (action === 'create' ? `${field} ${show(asked)}` : `${field} ${show(is)} → ${show(asked)}`))
      .join(', ')
  return {
    columns: ['ACTION', 'KIND', 'NAME', 'FIELDS'],
    rows: changes.map((change) => [change.action, change.kind, change.name ?? change.id ?? '-', fieldsText(change)]),
  }
}

function hostsText({ hosts: { count, names } }: Plan): string {
  if (count === 0) return 'no host is concerned'
  const others = count - names.length
  const list = [...names, ...(others > 0 ? [`${others} more`] : [])].join(', ')
  return `${count === 1 ? '1 host is' : `${count} hosts are`} concerned: ${list}`
}

/** `2 to create, 1 to change`. */
function countsText({ changes }: Plan, words: Readonly<Record<string, string>>): string {
  const counts = Object.entries(words).map(([action, word]) => [changes.filter((each) => each.action === action).length, word] as const)
  return counts
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(', ')
}

const toDo = { create: 'to create', change: 'to change', replace: 'to replace', destroy: 'to destroy' }
const did = { create: 'created', change: 'changed', replace: 'replaced', destroy: 'destroyed' }

const documentOf = (path: string): Promise<BodyFile> => readBodyFile(path, 'a document of a vpc: it has no keys')

/** Say what a document would change. */
export async function planFile(path: string, values: Values, output: Output): Promise<void> {
  const file = await documentOf(path)
  const plan = await ask(clientOf(values), path, file)
  if (plan.changes.length === 0)
    return output.result({ dryRun: true, ...plan }, `a dry run: nothing would be done, vpc ${plan.vpc} matches the document`)
  if (output.json) return output.result({ dryRun: true, ...plan }, '')
  output.item(plan, tableOf(plan))
  output.text(hostsText(plan))
  output.text(`a dry run: nothing was done; ${countsText(plan, toDo)}. This and no more: vpc cloud apply ${path} --plan=${plan.plan}`)
}

async function ask(client: ApiClient, path: string, { body, lineOf }: BodyFile): Promise<Plan> {
  const answer: Answer = await client.ask('POST', '/plan', body)
  if (answer.status >= 400) throw refusal(`make a plan of ${path}`, answer, lineOf)
  return answer.body as Plan
}

/** Make a vpc as a document says. */
export async function applyFile(path: string, values: Values, output: Output, signal: AbortSignal): Promise<void> {
  const file = await documentOf(path)
  const client = clientOf(values)
  const what = `apply ${path}`
  const given = values.plan as string | undefined
  const hash = given ?? (await ask(client, path, file)).plan
  const request = { method: 'POST', path: `/apply?plan=${hash}`, body: file.body, signal }
  let last: { done: number; total: number } | undefined
  for await (const { event, data } of client.events(what, request)) {
    if (event === 'done') return said(data as Plan, output)
    if (event === 'problem') throw overtaken(what, { status: data.status, body: data, etag: undefined }, file, output)
    last = data as { done: number; total: number }
    if (!output.json && process.stderr.isTTY && last.done < last.total) process.stderr.write(`${last.done} of ${last.total} done\n`)
  }
  const far = last === undefined ? 'the connection was lost' : `the connection was lost after ${last.done} of ${last.total} operations`
  throw new Failure('unreachable', `cannot ${what}: ${far}; go on with vpc cloud apply ${path} --plan=${hash}`, { code: 'unreachable' })
}

function said(plan: Plan, output: Output): void {
  const isSame = plan.changes.length === 0
  if (output.json) return output.result({ changed: !isSame, ...plan }, '')
  if (isSame) return output.text(`nothing was done: vpc ${plan.vpc} matches the document`)
  output.item(plan, tableOf(plan))
  output.text(`done: ${countsText(plan, did)}`)
}

/** A plan that something overtook: the new one is shown, for people to look at. */
function overtaken(what: string, answer: Answer, { lineOf }: BodyFile, output: Output): Failure {
  const current = (answer.body as { current?: Plan }).current
  if (answer.status === 412 && current !== undefined && !output.json)
    output.item(current, current.changes.length === 0 ? `nothing is to be done: vpc ${current.vpc} matches the document` : tableOf(current))
  return refusal(what, answer, lineOf)
}

/** Write a vpc as a document. */
export async function exportVpc(name: string, values: Values, output: Output): Promise<void> {
  const query = typeof values.account === 'string' ? `?account=${encodeURIComponent(values.account)}` : ''
  const { body } = await clientOf(values).must<object>(`export vpc ${name}`, 'GET', `/vpcs/${encodeURIComponent(name)}/document${query}`)
  const { yamlText } = await import('#system/yaml-text.ts')
  output.result(body, () => `# vpc ${name}, written by vpc cloud export. vpc cloud plan FILE says what it would change.\n${yamlText(body)}`)
}
