/** Reads a question about a path: names, ids and addresses become vnics and a packet. */
import { nearest } from '#abi/nearest.ts'
import { fieldProblem } from '../model/problem.ts'
import type { Viewer } from '../model/view.ts'
import { protocols, type Packet, type Protocol } from './answer.ts'
import type { PathQuestion } from './check.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'
import { targetOf } from './outside-question.ts'
import { addressIn, oneOf, vnicAt, type Asked } from './vnic-at.ts'

export const questionWords = ['from', 'to', 'protocol', 'port', 'vpc'] as const
export type QuestionWords = Readonly<Partial<Record<(typeof questionWords)[number], string>>>

/** Take the words of a query or a body. */
export function wordsOf(given: Readonly<Record<string, unknown>>, known: readonly string[] = questionWords): Record<string, string> {
  const words: Record<string, string> = {}
  for (const [word, value] of Object.entries(given)) {
    if (!known.includes(word)) {
      const near = nearest(word, known)
      const text = `there is no '${word.slice(0, 64)}' here; there are ${known.join(', ')}`
      throw fieldProblem('unknown-field', [word.slice(0, 64)], near === undefined ? text : `${text}; did you mean ${near}?`)
    }
    if (value === null || value === undefined) continue
    if (typeof value !== 'string' && typeof value !== 'number') throw fieldProblem('invalid', [word], 'it is a text')
    words[word] = String(value)
  }
  return words
}

/** The question that words ask. Throws a Problem. */
export function questionOf(viewer: Viewer, cloud: Cloud, words: QuestionWords): PathQuestion {
  const { protocol, port } = protocolOf(words)
  for (const word of ['from', 'to'] as const)
    if (words[word] === undefined) throw fieldProblem('invalid', [word], 'it is missing: a vnic, or an address')
  const asked: Asked = { viewer, cloud, vpc: words.vpc === undefined ? undefined : oneOf(viewer, 'vpc', words.vpc, 'vpc') }
  const from = vnicAt(asked, words.from!, 'from')
  const [fromAddress, toAddress] = [addressIn(words.from!), addressIn(words.to!)]
  const to = toAddress === undefined ? oneOf(viewer, 'vnic', words.to!, 'to') : undefined
  if (from === undefined) {
    const met = targetOf(asked, fromAddress!, { to, address: toAddress })
    return {
      from,
      to: met.to,
      packet: { family: familyOf(met.destination), protocol, port, source: fromAddress!, destination: met.destination },
    }
  }
  const own = vnicSpec(from).addresses
  const [source, destination] = ends(
    fromAddress === undefined ? own : [fromAddress],
    toAddress === undefined ? vnicSpec(to!).addresses : [toAddress],
  )
  const packet: Packet = { family: familyOf(destination), protocol, port, source, destination }
  return { from, to, packet }
}

/** An address of each end, of one family: IPv4 where both have it. */
function ends(from: readonly string[], to: readonly string[]): readonly [string, string] {
  for (const family of [4, 6] as const) {
    const [source, destination] = [from, to].map((all) => all.find((each) => familyOf(each) === family))
    if (source !== undefined && destination !== undefined) return [source, destination]
  }
  const text = `the two have no address of one family: ${from.join(', ') || 'none'}, and ${to.join(', ') || 'none'}`
  throw fieldProblem('invalid', ['to'], text)
}

/** `icmp`, or a port of TCP, UDP or SCTP. */
export function protocolOf({ protocol = 'icmp', port }: QuestionWords): { readonly protocol: Protocol; readonly port: number | null } {
  if (!(protocols as readonly string[]).includes(protocol))
    throw fieldProblem('invalid', ['protocol'], `'${protocol.slice(0, 20)}' is none of ${protocols.join(', ')}`)
  if (protocol === 'icmp') {
    if (port !== undefined) throw fieldProblem('invalid', ['port'], 'a ping has no port; name a protocol that has')
    return { protocol, port: null }
  }
  if (port === undefined) throw fieldProblem('invalid', ['port'], `it is missing: the port of ${protocol}`)
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) throw fieldProblem('invalid', ['port'], 'it is a number from 0 to 65535')
  return { protocol: protocol as Protocol, port: Number(port) }
}
