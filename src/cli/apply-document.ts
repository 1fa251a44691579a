/**
 * Having vpcd do a host document, for `vpc apply` and `vpc cluster apply`: the question before removals, and the
 * report.
 */
import { createInterface } from 'node:readline/promises'
import type { HostChange, HostDocument } from '#abi/host-file.ts'
import type { Mgmt } from '#client/mgmt.ts'
import { Failure } from './failure.ts'
import { isRefusal } from './outcome.ts'
import type { Output } from './output.ts'

export interface Asked {
  readonly document: HostDocument
  /** The command that removes without a question: `vpc apply --prune`. */
  readonly removal: string
  /** Whether a person at the terminal may be asked: not where the document came from there. */
  readonly mayAsk: boolean
}

/**
 * Apply a document. When vpcd refuses to remove what the document does not say it may, ask the person at the terminal;
 * without one, or without a yes, it is a failure and nothing was done.
 */
export async function applyDocument(mgmt: Mgmt, asked: Asked): Promise<HostChange[]> {
  const { document } = asked
  try {
    return await mgmt.apply({ prune: false, ...document })
  } catch (error) {
    if (document['prune'] !== undefined || !isRefusal(error, 'ENOTEMPTY')) throw error
    await askToRemove(await mgmt.plan(document), asked)
    return mgmt.apply({ ...document, prune: true })
  }
}

async function askToRemove(plan: readonly HostChange[], { removal, mayAsk }: Asked): Promise<void> {
  const units = plan.filter(({ action }) => action === 'remove').map(({ unit, id }) => unit ?? id)
  const named = units.length > 10 ? [...units.slice(0, 10), `${units.length - 10} more`].join(', ') : units.join(', ')
  const refusal = `the document lacks ${named}; nothing was done; to remove ${units.length === 1 ? 'it' : 'them'}: ${removal}`
  if (!mayAsk || !process.stdin.isTTY || !process.stderr.isTTY) throw new Failure('conflict', refusal, { code: 'EEXIST' })
  using terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`vpc: this removes ${named}. Type yes to go on: `)
  if (answer.trim().toLowerCase() !== 'yes') throw new Failure('conflict', refusal, { code: 'EEXIST' })
}

/** Print what was done, or would be. */
export function showChanges(changes: readonly HostChange[], dryRun: boolean, output: Output): void {
  if (output.json) return output.result({ dryRun, changed: !dryRun && changes.length > 0, changes }, '')
  if (changes.length === 0)
    return output.text(
      dryRun ? 'a dry run: nothing would be done, the host matches the document' : 'nothing was done: the host matches the document',
    )
  output.item(changes, { columns: ['ACTION', 'UNIT', 'ID', 'SETTINGS'], rows: changes.map(rowOf) })
  output.text(dryRun ? `a dry run: nothing was done; ${countsOf(changes, toDo)}` : `done: ${countsOf(changes, did)}`)
}

/** A change as a line: `change vpcp0 vni 5001 → 5002`. */
function rowOf({ action, type, id, unit, settings }: HostChange): string[] {
  const texts = settings.map(({ key, is, asked }) => (action === 'create' && is === '-' ? `${key} ${asked}` : `${key} ${is} → ${asked}`))
  return [action, unit ?? type, id, texts.join(', ')]
}

const toDo = { create: 'to create', change: 'to change', remove: 'to remove (with --prune)' }
const did = { create: 'created', change: 'changed', remove: 'removed' }

/** `2 created, 1 removed`. */
const countsOf = (changes: readonly HostChange[], words: Readonly<Record<HostChange['action'], string>>): string =>
  (['create', 'change', 'remove'] as const)
    .map((action) => [words[action], changes.filter((change) => change.action === action).length] as const)
    .filter(([, count]) => count > 0)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ')
