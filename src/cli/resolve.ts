/** From the words of a command line to a command of the tree, aliases included. */
import { globalOptions } from './global-options.ts'
import { usageFailure } from './failure.ts'
import { suggestion } from '#abi/nearest.ts'
import { longName, type Option } from './option.ts'
import { isGroup, root, type Group, type Node } from './tree.ts'

export interface Resolved {
  /** Names, not aliases. */
  readonly path: readonly string[]
  readonly node: Node
  /** The rest: the command's options and arguments, and global options before it. */
  readonly rest: readonly string[]
}

/** A child by its name or an alias. */
export function childOf(group: Group, word: string): [name: string, node: Node] | undefined {
  return Object.entries(group.children).find(([name, node]) => name === word || node.aliases.includes(word))
}

/** The node of a path of names. */
export function nodeAt(path: readonly string[]): Node | undefined {
  let node: Node = root
  for (const name of path) {
    const child = isGroup(node) ? node.children[name] : undefined
    if (child === undefined) return undefined
    node = child
  }
  return node
}

/**
 * Walk the tree along the words. Ends at a group when no word follows. Throws a usage failure for a word that is no
 * command.
 */
export function resolve(args: readonly string[]): Resolved {
  const path: string[] = []
  const before: string[] = []
  let node: Node = root
  let i = 0
  while (isGroup(node) && i < args.length && args[i] !== '--') {
    const word = args[i++]!
    if (word.startsWith('-')) {
      before.push(word)
      if (takesNext(word, path) && i < args.length) before.push(args[i++]!)
      continue
    }
    const child = childOf(node, word) ?? (path.length === 0 ? cloudKind(path, word) : undefined)
    if (child === undefined) throw unknownCommand(path, node, word)
    path.push(child[0])
    node = child[1]
  }
  return { path, node, rest: [...before, ...args.slice(i)] }
}

/** A kind that the cloud alone has may be named without `cloud`; others mean things of this host. */
function cloudKind(path: string[], word: string): [name: string, node: Node] | undefined {
  const cloud = root.children.cloud as Group
  if (!Object.hasOwn(cloud.children, word)) return undefined
  path.push('cloud')
  return [word, cloud.children[word]!]
}

const byFlag = new Map<string, Option<unknown>>(
  Object.entries(globalOptions).flatMap(([key, option]) => [
    [`--${longName(key, option)}`, option] as const,
    ...(option.spec.short ? [[`-${option.spec.short}`, option] as const] : []),
  ]),
)

/** Whether a global option's value is the next word. For other options the command must be known first. */
function takesNext(word: string, path: readonly string[]): boolean {
  const option = byFlag.get(word) ?? byFlag.get(word.split('=')[0]!) ?? (word.startsWith('--') ? undefined : byFlag.get(word.slice(0, 2)))
  if (option === undefined) {
    const command = ['vpc', ...path].join(' ')
    throw usageFailure(`${word} comes too early; write the whole command first, then its options (see ${command} --help)`)
  }
  return option.spec.placeholder !== undefined && byFlag.has(word)
}

/** Groups of that name below others: `vpc switch port`. */
function groupsNamed(word: string, group: Group = root, path: readonly string[] = ['vpc']): string[] {
  return Object.entries(group.children).flatMap(([name, node]) => {
    if (!isGroup(node) || name === 'cloud') return []
    const here = [...path, name]
    const isIt = path.length > 1 && (name === word || node.aliases.includes(word))
    return [...(isIt ? [here.join(' ')] : []), ...groupsNamed(word, node, here)]
  })
}

function unknownCommand(path: readonly string[], group: Group, word: string): Error {
  const parent = ['vpc', ...path].join(' ')
  const below = path.length === 0 ? groupsNamed(word) : []
  if (below.length > 0) return usageFailure(`there is no command '${word}'; did you mean ${below.join(' or ')}?`)
  const words = Object.entries(group.children).flatMap(([name, node]) => [name, ...node.aliases])
  return usageFailure(`there is no command '${[...path, word].join(' ')}'${suggestion(word, words, `see ${parent} --help`)}`)
}
