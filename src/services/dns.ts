/** What the DNS service says to a message of a guest. */
import { Malformed, rcode, readQuestion, refuseMalformed, writeAnswer, type Question, type Said } from './dns-message.ts'
import { askOthers } from './forwarder.ts'
import type { Guest } from './guest-address.ts'
import { factsOf, readLargeKey } from './process.ts'
import { answerFrom, type Zone } from './zone.ts'

/** As src/object/sync/projection/guest-files.ts writes it. */
interface Asker {
  readonly incarnation: number
  /** The switch, by its unit. */
  readonly zone: number
  readonly forward: readonly string[]
}

const refused: Said = { code: rcode.refused, authoritative: false }
const failed: Said = { code: rcode.servFail, authoritative: false }

async function answerQuestion(guest: Guest, message: Buffer, question: Question, tcp: boolean): Promise<Buffer> {
  const asker = factsOf<Asker>(guest)
  if (asker === undefined) return writeAnswer(question, refused, tcp)
  const zone = readLargeKey<Zone>(`zone-${asker.zone}`) ?? { domains: [], prefixes: [], names: {} }
  const said = answerFrom(zone, question)
  if (said !== undefined) return writeAnswer(question, said, tcp)
  if (asker.forward.length === 0) return writeAnswer(question, refused, tcp)
  return (await askOthers(guest, asker.forward, message, question, tcp)) ?? writeAnswer(question, failed, tcp)
}

/** Answer a message. Undefined: nothing is said to it. */
export async function answerMessage(guest: Guest, message: Buffer, tcp: boolean): Promise<Buffer | undefined> {
  try {
    return await answerQuestion(guest, message, readQuestion(message), tcp)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    return refuseMalformed(message)
  }
}
