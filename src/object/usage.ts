/** How full the tables of flows are, and what rules and queues have counted: mgmt 0x0141. */
import type { HostUsage } from '#abi/info.ts'
import type { Context } from './context.ts'
import { ruleCounters } from './type/group.ts'
import { queueStats } from './type/vmnic.ts'

/** Ask the kernel. Ports that are in no group have no flows. */
export function usage(context: Context): HostUsage {
  const { model, datapath } = context
  const { flows } = datapath.tables.policy
  return {
    ports: [...model.ofType('vpcp')].flatMap(({ id, source }) => {
      const fill = flows.fill(source)
      return fill === undefined ? [] : [{ id, ...fill }]
    }),
    young: flows.youngFill(),
    rules: [...model.ofType('group')].flatMap((group) => ruleCounters(context, group).map((counter) => ({ group: group.id, ...counter }))),
    nats: [...model.ofType('vpcnat')].flatMap(({ id, source }) => {
      const fill = datapath.tables.natCells.fill(source)
      return fill === undefined ? [] : [{ id, ...fill }]
    }),
    queues: [...model.ofType('vmnic')]
      .filter(({ ifindex }) => ifindex !== 0)
      .flatMap((vmnic) => queueStats(context, vmnic).map((queue) => ({ id: vmnic.id, ...queue }))),
  }
}
