/** Reads a question about a path: names, ids and addresses become vnics and a packet. */
import { parseIp, formatIp } from '#wire/ip-address.ts'
import { kindOf } from '#resource/kinds.ts'
import { nearest } from '#abi/nearest.ts'
import { find } from '../model/find.ts'
import { notFound } from '../model/model.ts'
import { fieldProblem } from '../model/problem.ts'
import type { ObjectRecord } from '../model/record.ts'
import type { Viewer } from '../model/view.ts'
import { protocols, type Packet, type Protocol } from './answer.ts'
import type { PathQuestion } from './check.ts'
import { familyOf, vnicSpec, type Cloud } from './cloud.ts'

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
  const vpc = words.vpc === undefined ? undefined : oneOf(viewer, 'vpc', words.vpc, 'vpc')
  const from = senderOf(viewer, cloud, words.from!, vpc)
  const fromAddress = parseIp(words.from!)
  const toAddress = parseIp(words.to!)
  const to = toAddress.ok ? undefined : vnicOf(viewer, words.to!, 'to')
  const own = vnicSpec(from).addresses
  const [source, destination] = ends(
    fromAddress.ok ? [formatIp(fromAddress.value)] : own,
    toAddress.ok ? [formatIp(toAddress.value)] : vnicSpec(to!).addresses,
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

/** One thing of a kind that a word names. */
export function oneOf({ mirror, caller }: Viewer, kind: string, text: string, word: string): ObjectRecord {
  const found = find({ objects: mirror.objects, caller }, kindOf(kind), text)
  if (found.kind === 'one') return found.stored.record
  if (found.kind === 'none') throw notFound(kindOf(kind), text.slice(0, 200))
  throw fieldProblem(
    'invalid',
    [word],
    `there are several of the name ${text}: ${found.paths.join(', ')}; say which one, by its path or id`,
  )
}

const vnicOf = (viewer: Viewer, text: string, word: string): ObjectRecord => oneOf(viewer, 'vnic', text, word)

/** A vnic by name, id or address. An address may stand for vnics of several vpcs. */
function senderOf(viewer: Viewer, cloud: Cloud, text: string, vpc: ObjectRecord | undefined): ObjectRecord {
  const address = parseIp(text)
  if (!address.ok) return vnicOf(viewer, text, 'from')
  const ip = formatIp(address.value)
  const { mirror, caller } = viewer
  const { objects } = mirror
  const vpcs = vpc === undefined ? [...objects.ids('vpc')] : [vpc.id]
  const found = vpcs.flatMap((id) => {
    const station = find({ objects, caller }, kindOf('vpc'), id).kind === 'one' ? cloud.station(id, ip) : undefined
    return station === undefined ? [] : [station]
  })
  if (found.length === 1) return found[0]!
  if (found.length === 0) throw fieldProblem('not-found', ['from'], `no vnic that you may see has ${ip}`)
  const names = found.map((each) => objects.get('vpc', each.vpc!)!.record.name).join(', ')
  throw fieldProblem('invalid', ['from'], `vnics of several vpcs have ${ip}: of ${names}; say which vpc`)
}
