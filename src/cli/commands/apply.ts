/** `vpc apply`. */
import { createInterface } from 'node:readline/promises'
import type { HostChange } from '#abi/host-file.ts'
import { command } from '../command.ts'
import { Failure } from '../failure.ts'
import { HostFileText } from '../host-file-read.ts'
import { flag, text } from '../option.ts'
import { isRefusal } from '../outcome.ts'
import type { Output } from '../output.ts'

/** The changes as lines: `change vpcp0 vni 5001 → 5002`. */
function rowsOf({ action, type, id, unit, settings }: HostChange): string[][] {
  const texts = settings.map(({ key, is, asked }) => (action === 'create' && is === '-' ? `${key} ${asked}` : `${key} ${is} → ${asked}`))
  return [[action, unit ?? type, id, texts.join(', ')]]
}

export default command({
  path: 'apply',
  summary: 'make the objects of this host as a document says',
  description: `FILE is a document as vpc export writes it, YAML or JSON; - is standard input. vpcd makes the objects
    that the host lacks, and changes those that differ. With --prune it removes those that the document lacks; without,
    it refuses such a document, unless you say yes on a terminal. It leaves alone objects that a program holds open and
    has not committed.

    With --owner, or a key 'owner' in the document, vpcd removes only objects of that owner. The owner gets the objects
    that vpcd makes or changes. vpcd refuses to change an object of another owner.

    vpcd does all of it, or nothing: when it refuses something, the host is as before, and the message names line and
    key. A second run changes nothing.`,
  options: {
    prune: flag('remove objects that the document lacks'),
    dryRun: flag('show what would be done, and do nothing').short('n'),
    owner: text('owner of the objects in the document', 'NAME'),
  },
  positionals: [{ name: 'FILE', help: 'the document, - for standard input' }],
  examples: [
    { line: 'vpc apply host.yaml --dry-run', does: 'the plan, a line for each object that differs' },
    { line: 'vpc apply host.yaml', does: 'do it' },
    { line: 'vpc apply host.yaml --prune', does: 'and remove what the document lacks' },
    { line: 'vpc apply agent.yaml --owner=agent', does: "make the objects of an agent so, and leave the operator's alone" },
  ],
  async run({ dryRun, owner, prune }, { vpc, output }, [path]) {
    const file = new HostFileText(path!, { ...(owner !== undefined && { owner }), ...(prune && { prune }) })
    await using mgmt = await (await vpc()).mgmt({ write: !dryRun })
    const { document } = file
    /** vpcd has refused to remove what the document does not say it may. */
    const pruneIfAsked = async (error: unknown): Promise<readonly HostChange[]> => {
      if (document['prune'] !== undefined || !isRefusal(error, 'ENOTEMPTY')) throw error
      await askToRemove(await mgmt.plan(document), path!)
      return mgmt.apply({ ...document, prune: true })
    }
    try {
      if (dryRun) return show(await mgmt.plan(document), dryRun, output)
      show(await mgmt.apply({ prune: false, ...document }).catch(pruneIfAsked), dryRun, output)
    } catch (error) {
      throw file.explain(error)
    }
  },
})

/** Ask the person at the terminal; without one, or without a yes, it is a failure. */
async function askToRemove(plan: readonly HostChange[], path: string): Promise<void> {
  const units = plan.filter(({ action }) => action === 'remove').map(({ unit, id }) => unit ?? id)
  const named = units.length > 10 ? [...units.slice(0, 10), `${units.length - 10} more`].join(', ') : units.join(', ')
  const refusal = `the document lacks ${named}; nothing was done; to remove ${units.length === 1 ? 'it' : 'them'}: vpc apply --prune`
  if (path === '-' || !process.stdin.isTTY || !process.stderr.isTTY) throw new Failure('conflict', refusal, { code: 'EEXIST' })
  using terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(`vpc: this removes ${named}. Type yes to go on: `)
  if (answer.trim().toLowerCase() !== 'yes') throw new Failure('conflict', refusal, { code: 'EEXIST' })
}

function show(changes: readonly HostChange[], dryRun: boolean, output: Output): void {
  if (output.json) return output.result({ dryRun, changed: !dryRun && changes.length > 0, changes }, '')
  if (changes.length === 0) return output.text(dryRun ? 'the host is so' : 'nothing was done: the host was so already')
  output.item(changes, { columns: ['ACTION', 'UNIT', 'ID', 'SETTINGS'], rows: changes.flatMap(rowsOf) })
  output.text(dryRun ? `a dry run: nothing was done; ${countsOf(changes, toDo)}` : `done: ${countsOf(changes, did)}`)
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
