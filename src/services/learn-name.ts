/**
 * Asks vpcd for names that a zone does not have: in a large vpc the host learns of a guest when somebody asks for it.
 * vpcd tells those who listen to the switch, such as `vpc agent`; what they learn comes by the zone. While vpcd is
 * away, or when nobody listens, a name that is not there is not there.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Socket } from 'node:net'
import type { NameQuestion, NameReply } from '#abi/name-question.ts'
import { Buckets } from '#system/buckets.ts'
import type { Guest } from './guest-address.ts'
import { Share } from './process.ts'

/** How long an answer may take, and how often the zone is looked at. */
const waitMs = 1_500
const lookMs = 20
/** What was not found is not asked for again for so long. */
const negativeMs = 5_000
const mostNegative = 10_000
/** Names of one guest that are asked for at the same time, and of all. */
const shares = new Share(32)
const mostAtOnce = 1_000
/** New names of one guest. */
const rate = { perSecond: 20, burst: 60 }

/** The outcome: look again, it is not there, or it was not asked for since the guest asks too much. */
export type Learnt = 'found' | 'absent' | 'too-many'

export class NameLearner {
  readonly #socket: Socket
  readonly #replies = new Map<number, (isHeard: boolean) => void>()
  readonly #asked = new Map<string, Promise<Learnt>>()
  readonly #absent = new Map<string, number>()
  readonly #rates = new Buckets(rate, () => performance.now())
  #number = 0
  #isOpen = true

  /** `fd`: a socket to vpcd. */
  constructor(fd: number) {
    this.#socket = new Socket({ fd, readable: true, writable: true })
    this.#socket.setEncoding('utf8')
    let text = ''
    this.#socket.on('data', (chunk: string) => {
      const lines = (text + chunk).split('\n')
      text = lines.pop()!
      for (const line of lines) this.#hear(JSON.parse(line) as NameReply)
    })
    this.#socket.on('error', () => {})
    // vpcd has ended. The next one starts another process.
    this.#socket.on('close', () => {
      this.#isOpen = false
      for (const done of this.#replies.values()) done(false)
      this.#replies.clear()
    })
  }

  /** Have what a guest asks for learnt. `isThere`: the zone has it now. */
  async learn(guest: Guest, zone: number, wanted: { name: string } | { address: string }, isThere: () => boolean): Promise<Learnt> {
    const key = `${zone} ${JSON.stringify(wanted)}`
    const now = performance.now()
    if (!this.#isOpen || (this.#absent.get(key) ?? 0) > now) return 'absent'
    const others = this.#asked.get(key)
    if (others !== undefined) return others
    if (this.#asked.size >= mostAtOnce || this.#rates.take(String(guest.source)) !== undefined || !shares.take(guest)) return 'too-many'
    const asking = this.#ask({ zone, source: guest.source, ...wanted }, key, isThere).finally(() => {
      this.#asked.delete(key)
      shares.release(guest)
    })
    this.#asked.set(key, asking)
    return asking
  }

  async #ask(question: Omit<NameQuestion, 'number'>, key: string, isThere: () => boolean): Promise<Learnt> {
    const number = ++this.#number
    const { promise, resolve } = Promise.withResolvers<boolean>()
    this.#replies.set(number, resolve)
    this.#socket.write(`${JSON.stringify({ number, ...question })}\n`)
    const end = performance.now() + waitMs
    const isHeard = await Promise.race([promise, sleep(waitMs, false, { ref: false })])
    this.#replies.delete(number)
    if (!isHeard) return 'absent'
    for (; performance.now() < end; await sleep(lookMs)) if (isThere()) return 'found'
    this.#note(key)
    return 'absent'
  }

  #hear({ number, isHeard }: NameReply): void {
    this.#replies.get(number)?.(isHeard)
  }

  /** The oldest give way. */
  #note(key: string): void {
    this.#absent.delete(key)
    this.#absent.set(key, performance.now() + negativeMs)
    if (this.#absent.size > mostNegative) this.#absent.delete(this.#absent.keys().next().value!)
  }
}
