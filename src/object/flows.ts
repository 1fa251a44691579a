/** The flows of ports, in the words of the objects. */
import type { FlowInfo } from '#abi/info.ts'
import { protocolNumbers } from '#abi/group-rule.ts'
import type { Id } from '#abi/id.ts'
import type { PortFlow } from '#datapath/flow-table.ts'
import { flowSeconds } from '#datapath/pickups.ts'
import { direction, flowStateOf } from '#datapath/policy-layout.ts'
import { formatIp, fromMapped } from '#wire/ip-address.ts'
import type { Context } from './context.ts'
import type { Call } from './operation.ts'
import { ruleName } from './refusal.ts'
import { unitName, type Model, type Port } from './store/model.ts'

/** mgmt 0x0140: those of a port, or of all. */
export function listFlows({ context, tx, input: id }: Call<undefined, Id | undefined>): readonly FlowInfo[] {
  const { model } = context
  if (id === undefined)
    return flowsOf(
      context,
      [...model.ofType('vpcp')].filter(({ groups }) => groups.length > 0),
    )
  tx.asked = `list the flows of port ${id}`
  return flowsOf(context, [model.find('vpcp', id) ?? tx.refuse('ENOENT', 'there is no port of that id on this host')])
}

/** Mgmt 0x0142: those of all ports that had a packet within so many seconds; 0: all. */
export const activeFlows = (context: Context, seconds: number): readonly FlowInfo[] =>
  flowsOf(
    context,
    [...context.model.ofType('vpcp')].filter(({ groups }) => groups.length > 0),
    seconds === 0 ? 0 : flowSeconds() - seconds,
  )

function flowsOf({ model, datapath }: Context, ports: readonly Port[], sinceS = 0): FlowInfo[] {
  const { flows } = datapath.tables.policy
  const uncounted = flows.uncounted()
  const young = flows.young(uncounted, sinceS)
  const nowS = flowSeconds()
  return ports.flatMap((port) =>
    [...flows.ofPort(port.source, uncounted, sinceS), ...(young.get(port.source) ?? [])].map((each) =>
      describeFlow(model, port, each, nowS),
    ),
  )
}

const nameIn = (names: Readonly<Record<string, number>>, value: number): string =>
  Object.keys(names).find((name) => names[name] === value) ?? String(value)

function describeFlow(model: Model, port: Port, { key, flow, young }: PortFlow, nowS: number): FlowInfo {
  return {
    port: unitName(port),
    protocol: nameIn(protocolNumbers, key.protocol),
    inside: formatIp(fromMapped(key.inside)),
    outside: formatIp(fromMapped(key.outside)),
    insidePort: key.insidePort,
    outsidePort: key.outsidePort,
    state: flowStateOf(flow.state) ?? String(flow.state),
    begun: flow.initiator === direction.in ? 'in' : 'out',
    rule: ruleName(model, flow.rule),
    idleSeconds: Math.max(0, nowS - flow.lastS),
    ageSeconds: Math.max(0, nowS - flow.createdS),
    packetsIn: Number(flow.packets[0]),
    bytesIn: Number(flow.bytes[0]),
    packetsOut: Number(flow.packets[1]),
    bytesOut: Number(flow.bytes[1]),
    confirmed: !young,
  }
}
