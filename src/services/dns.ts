/** What the DNS service says to a message of a guest. */
import { Malformed, rcode, readQuestion, refuseMalformed, writeAnswer, type Question, type Said } from './dns-message.ts'
import { formatIp } from '#wire/ip-address.ts'
import { askOthers } from './forwarder.ts'
import type { Guest } from './guest-address.ts'
import { NameLearner, type Learnt } from './learn-name.ts'
import { factsOf, readLargeKey } from './process.ts'
import { answerFrom, reverseAddress, type Zone } from './zone.ts'

/** As src/object/sync/projection/guest-files.ts writes it. */
interface Asker {
  readonly incarnation: number
  /** The switch, by its unit. */
  readonly zone: number
  readonly forward: readonly string[]
}

const refused: Said = { code: rcode.refused, authoritative: false }
const failed: Said = { code: rcode.servFail, authoritative: false }

let learner: NameLearner | undefined

/** From now on names that a zone does not have are asked for, by a socket to vpcd. */
export function learnNamesBy(fd: number): void {
  learner = new NameLearner(fd)
}

/** What a zone says. One that does not have a name may learn it. */
async function saidBy(guest: Guest, { zone: unit }: Asker, question: Question): Promise<Said | undefined> {
  const look = (): Said | undefined => {
    const zone = readLargeKey<Zone>(`zone-${unit}`)
    return zone && answerFrom(zone, question)
  }
  const said = look()
  if (said?.code !== rcode.nxDomain || learner === undefined) return said
  const address = reverseAddress(question.name)
  const wanted = address === undefined ? { name: question.name } : { address: formatIp(address) }
  const learnt: Learnt = await learner.learn(guest, unit, wanted, () => look()?.code !== rcode.nxDomain)
  if (learnt === 'too-many') return failed
  return learnt === 'found' ? look() : said
}

async function answerQuestion(guest: Guest, message: Buffer, question: Question, tcp: boolean): Promise<Buffer> {
  const asker = factsOf<Asker>(guest)
  if (asker === undefined) return writeAnswer(question, refused, tcp)
  const said = await saidBy(guest, asker, question)
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
