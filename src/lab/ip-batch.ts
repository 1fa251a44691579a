/** Many ip(8) commands in one process, in one namespace: all are done, or an error names the first that was not. */
import { LabError } from './lab-error.ts'
import { run } from './program.ts'

/** Words of one ip command, without `ip`. */
export type IpCommand = readonly string[]

const plainWord = /^[A-Za-z0-9_.:/@%+-]+$/

/** The text that `ip -batch` reads. Throws RangeError for a word that it would read as something else. */
export function formatIpBatch(commands: readonly IpCommand[]): string {
  const odd = commands.flat().find((word) => !plainWord.test(word))
  if (odd !== undefined) throw new RangeError(`'${odd}' cannot stand in a batch of ip commands`)
  return commands.map((words) => `${words.join(' ')}\n`).join('')
}

export interface IpBatchOptions {
  /** Namespace to work in; this process's own when it is left out. */
  readonly netns?: string
  readonly signal?: AbortSignal | undefined
}

/** Do all of the commands, in order. Stops at the first that fails, and throws an error that names it. */
export async function ipBatch(commands: readonly IpCommand[], { netns, signal }: IpBatchOptions = {}): Promise<void> {
  if (commands.length === 0) return
  const argv = ['ip', ...(netns === undefined ? [] : ['-n', netns]), '-batch', '-']
  const { code, stdout, stderr } = await run(argv, { input: formatIpBatch(commands), signal })
  if (code === 0) return
  const line = Number(/Command failed -:(\d+)/.exec(stderr)?.[1])
  const failed = commands[line - 1]
  const where = netns === undefined ? '' : ` in namespace ${netns}`
  const said = stderr.replace(/^Command failed.*$/m, '').trim() || stdout.trim() || `it ended with ${code}`
  throw new LabError(`cannot ${failed === undefined ? 'set up the network' : `\`ip ${failed.join(' ')}\``}${where}: ${said}`)
}
