/** `vpc vm receive` on the other host, as `vpc vm migrate` speaks to it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Failure } from './failure.ts'
import { writeNote, type Note } from './vm-frames.ts'
import type { ReceiveReport } from './vm-receive.ts'

type Word = 'ready' | 'flows' | 'running' | 'settled'

/** The command on the other host. */
export class FarHost {
  readonly #child: ChildProcess
  readonly #shell: readonly string[]
  readonly #lines: AsyncIterator<string>
  readonly #closed: Promise<void>
  #said = ''
  /** The shell is no program of this host. */
  #isMissing = false
  /** Something answered there. */
  #hasHeard = false

  /** `shell`: words that run a command on the other host. */
  constructor(shell: readonly string[]) {
    this.#shell = shell
    const [program, ...args] = [...shell, 'vpc', 'vm', 'receive', '--json']
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#closed = new Promise((resolve) => {
      this.#child.once('close', () => resolve())
      this.#child.once('error', ({ code, message }: NodeJS.ErrnoException) => {
        this.#isMissing = code === 'ENOENT'
        this.#said = this.#isMissing ? `there is no program ${program}` : message
        resolve()
      })
    })
    this.#child.stdin!.on('error', () => {})
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => void (this.#said = (this.#said + text).slice(-2000)))
    this.#lines = createInterface({ input: this.#child.stdout! })[Symbol.asyncIterator]()
  }

  get input(): NonNullable<ChildProcess['stdin']> {
    return this.#child.stdin!
  }

  /** Send it a note. When it takes none any more, it says why instead of its next answer. */
  async note(note: Note): Promise<void> {
    await writeNote(this.input, note).catch(() => {})
  }

  /** Wait until it says so. Throws a Failure with its last words. */
  async hears<W extends Word>(word: W): Promise<Extract<ReceiveReport, Record<W, unknown>>> {
    const { value, done } = await this.#lines.next()
    const report = done === true ? undefined : (JSON.parse(value) as ReceiveReport)
    if (report !== undefined) this.#hasHeard = true
    if (report !== undefined && word in report) return report as Extract<ReceiveReport, Record<W, unknown>>
    throw await this.failure()
  }

  /** Why it ended. */
  async failure(): Promise<Failure> {
    await this.#closed
    const why = wordsOf(this.#said) || 'its command ended'
    if (this.#hasHeard || !this.#isOfTheShell) return new Failure('failed', `the other host did not take the guest: ${why}`)
    const must = `'${[...this.#shell, 'vpc', 'vm', 'list'].join(' ')}' must work here; --shell says another way`
    return new Failure('failed', `cannot run vpc on the other host: ${why}; ${must}`)
  }

  /** Its exit status is one of ssh, or of a shell that found no vpc. */
  get #isOfTheShell(): boolean {
    return this.#isMissing || [126, 127, 255].includes(this.#child.exitCode ?? 0)
  }

  /** Whether it has ended with an error, and so has taken back what it had. A shell that was cut off says nothing. */
  async hasRefused(): Promise<boolean> {
    await this.#closed
    const { exitCode } = this.#child
    // Nothing began there.
    if (!this.#hasHeard && this.#isOfTheShell) return true
    return exitCode !== null && exitCode > 0 && exitCode < 126
  }

  /** Have it give up, and wait until it has. */
  async end(): Promise<void> {
    this.#child.stdin!.destroy()
    await this.#closed
  }
}

/** The last error that it told in JSON; else all that it said. */
function wordsOf(said: string): string {
  const line = said.trim().split('\n').at(-1) ?? ''
  try {
    return (JSON.parse(line) as { error: { message: string } }).error.message
  } catch {
    return said.trim()
  }
}
