/** The issuer in another process: it has the CA's key, and this process never sees it. */
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import type { KeyedCertificate } from './authority.ts'
import { IssuerAway, IssuerRefused, type Issuer, type Permit } from './issuer.ts'
import { newKey, spkiOf } from './keys.ts'
import type { SignAnswer, SignRequest } from './signer.ts'

const answerMs = 20_000

/** What a failure is told by. An issuer of an earlier version says nothing of rights. */
interface Failed {
  readonly error?: string
  readonly isRefused?: boolean
  readonly isDenied?: boolean
}

interface Waiting {
  readonly resolve: (answer: SignAnswer) => void
  readonly reject: (error: Error) => void
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export class IssuerClient implements Issuer {
  readonly #open: () => Duplex
  readonly #waiting = new Map<number, Waiting>()
  #stream: Duplex | undefined
  #ca: SignAnswer = { certificate: '', pin: '' }
  #count = 0

  private constructor(open: () => Duplex) {
    this.#open = open
  }

  /** Ask an issuer which CA it has. `open` connects to it; when the connection is lost, it is called again. */
  static async connect(open: () => Duplex): Promise<IssuerClient> {
    const client = new IssuerClient(open)
    client.#ca = await client.#ask({ op: 'ca' })
    return client
  }

  get certificate(): string {
    return this.#ca.certificate
  }

  get pin(): string {
    return this.#ca.pin!
  }

  async issueServer(): Promise<KeyedCertificate> {
    const key = newKey()
    const { certificate, notAfter } = await this.#ask({ op: 'server', key: base64(spkiOf(key)) })
    return { key, certificate, notAfter: notAfter! }
  }

  async issueHost(host: string, publicKey: Uint8Array, _now: number, permit: Permit): Promise<string> {
    const key = base64(publicKey)
    const request: SignRequest = 'token' in permit ? { op: 'join', host, key, ...permit } : { op: 'renew', host, key, ...permit }
    return (await this.#ask(request)).certificate
  }

  /** Ask no more. */
  close(): void {
    this.#stream?.destroy()
  }

  #ask(request: SignRequest): Promise<SignAnswer> {
    const id = this.#count++
    const { promise, resolve, reject } = Promise.withResolvers<SignAnswer>()
    const timer = setTimeout(() => reject(new IssuerAway(`the issuer has not answered for ${answerMs / 1000} s`)), answerMs)
    this.#waiting.set(id, { resolve, reject })
    this.#connected().write(`${JSON.stringify({ id, ...request })}\n`)
    return promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(id)
    })
  }

  #connected(): Duplex {
    if (this.#stream?.destroyed === false) return this.#stream
    const stream = (this.#stream = this.#open())
    let why = 'it has ended; its log says why'
    stream.on('error', (error) => (why = error.message))
    stream.on('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new IssuerAway(`the issuer does not answer: ${why}`))
    })
    // The lines have the stream's errors, too.
    createInterface({ input: stream, crlfDelay: Infinity })
      .on('line', (line) => this.#heard(line))
      .on('error', () => {})
    return stream
  }

  #heard(line: string): void {
    const { id, error, isRefused, isDenied = false, ...answer } = JSON.parse(line) as SignAnswer & Failed & { id: number }
    const waiting = this.#waiting.get(id)
    if (error === undefined) return waiting?.resolve(answer)
    waiting?.reject(isRefused === true ? new IssuerRefused(error, { isDenied }) : new IssuerAway(error))
  }
}
