/**
 * The namespaces, processes and temporary files of one benchmark run, made through `ip` and `nsenter` and all taken
 * down again.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'

/** Where a command runs: a namespace made by `Bed.namespace`. */
export type Namespace = string

/**
 * Start a program on one CPU. The scheduler may put sender and receiver on one CPU or on two, which makes a factor of
 * two on a small machine, so every set-up gets the same places. The kernel processes a packet on its sender's CPU.
 */
export const onCpu = (place: 'client' | 'server', argv: readonly string[]): readonly string[] =>
  availableParallelism() < 2 ? argv : ['taskset', '-c', place === 'client' ? '0' : '1', ...argv]

export interface Finished {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

const inside = (namespace: Namespace, argv: readonly string[]): [string, string[]] => [
  'nsenter',
  [`--net=/run/netns/${namespace}`, '--', ...argv],
]

function waitForExit(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}

const beds = new Set<Bed>()

/** End the measurements that run in any bed. They fail, and everything is taken down. */
export function interrupt(): void {
  for (const bed of beds) bed.interrupt()
}

/** Everything that a set-up makes is registered here, so that `[Symbol.asyncDispose]` leaves nothing behind. */
export class Bed implements AsyncDisposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'vpc-bench-'))
  readonly #prefix: string
  readonly #namespaces: Namespace[] = []
  readonly #children: ChildProcess[] = []
  readonly #measuring = new Set<ChildProcess>()
  readonly #undo: (() => void | PromiseLike<void>)[] = []

  constructor(name: string) {
    this.#prefix = `vb${process.pid}-${name}`
    beds.add(this)
  }

  /** Make a namespace with its loopback up. */
  namespace(name: string): Namespace {
    const full = `${this.#prefix}-${name}`
    this.ip([`netns add ${full}`])
    this.#namespaces.push(full)
    this.ip(['link set lo up'], full)
    return full
  }

  /** Run lines of `ip`, all in one process; the first that fails ends it and throws with ip's words. */
  ip(lines: readonly string[], namespace?: Namespace): void {
    const argv = ['-batch', '-']
    const done = spawnSync('ip', namespace === undefined ? argv : ['-n', namespace, ...argv], { input: lines.join('\n'), encoding: 'utf8' })
    if (done.status !== 0) throw new Error(`ip -batch in ${namespace ?? 'the main namespace'}: ${done.stderr.trim()}`)
  }

  /** Run a command to its end. Throws with its standard error when it fails. */
  run(namespace: Namespace, argv: readonly string[]): string {
    const done = spawnSync(...inside(namespace, argv), { encoding: 'utf8', maxBuffer: 1 << 28 })
    if (done.status !== 0) throw new Error(`${argv.join(' ')} in ${namespace}: ${done.stderr.trim() || done.stdout.trim() || done.signal}`)
    return done.stdout
  }

  /** Run a command to its end without blocking this process. */
  async runAsync(namespace: Namespace, argv: readonly string[]): Promise<Finished> {
    const child = spawn(...inside(namespace, argv), { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#children.push(child)
    this.#measuring.add(child)
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    await new Promise((resolve) => child.once('close', resolve))
    this.#children.splice(this.#children.indexOf(child), 1)
    this.#measuring.delete(child)
    return { stdout, stderr, code: child.exitCode }
  }

  /** Start a server and wait until it prints `ready`. Dispose to end it. */
  async serve(
    namespace: Namespace,
    argv: readonly string[],
    ready: RegExp,
    env: NodeJS.ProcessEnv = process.env,
  ): Promise<AsyncDisposable> {
    const child = spawn(...inside(namespace, argv), { stdio: ['ignore', 'pipe', 'pipe'], env })
    this.#children.push(child)
    const stop = async (): Promise<void> => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
      await waitForExit(child)
      clearTimeout(timer)
    }
    let text = ''
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${argv.join(' ')} was not ready in 10 s: ${text}`)), 10_000)
      const look = (chunk: Buffer): void => {
        text += chunk.toString()
        if (!ready.test(text)) return
        clearTimeout(timer)
        resolve()
      }
      child.stdout.on('data', look)
      child.stderr.on('data', look)
      child.once('error', reject)
      child.once('exit', (code) => reject(new Error(`${argv.join(' ')} ended with ${code}: ${text}`)))
    })
    return { [Symbol.asyncDispose]: stop }
  }

  /** Register an undo for when the bed is taken down; the last one runs first. */
  onDispose(undo: () => void | PromiseLike<void>): void {
    this.#undo.push(undo)
  }

  /** End what `runAsync` waits for. */
  interrupt(): void {
    for (const child of this.#measuring) child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    beds.delete(this)
    for (const undo of this.#undo.splice(0).reverse()) await undo()
    for (const child of this.#children.splice(0)) {
      child.kill('SIGKILL')
      await waitForExit(child)
    }
    for (const namespace of this.#namespaces.splice(0)) spawnSync('ip', ['netns', 'delete', namespace])
    rmSync(this.directory, { recursive: true, force: true })
  }
}
