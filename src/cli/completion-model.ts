/** The source of the completion scripts of all shells: which word leads where, and what may follow an option. */
import { globalOptions } from './global-options.ts'
import { loadTree, type Entry } from './load.ts'
import { longName, type Completion, type Option } from './option.ts'
import { isGroup, root } from './tree.ts'

/** A command or group that a word leads to. Paths are names joined by spaces; the root's is empty. */
export interface Step {
  readonly from: string
  /** The name and its aliases. */
  readonly words: readonly string[]
  readonly to: string
  readonly summary: string
}

export interface Flag {
  readonly long: string
  readonly short: string | undefined
  readonly help: string
  readonly takesValue: boolean
  readonly completion: Completion | undefined
}

export interface CompletionModel {
  readonly steps: readonly Step[]
  readonly globalFlags: readonly Flag[]
  /** By the path of the command. */
  readonly flags: ReadonlyMap<string, readonly Flag[]>
  /** Paths of the commands that take the name of a resource of a cloud, by its kind. */
  readonly takesName: ReadonlyMap<string, readonly string[]>
  /** Paths of the commands that take a file without a flag. */
  readonly takesFile: readonly string[]
}

/** The program of awk that finds what may stand for an object in the output of `vpc list`: name, unit name and id. */
export const idsOfList = 'NR == 1 { named = $5 == "NAME" } $1 == type { if (named && $4 != "-") print $4; print $3; print $2 }'

/** Read the whole command table. */
export async function completionModel(): Promise<CompletionModel> {
  const entries = (await loadTree()).filter(({ path }) => path.length > 0)
  return {
    steps: entries.flatMap(stepsTo),
    takesName: Map.groupBy(
      entries.filter(takesName).map(({ path }) => path.join(' ')),
      (path) => path.split(' ')[1]!,
    ),
    globalFlags: Object.entries(globalOptions).map(flagOf),
    takesFile: entries.flatMap(({ path, command }) => (command?.positionals[0]?.name === 'FILE' ? [path.join(' ')] : [])),
    flags: new Map(
      entries.flatMap(({ path, command }) => (command ? [[path.join(' '), Object.entries(command.options).map(flagOf)]] : [])),
    ),
  }
}

/** The step to a group or command; a kind that the cloud alone has needs no `cloud`. */
function stepsTo({ path, node, command }: Entry): Step[] {
  const step = {
    from: path.slice(0, -1).join(' '),
    words: [path.at(-1)!, ...node.aliases],
    to: path.join(' '),
    summary: isGroup(node) ? node.summary : command!.summary,
  }
  const isOfCloud = path.length === 2 && path[0] === 'cloud' && !Object.hasOwn(root.children, path[1]!)
  return isOfCloud ? [step, { ...step, from: '' }] : [step]
}

const takesName = ({ path, command }: Entry): boolean =>
  path[0] === 'cloud' && path.length === 3 && path[2] !== 'create' && command?.positionals[0]?.name === 'NAME'

function flagOf([key, option]: [string, Option<unknown>]): Flag {
  const { short, help, placeholder, completion } = option.spec
  return { long: longName(key, option), short, help, takesValue: placeholder !== undefined, completion }
}

/** Options that take a value, with their commands' paths, grouped by what completes the value. */
export function valuesByCompletion({
  flags,
  globalFlags,
}: CompletionModel): Map<string, { completion: Completion | undefined; patterns: Pattern[] }> {
  const groups = new Map<string, { completion: Completion | undefined; patterns: Pattern[] }>()
  const add = (path: string | undefined, { long, short, takesValue, completion }: Flag): void => {
    if (!takesValue) return
    const group = groups.getOrInsertComputed(JSON.stringify(completion ?? null), () => ({ completion, patterns: [] }))
    group.patterns.push(...[`--${long}`, ...(short ? [`-${short}`] : [])].map((flag) => ({ path, flag })))
  }
  for (const flag of globalFlags) add(undefined, flag)
  for (const [path, each] of flags) for (const flag of each) add(path, flag)
  return groups
}

/** An option of a command; of all commands when there is no path. */
export interface Pattern {
  readonly path: string | undefined
  readonly flag: string
}
