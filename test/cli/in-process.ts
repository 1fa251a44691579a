/** Runs commands in this process, as main does after it has read the line: a test types many of them in little time. */
import { Writable } from 'node:stream'
import { parseArguments } from '#cli/arguments.ts'
import { exitCodes, type Failure } from '#cli/failure.ts'
import { withIds } from '#cli/known-ids.ts'
import { loadCommand } from '#cli/load.ts'
import { Output } from '#cli/output.ts'
import { failureOf } from '#cli/report.ts'
import { resolve } from '#cli/resolve.ts'
import { outputProblem } from '#cli/schema/outputs.ts'
import { plain } from '#cli/style.ts'
import { Vpc } from '#client/vpc.ts'

export interface RanHere {
  readonly path: string
  readonly code: number
  readonly stdout: string
  readonly failure: Failure | undefined
}

/** Run the words of a line against the vpcd of a socket. */
export async function runHere(socketPath: string, words: readonly string[]): Promise<RanHere> {
  let stdout = ''
  const stream = new Writable({
    write(chunk, _, done) {
      stdout += String(chunk)
      done()
    },
  })
  let path = ''
  try {
    const resolved = resolve(words)
    path = resolved.path.join(' ')
    const command = await loadCommand(resolved.path)
    const { options, global, rest } = parseArguments(command, resolved.rest)
    const reread = async () => ({ options, global }) as never
    const vpc = async (): Promise<Vpc> => new Vpc({ socketPath })
    const output = new Output({ json: global.json, style: plain, stream })
    const known = await withIds(path, options, { vpc, output })
    if (known === undefined) return { path, code: exitCodes.ok, stdout, failure: undefined }
    const code = await command.run(known, { global, output, signal: new AbortController().signal, vpc, reread }, rest)
    return { path, code: code ?? exitCodes.ok, stdout, failure: undefined }
  } catch (error) {
    const failure = failureOf(error)
    return { path, code: exitCodes[failure.kind], stdout, failure }
  }
}

/** Run it with --json: it must print what its schema says. `_` in a route stands for a space. Gives the value. */
export async function jsonHere(socketPath: string, line: string): Promise<any> {
  const { path, code, stdout, failure } = await runHere(socketPath, [
    ...line.split(' ').map((word) => (word.includes('/16_') ? word.replace('_', ' ') : word)),
    '--json',
  ])
  if (failure !== undefined) throw new Error(`vpc ${line}: exit code ${code}: ${failure.message}`)
  const problem = outputProblem(path, stdout)
  if (problem !== undefined) throw new Error(`vpc ${line}: ${problem}`)
  return JSON.parse(stdout)
}
