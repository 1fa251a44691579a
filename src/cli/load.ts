/** Loads commands from their files: one to run it, all to make documentation. */
import type { Command } from './command.ts'
import { isGroup, root, type Group, type Node } from './tree.ts'

// .ts in the repository, .js in the published package.
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'

/** Where the command of a path of names is. */
export const commandFile = (path: readonly string[]): URL => new URL(`./commands/${path.join('/')}${extension}`, import.meta.url)

/** Commands that a packaged program has in its own file, by their words with slashes between. */
export const inside: Record<string, () => Promise<{ readonly default: Command }>> = {}

/** What the same program says of all commands, by the same words: the help of a group then loads none. */
export const summaries: Record<string, string> = {}

const verbs = ['create', 'list', 'get', 'set', 'destroy']

/** Whether a command has no file: what all kinds of resources have is made from their tables. */
export const isResourceCommand = ([first, , verb]: readonly string[]): boolean =>
  first === 'cloud' && verb !== undefined && verbs.includes(verb)

/** Import one command, and what it imports itself. */
export async function loadCommand(path: readonly string[]): Promise<Command> {
  if (isResourceCommand(path)) {
    const { resourceCommand } = await import('./cloud/resource-command.ts')
    return resourceCommand(path[1]!, path[2] as 'create')
  }
  const name = path.join('/')
  const load = Object.hasOwn(inside, name) ? inside[name]! : async () => (await import(commandFile(path).href)) as { default: Command }
  return (await load()).default
}

/** One line of what a command does. */
export const summaryOf = async (path: readonly string[]): Promise<string> => summaries[path.join('/')] ?? (await loadCommand(path)).summary

/** A group or command with its place in the tree. */
export interface Entry {
  readonly path: readonly string[]
  readonly node: Node
  readonly command?: Command
}

/** A group, its groups and all their commands, in the tree's order. */
export async function loadTree(group: Group = root, path: readonly string[] = []): Promise<Entry[]> {
  const children = Object.entries(group.children).map(async ([name, node]): Promise<Entry[]> => {
    const childPath = [...path, name]
    return isGroup(node) ? loadTree(node, childPath) : [{ path: childPath, node, command: await loadCommand(childPath) }]
  })
  return [{ path, node: group }, ...(await Promise.all(children)).flat()]
}
