/** C programs that call vpc_open and vpc_ctl, compiled for a test and run under `vpc exec`. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const vpc = fileURLToPath(new URL('../../bin/vpc.mjs', import.meta.url))

export interface Ran {
  readonly code: number | NodeJS.Signals
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** Words of `vpc exec` before the program. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Called with the process when it has been started. */
  readonly started?: (child: ChildProcess) => void
}

/** A directory of compiled programs, which everybody may run. */
export class Programs implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), `vpc-abi-${process.pid}-`))

  constructor() {
    chmodSync(this.directory, 0o755)
  }

  /** Compile test/abi/NAME.c. */
  compile(name: string, ...flags: readonly string[]): string {
    const program = join(this.directory, `${name}${flags.includes('-static') ? '-static' : ''}`)
    const source = fileURLToPath(new URL(`${name}.c`, import.meta.url))
    execFileSync('clang', ['-O1', '-g', '-Wall', '-Wextra', '-Werror', '-pthread', ...flags, '-o', program, source])
    return program
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** Run a program to its end under `vpc exec`. */
export async function runUnder(
  socketPath: string,
  argv: readonly string[],
  { options = [], env = {}, started }: RunOptions = {},
): Promise<Ran> {
  const child = spawn(vpc, ['exec', ...options, '--', ...argv], {
    env: { ...process.env, VPC_SOCKET: socketPath, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  started?.(child)
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | NodeJS.Signals>((resolve) => child.once('close', (exit, signal) => resolve(exit ?? signal!)))
  return { code, stdout, stderr }
}
