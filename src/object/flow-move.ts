/** The flows of a port leave as a document, and come in as one: a guest moves, and its connections live on. */
import { flowDocumentVersion, maxFlowsInDocument, readFlowDocument, type FlowDocument, type MovedFlow } from '#abi/flow-document.ts'
import type { FlowImport } from '#abi/info.ts'
import type { PortFlow } from '#datapath/flow-table.ts'
import { flowSeconds } from '#datapath/pickups.ts'
import { direction, flow, flowKey, flowState, flowStateOf, type Flow, type FlowKey } from '#datapath/policy-layout.ts'
import { formatIp, fromMapped, ipFrom, toMapped } from '#wire/ip-address.ts'
import type { Call } from './operation.ts'
import { unitName, type Model, type Port } from './store/model.ts'
import { ruleNumber } from './sync/policy/policy.ts'

/** Flows that an import takes over before others have their turn. */
const flowsAtOnce = 256

/** vpcp 0x0160: flows that had a packet within so many seconds; 0: all. The latest come first. */
export function exportFlows({ context, object: port, input: withinSeconds }: Call<Port, number>): FlowDocument {
  const { flows } = context.datapath.tables.policy
  const nowS = flowSeconds()
  const uncounted = flows.uncounted()
  const all = [...flows.ofPort(port.source, uncounted), ...(flows.young(uncounted).get(port.source) ?? [])]
    .filter((each) => withinSeconds === 0 || nowS - each.flow.lastS <= withinSeconds)
    .sort((a, b) => b.flow.lastS - a.flow.lastS)
  return { version: flowDocumentVersion, flows: all.slice(0, maxFlowsInDocument).map((each) => toDocument(context.model, each, nowS)) }
}

function toDocument({ ruleNames }: Model, { key, flow: known }: PortFlow, nowS: number): MovedFlow {
  return {
    protocol: key.protocol,
    icmpType: key.icmpType,
    inside: formatIp(fromMapped(key.inside)),
    outside: formatIp(fromMapped(key.outside)),
    insidePort: key.insidePort,
    outsidePort: key.outsidePort,
    state: flowStateOf(known.state) ?? 'new',
    begun: known.initiator === direction.in ? 'in' : 'out',
    fins: known.fins,
    idleSeconds: Math.max(0, nowS - known.lastS),
    ageSeconds: Math.max(0, nowS - known.createdS),
    rule: ruleNames.get(known.rule) ?? null,
    packetsIn: Number(known.packets[0]),
    packetsOut: Number(known.packets[1]),
    bytesIn: Number(known.bytes[0]),
    bytesOut: Number(known.bytes[1]),
  }
}

/**
 * vpcp 0x0161: take flows over. Each is judged by the rules of this host at its first packet. A flow that this host has
 * seen later stays as it is. Connections that the document lacks may be picked up for a while.
 */
export function* importFlows({ context, tx, object: port, input }: Call<Port, unknown>): Generator<void, FlowImport> {
  tx.asked = `import flows of port ${unitName(port)}`
  const read = readFlowDocument(input)
  if (!read.ok) return tx.refuse('EINVAL', read.at === undefined ? read.problem : `${read.at}: ${read.problem}`)
  const { policy } = context.datapath.tables
  const known = policy.portPolicies.get(port.source)
  if (port.groups.length === 0 || known === undefined)
    return tx.refuse('EINVAL', 'it is in no security group, so nobody tracks its flows', 'put the port into its groups first')
  const { flows } = read.value
  const confirmed = flows.filter(({ state }) => !isYoung(state)).length
  if (confirmed > port.maxFlows)
    return tx.refuse(
      'E2BIG',
      `the document has ${confirmed} established flows, and the port room for ${port.maxFlows}`,
      'raise it: vpc switch port set --max-flows',
    )
  const nowS = flowSeconds()
  policy.pickups.open(port.source)
  let imported = 0
  for (let at = 0; at < flows.length; at += flowsAtOnce) {
    yield
    const some = flows.slice(at, at + flowsAtOnce)
    imported += policy.flows.takeOver(
      port.source,
      some.map((each) => ({ key: keyOf(each), flow: flowOf(each, nowS, known.tcpIdleS), young: isYoung(each.state) })),
    )
  }
  return { imported, kept: flows.length - imported }
}

const isYoung = (state: MovedFlow['state']): boolean => state === 'new' || state === 'replied'

const keyOf = ({ protocol, icmpType, inside, outside, insidePort, outsidePort }: MovedFlow): FlowKey =>
  flowKey.decode(
    flowKey.encode({ protocol, icmpType, inside: toMapped(ipFrom(inside)), outside: toMapped(ipFrom(outside)), insidePort, outsidePort }),
  )

/** Policy and epoch 0 are of no judgement. */
function flowOf(moved: MovedFlow, nowS: number, tcpIdleS: number): Flow {
  return flow.decode(
    flow.encode({
      check: 0,
      rule: moved.rule === null ? 0 : ruleNumber(moved.rule.group, moved.rule.rule),
      policy: 0,
      epoch: 0,
      lastS: (nowS - moved.idleSeconds) >>> 0,
      tick: 0,
      createdS: (nowS - moved.ageSeconds) >>> 0,
      tcpIdleS,
      state: flowState[moved.state],
      initiator: direction[moved.begun],
      fins: moved.fins,
      confirmed: isYoung(moved.state) ? 0 : 1,
      birth: (Math.random() * 2 ** 32) >>> 0,
      packets: [BigInt(moved.packetsIn), BigInt(moved.packetsOut)],
      bytes: [BigInt(moved.bytesIn), BigInt(moved.bytesOut)],
    }),
  )
}
