/** Whether a packaged program has what a command line asks for in itself: scripts/package/bundle.ts puts it there. */
import { inside, isResourceCommand } from './load.ts'
import { resolve } from './resolve.ts'
import { isGroup } from './tree.ts'

/** The words are those without the program's name. The help of a group needs one line of each command. */
export function isInside(words: readonly string[]): boolean {
  try {
    const { path, node } = resolve(words[0] === 'help' ? words.slice(1) : words)
    return isGroup(node) || isResourceCommand(path) || Object.hasOwn(inside, path.join('/'))
  } catch {
    // Whoever runs it says why there is no such command.
    return false
  }
}
