/** The stages of a trace in words: one function each. A stage without one does not compile. */
import { dropWords, type DropWords } from '#abi/drop-words.ts'
import type { RouteInfo } from '#abi/info.ts'
import { noneAllows } from '#abi/rule-words.ts'
import type { TraceStep } from '#abi/trace.ts'
import { dropReasons, dstFlag, dstKind, portFlag, statsNone } from '#datapath/layout.ts'
import { direction as directions, flowStateOf } from '#datapath/policy-layout.ts'
import type { Stage } from '#datapath/tracer.ts'
import type { TraceStage } from '#datapath/trace-layout.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import { describeRoute } from '../route-text.ts'
import { unitName } from '../store/model.ts'
import type { Names } from './names.ts'

/** What a stage's text may need besides its own record. */
export interface Around {
  readonly names: Names
  /** All stages of the run. */
  readonly stages: readonly Stage[]
  /** `tcp 443`: what a rule would have to allow. */
  readonly service: string
}

type Say = (stage: Stage, around: Around) => TraceStep | undefined
const pass = (stage: string, text: string): TraceStep => ({ stage, verdict: 'pass', text })

/** By enum vpc_dst_kind, for those who may know no more. */
const places: Readonly<Record<number, string>> = {
  [dstKind.local]: 'an interface of this host',
  [dstKind.remote]: 'another host',
  [dstKind.uplink]: 'the uplink',
}

/** Kinds of enum tuple_kind of bpf/lib/tuple.h. */
const kinds = ['', 'a later fragment of it', 'an ICMP error about one of its flows', 'it begins no flow', '']

const say: Readonly<Record<TraceStage, Say>> = {
  none: () => undefined,
  port({ value: [source, segment, flags, vlan] }, { names, stages }) {
    const unit = names.unit(source!)
    const tag = vlan === 0 ? '' : `, VLAN ${vlan}`
    const antispoof = (flags! & portFlag.antispoof) === 0 ? '; its senders are not checked' : ''
    const checked = antispoof || stages.some(isDropOfSender) ? antispoof : '; the sender uses its own MAC and addresses'
    return pass('port', `${names.port(source!)}${unit === null ? '' : ` of ${unit}`}, in ${names.segment(segment!)}${tag}${checked}`)
  },
  drop: ({ value: [reason, source] }, around) => ({
    stage: 'drop',
    verdict: 'drop',
    ...dropText(reason!, source!, around),
  }),
  groups({ value: [source, way, reason, policy, rule, state, kind], second }, { names }) {
    const direction = way === directions.in ? 'in' : 'out'
    const where = `${direction === 'in' ? 'into' : 'out of'} ${names.port(source!)} (${names.groups(source!)})`
    const name = names.rule(source!, rule!)
    const named = name === undefined ? {} : { rule: name }
    const peer = names.peer(source!, second)
    if (reason !== 0) return { stage: 'groups', verdict: 'drop', text: `${where}: refused, with ${peer}`, ...named }
    const before = flowStateOf(state!)
    const flow = before === undefined ? '' : `its flow is ${before}; `
    const by =
      name ?? (policy === 0 ? 'everything may go out' : rule === 0 && kind !== 0 ? 'what it belongs to has passed' : 'a rule allows it')
    const note = kinds[kind!] ? ` (${kinds[kind!]})` : ''
    return { stage: 'groups', verdict: 'pass', text: `${where}, with ${peer}: ${flow}${by}${note}`, ...named }
  },
  destination({ value: [segment, kind, flags, , source, mtu, end], first, second }, { names }) {
    const fits = mtu === 0 ? '' : `; packets up to ${mtu} bytes fit`
    if (!names.all) return pass('destination', `${places[kind!] ?? 'somewhere'}${fits}`)
    const mac = names.mac(first)
    if (kind === dstKind.local) {
      const unit = names.unit(source!)
      const limited = (flags! & dstFlag.limited) === 0 ? '' : ', limited'
      return pass('destination', `${mac} in ${names.segment(segment!)} is ${unit ?? 'a unit'} in ${names.port(source!)}${limited}${fits}`)
    }
    if (kind === dstKind.uplink) return pass('destination', `${mac} is behind the uplink${fits}`)
    const vtep = names.vtep(kind!, end! >>> 16, second) ?? 'another host'
    return pass('destination', `${mac} in ${names.segment(segment!)} is behind ${vtep}, by ${names.port(source!)}${fits}`)
  },
  route({ value: [, number, , , segment], first }, { names, stages }) {
    const bits = number === 0 ? null : number! - 1
    const route = describeRoute(names.model, segment!, number === 0 ? undefined : prefixOf(first, bits!), bits)
    const isEnd = stages.some(isDropByRoute)
    const text = names.all ? routeText(route) : isEnd ? 'no route leads there' : 'a route leads there'
    return { stage: 'route', verdict: isEnd ? 'drop' : 'pass', text }
  },
  station({ value: [vpc, segment, found], first, second }, { names }) {
    const address = formatIp(fromMapped(first))
    const sw = names.model.byType.vpcsw.get(vpc! - 1)
    const where = names.all && sw !== undefined ? ` of ${unitName(sw)}` : ''
    if (found === 0) return { stage: 'station', verdict: 'drop', text: `no station${where} has ${address}` }
    return pass('station', `${address} is ${names.all ? names.mac(second) : 'a station'} in ${names.segment(segment!)}`)
  },
  tunnel({ value: [source, vni, reason], first }, { names }) {
    const from = `from ${formatIp(fromMapped(first))}, VNI ${vni}, to ${names.port(source!)}`
    return reason === 0
      ? pass('tunnel', `${from}: a VTEP of the VNI sent it`)
      : { stage: 'tunnel', verdict: 'drop', text: `${from}: refused` }
  },
  limit({ value: [source, way, paid] }, { names }) {
    const what = `${way === 1 ? 'what may go to' : 'what may come from'} ${names.port(source!)}`
    return paid === 0 ? { stage: 'limit', verdict: 'drop', text: `beyond ${what}` } : pass('limit', `within ${what}`)
  },
  copy({ value: [kind, , source], second }, { names }) {
    const to =
      kind === dstKind.remote
        ? (names.vtep(kind, second.slice(4).some((byte) => byte !== 0) ? 6 : 4, second) ?? 'another host')
        : names.port(source!)
    return pass('copy', `a copy to ${to}`)
  },
  nat({ value: [source, place, reason], first, second }, { names }) {
    if (reason !== 0) return { stage: 'nat', verdict: 'drop', text: 'no NAT takes it outside' }
    const where =
      [
        'out of its wire',
        'by the host that has its wire',
        `to the station ${formatIp(fromMapped(second))}`,
        'to the station that has its port of a shared address',
      ][place!] ?? ''
    const becomes = first.some((byte) => byte !== 0) ? formatIp(fromMapped(first)) : 'one of its public addresses'
    return pass('nat', `${names.port(source!)}: the sender becomes ${becomes}, ${where}`)
  },
  nat_dest({ value: [source, byPort, reason], first }, { names }) {
    if (reason !== 0) return { stage: 'nat', verdict: 'drop', text: `${names.port(source!)} takes it to no station` }
    const how = byPort === 1 ? 'by its port of a shared address' : 'by its floating address'
    return pass('nat', `${names.port(source!)}: the destination becomes ${formatIp(fromMapped(first))}, ${how}`)
  },
  nat_source({ value: [source, port, counts, reason], first }, { names }) {
    if (reason !== 0) return { stage: 'nat', verdict: 'drop', text: `${names.port(source!)} has no public port for the sender` }
    return pass('nat', `${names.port(source!)}: the sender becomes ${formatIp(fromMapped(first))}${counts === 0 ? '' : `, port ${port}`}`)
  },
  question: () => pass('question', 'the tables do not answer it; listeners on the switch are told'),
}

