/** Run a program to its end. Gives its output, or throws an error with its words. */
import { spawn } from 'node:child_process'
import { LabError } from './lab-error.ts'

export interface Finished {
  /** 128 plus the signal's number when a signal ended it, as in shells. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program failed that should have succeeded. */
export class ProgramFailed extends LabError {
  readonly argv: readonly string[]
  readonly finished: Finished
  constructor(argv: readonly string[], finished: Finished) {
    super(`\`${argv.join(' ')}\` failed with ${finished.code}: ${(finished.stderr || finished.stdout).trim() || 'it said nothing'}`)
    this.name = 'ProgramFailed'
    this.argv = argv
    this.finished = finished
  }
}

export interface RunOptions {
  readonly input?: string
  readonly signal?: AbortSignal | undefined
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** End the program after this time. */
  readonly timeoutMs?: number
}

const signalNumber: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** Run a program and give its exit code and output. Rejects when it cannot be started. */
export function run(argv: readonly string[], { input = '', signal, env = {}, timeoutMs }: RunOptions = {}): Promise<Finished> {
  const { promise, resolve, reject } = Promise.withResolvers<Finished>()
  const [file, ...args] = argv as [string, ...string[]]
  // In a session of its own: this process handles Ctrl-C, which must not end `ip` in the middle of a clean-up.
  const child = spawn(file, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, ...env },
    ...(signal && { signal }),
    ...(timeoutMs !== undefined && { timeout: timeoutMs }),
  })
  const out: Buffer[] = []
  const err: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk))
  child.on('error', (cause: NodeJS.ErrnoException) => {
    reject(cause.code === 'ENOENT' ? new LabError(`'${file}' is not installed`, { cause }) : cause)
  })
  child.on('close', (code, killer) => {
    const text = (chunks: Buffer[]): string => Buffer.concat(chunks).toString('utf8')
    resolve({ code: code ?? 128 + (signalNumber[killer ?? ''] ?? 0), stdout: text(out), stderr: text(err) })
  })
  // The exit code judges a program that ends without reading its input.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return promise
}

/** Run a program that must succeed, and give what it printed. Throws ProgramFailed. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const finished = await run(argv, options)
  if (finished.code !== 0) throw new ProgramFailed(argv, finished)
  return finished.stdout
}

/** The words that run a program in a network namespace. Nothing else changes: it sees the same files and mounts. */
export const inNetns = (netnsPath: string, argv: readonly string[]): string[] => ['nsenter', `--net=${netnsPath}`, '--', ...argv]
