/** Whether a packaged program has what a command line asks for in itself: scripts/package/bundle.ts puts it there. */
import { inside, isResourceCommand } from './load.ts'
import { resolve } from './resolve.ts'
import { isGroup } from './tree.ts'

/** The words of a command line, without the program's name. Help needs all commands, so it is elsewhere. */
export function isInside(words: readonly string[]): boolean {
  const own = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  if (own[0] === 'help' || own.includes('--help') || own.includes('-h')) return false
  try {
    const { path, node } = resolve(words)
    return !isGroup(node) && (isResourceCommand(path) || Object.hasOwn(inside, path.join('/')))
  } catch {
    // Whoever runs it says why there is no such command.
    return false
  }
}
