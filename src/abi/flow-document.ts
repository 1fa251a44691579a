/**
 * The flows of one port as a document, for a guest that moves to another host: ages instead of clocks, and rules by the
 * ids of their groups, since each host has its own numbers.
 */
import { formatIp, fromMapped, parseIp, toMapped } from '#wire/ip-address.ts'
import { isPlainObject } from '#wire/plain-object.ts'
import { isRuleId } from './group-rule.ts'
import { parseId, type Id } from './id.ts'
import { kindOf, type Read } from './kind.ts'

/** Of the document's form. A reader refuses others. */
export const flowDocumentVersion = 1
/** Flows that a document may have, so that it fits into a frame. */
export const maxFlowsInDocument = 25_000

export const flowStates = ['new', 'replied', 'established', 'closing', 'denied'] as const

export interface MovedFlow {
  /** Its number. */
  readonly protocol: number
  /** Of the request; 0 of other protocols than ICMP. */
  readonly icmpType: number
  readonly inside: string
  readonly outside: string
  /** Of ICMP: the identifier. */
  readonly insidePort: number
  readonly outsidePort: number
  readonly state: (typeof flowStates)[number]
  readonly begun: 'in' | 'out'
  /** Bits: 2 a FIN came in, 4 one went out, 128 it began before its port saw it. */
  readonly fins: number
  readonly idleSeconds: number
  readonly ageSeconds: number
  /** That allowed it; null: everything may go out. */
  readonly rule: { readonly group: Id; readonly rule: string } | null
  readonly packetsIn: number
  readonly packetsOut: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export interface FlowDocument {
  readonly version: typeof flowDocumentVersion
  readonly flows: readonly MovedFlow[]
}

type Fields = Readonly<Record<string, unknown>>

const good = <T>(value: T): Read<T> => ({ ok: true, value })
const bad = (problem: string): { readonly ok: false; readonly problem: string } => ({ ok: false, problem })

const most = {
  protocol: 255,
  icmpType: 255,
  insidePort: 0xffff,
  outsidePort: 0xffff,
  fins: 255,
  idleSeconds: 0x7fff_ffff,
  ageSeconds: 0x7fff_ffff,
  packetsIn: Number.MAX_SAFE_INTEGER,
  packetsOut: Number.MAX_SAFE_INTEGER,
  bytesIn: Number.MAX_SAFE_INTEGER,
  bytesOut: Number.MAX_SAFE_INTEGER,
} as const

function readRule(value: unknown): Read<MovedFlow['rule']> {
  if (value === null) return good(null)
  if (!isPlainObject(value)) return bad(`rule is null, or a group and a rule, not ${kindOf(value)}`)
  const group = parseId(String(value['group']), 'group')
  const rule = String(value['rule'])
  if (!group.ok) return bad(`rule.group is the id of a group, not ${kindOf(value['group'])}`)
  return isRuleId(rule) ? good({ group: group.id, rule }) : bad(`rule.rule is the id of a rule, not ${kindOf(value['rule'])}`)
}

/** Addresses in the form that the tables have, so that each flow has one spelling. */
function readEnds({ inside, outside }: Fields): Read<Pick<MovedFlow, 'inside' | 'outside'>> {
  const ends = [inside, outside].map((end) => (typeof end === 'string' ? parseIp(end) : undefined))
  const [first, second] = ends
  if (!first?.ok || !second?.ok) return bad(`inside and outside are addresses, not ${kindOf(first?.ok ? outside : inside)}`)
  const usual = (ip: (typeof first)['value']): string => formatIp(fromMapped(toMapped(ip)))
  return good({ inside: usual(first.value), outside: usual(second.value) })
}

function readFlow(value: unknown): Read<MovedFlow> {
  if (!isPlainObject(value)) return bad(`a flow is a map, not ${kindOf(value)}`)
  for (const [name, limit] of Object.entries(most)) {
    const number = value[name]
    if (!Number.isSafeInteger(number) || (number as number) < 0 || (number as number) > limit)
      return bad(`${name} is a number from 0 to ${limit}, not ${kindOf(number)}`)
  }
  const state = flowStates.find((each) => each === value['state'])
  if (state === undefined) return bad(`state is one of ${flowStates.join(', ')}, not ${kindOf(value['state'])}`)
  const begun = (['in', 'out'] as const).find((each) => each === value['begun'])
  if (begun === undefined) return bad(`begun is in or out, not ${kindOf(value['begun'])}`)
  const [ends, rule] = [readEnds(value), readRule(value['rule'] ?? null)]
  if (!ends.ok) return ends
  if (!rule.ok) return rule
  const numbers = Object.fromEntries(Object.keys(most).map((name) => [name, value[name]])) as Record<keyof typeof most, number>
  return good({ ...numbers, ...ends.value, state, begun, rule: rule.value })
}

/** Read a document. */
export function readFlowDocument(value: unknown): Read<FlowDocument> {
  if (!isPlainObject(value)) return bad(`a document of flows is a map, not ${kindOf(value)}`)
  const { version, flows } = value
  if (version !== flowDocumentVersion) return bad(`its version is ${kindOf(version)}; this vpcd reads version ${flowDocumentVersion}`)
  if (!Array.isArray(flows)) return bad(`flows is a list, not ${kindOf(flows)}`)
  if (flows.length > maxFlowsInDocument) return bad(`it has ${flows.length} flows, and may have ${maxFlowsInDocument}`)
  const found: MovedFlow[] = []
  for (const [i, each] of flows.entries()) {
    const read = readFlow(each)
    if (!read.ok) return { ...read, at: `flows[${i}]` }
    found.push(read.value)
  }
  return good({ version: flowDocumentVersion, flows: found })
}
