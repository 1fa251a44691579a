/** A guest's shell on its serial console: commands in, output and exit status out. */
import type { Duplex } from 'node:stream'

export interface GuestOutput {
  readonly output: string
  readonly code: number
}

/** One console. Commands run one after the other. */
export class GuestShell {
  readonly #stream: Duplex
  #text = ''
  #changed: (() => void) | undefined
  #count = 0
  #closed = false

  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#changed?.()
    })
    const closed = (): void => {
      this.#closed = true
      this.#changed?.()
    }
    stream.on('close', closed)
    stream.on('error', closed)
  }

  /** Everything that came from the console so far and that no command has taken. */
  get text(): string {
    return this.#text
  }

  /** Wait until the guest's init has started its shell. */
  async ready(timeoutMs = 60_000): Promise<void> {
    await this.#until(/GUEST-READY\r?\n/, timeoutMs, 'the guest did not boot')
    await this.run(':') // the shell greets before its first answer
  }

  /**
   * Wait until a shell answers, that may have been ready long before this console was opened. While a guest boots, its
   * serial port loses characters: no quote may be among what is typed, since half a pair makes the shell wait for the
   * other for good.
   */
  async alive(timeoutMs = 60_000): Promise<void> {
    const end = Date.now() + timeoutMs
    for (;;) {
      const mark = `@@${++this.#count}`
      this.#stream.write(`\x03\necho ${mark} alive\\@@\n`)
      try {
        await this.#until(new RegExp(`${mark} alive@@\\r?\\n`), 1000, 'the guest did not boot')
        return
      } catch (error) {
        if (this.#closed || Date.now() > end) throw error
      }
    }
  }

  /** Run a command; its exit status may be anything. Throws when it does not end in time. */
  async run(command: string, timeoutMs = 30_000): Promise<GuestOutput> {
    const mark = `@@${++this.#count}`
    this.#stream.write(`${command}\necho "${mark} $?@@"\n`)
    const [before, match] = await this.#until(new RegExp(`${mark} (\\d+)@@\\r?\\n`), timeoutMs, `'${command}' did not end`)
    return { output: before.replaceAll('\r', ''), code: Number(match[1]) }
  }

  /** Run a command that must succeed, and return its output. */
  async must(command: string, timeoutMs?: number): Promise<string> {
    const { output, code } = await this.run(command, timeoutMs)
    if (code !== 0) throw new Error(`'${command}' in the guest ended with ${code}: ${output}`)
    return output
  }

  async #until(pattern: RegExp, timeoutMs: number, failure: string): Promise<[string, RegExpExecArray]> {
    const end = Date.now() + timeoutMs
    for (;;) {
      const match = pattern.exec(this.#text)
      if (match) {
        const before = this.#text.slice(0, match.index)
        this.#text = this.#text.slice(match.index + match[0].length)
        return [before, match]
      }
      const left = end - Date.now()
      if (left <= 0 || this.#closed)
        throw new Error(`${failure} (${this.#closed ? 'its console closed' : `${timeoutMs} ms`}): ${this.#text.slice(-2000)}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      const timer = setTimeout(resolve, left)
      this.#changed = resolve
      await promise
      clearTimeout(timer)
    }
  }
}