/** The text of a stage; undefined: it is not worth one. */
export const stepOf = (stage: Stage, around: Around): TraceStep | undefined => say[stage.stage](stage, around)

const senderReasons = new Set([
  'source_mac',
  'source_ip',
  'arp_spoof',
  'nd_spoof',
  'malformed',
  'vlan_mismatch',
  'switch_down',
  'port_held',
])
const isDropOf = ({ stage, value }: Stage, has: (reason: string) => boolean): boolean =>
  stage === 'drop' && has(dropReasons[value[0]!] ?? '')
const isDropOfSender = (stage: Stage): boolean => isDropOf(stage, (reason) => senderReasons.has(reason))
const isDropByRoute = (stage: Stage): boolean => isDropOf(stage, (reason) => reason === 'route_blackhole' || reason === 'no_route')

const prefixOf = (address: Uint8Array, bits: number): ReturnType<typeof fromMapped> =>
  bits >= 96 ? fromMapped(address) : (address.slice() as ReturnType<typeof fromMapped>)

function routeText({ router, table, prefix, target }: RouteInfo): string {
  const where = `${router ?? 'no router'}, table ${table}`
  return prefix === null ? `${where}: no route` : `${where}: ${prefix} ${target ?? '(gone meanwhile)'}`
}

function dropText(number: number, source: number, around: Around): Pick<TraceStep, 'text' | 'remedy'> {
  const reason = dropReasons[number]
  if (reason === undefined || reason === 'none') return { text: `dropped for reason ${number}` }
  const { why, remedy }: DropWords = dropWords[reason]
  const counted = source === statsNone ? '' : `, counted for ${around.names.port(source)}`
  const instead = (reason === 'sg_denied' ? missingRule(around) : undefined) ?? remedy
  return { text: `${reason}: ${why}${counted}`, ...(instead !== undefined && { remedy: instead }) }
}

/** The rule that would let it pass. */
function missingRule({ names, stages, service }: Around): string | undefined {
  const refused = stages.findLast(({ stage, value }) => stage === 'groups' && value[2] !== 0)
  if (refused === undefined) return undefined
  const [source, way] = refused.value as [number, number]
  if (!names.isOpen(source)) return "ask the destination's owner for a rule"
  const direction = way === directions.in ? 'in' : 'out'
  const peer = formatIp(fromMapped(refused.second))
  const [protocol, port] = service.split(' ')
  const ports = port === undefined ? '' : protocol === 'icmp' || protocol === 'icmpv6' ? ` --icmp=${port}` : ` --ports=${port}`
  const none = `${noneAllows(names.ruleCount(source, direction), direction, ` of ${names.groups(source)}`)} ${service} ${direction === 'in' ? 'from' : 'to'} ${peer}`
  return `${none}: vpc group rule add --group-id=${names.firstGroup(source)} --rule=N --direction=${direction} --protocol=${protocol}${ports} --peer=${peer}`
}
