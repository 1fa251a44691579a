/** The metrics that the exporter of a host has from vpcd. */
import type { Metric } from './metric.ts'

/** A port, mux or NAT of a host; interface, vnic and vpc are empty where it has none. */
export const unitLabels = ['unit', 'interface', 'vnic', 'vpc'] as const

const eachUnit = 'one for each port, mux and NAT'

const ofUnit = (name: string, unit: Metric['unit'], help: string): Metric => ({
  name: `vpc_${name}_total`,
  type: 'counter',
  labels: unitLabels,
  help,
  unit,
  source: 'vpcd',
  bound: eachUnit,
})

/** Counters of ports, muxes and NATs, by their names in `SourceStats`. */
export const unitCounters = {
  rxPackets: ofUnit('receive_packets', 'packets', 'Packets from the interface of a port, or from other hosts through a mux.'),
  rxBytes: ofUnit('receive_bytes', 'bytes', 'Bytes of these packets.'),
  txPackets: ofUnit('transmit_packets', 'packets', 'Packets to the interface of a port, or to other hosts through a mux.'),
  txBytes: ofUnit('transmit_bytes', 'bytes', 'Bytes of these packets.'),
  answered: ofUnit('answered_questions', 'packets', 'ARP and ND questions that the host answered.'),
  missed: ofUnit('unanswered_questions', 'packets', 'ARP, ND and DHCP questions that no table answers.'),
  lostQuestions: ofUnit('lost_question_events', 'events', 'Unanswered questions without an event: too fast, or the ring was full.'),
  lostDropEvents: ofUnit('lost_drop_events', 'events', 'Drops without an event: too fast, or the ring was full.'),
  flooded: ofUnit('flooded_packets', 'packets', 'Packets that were replicated.'),
  tooBig: ofUnit('too_big_packets', 'packets', 'Packets that were answered with an ICMP error about their size.'),
  txLimited: ofUnit('limited_packets', 'packets', "Packets for an interface that its port's rate limits kept back."),
  flowOverflow: ofUnit('flow_overflows', 'flows', "Confirmed flows that found the port's quota used up."),
} as const

export const dropped: Metric = {
  ...ofUnit('dropped_packets', 'packets', 'Packets that the programs dropped, by reason; docs/commands/drops.md.'),
  labels: [...unitLabels, 'reason'],
  bound: 'one for each port, mux and NAT, and reason that it has dropped for; the list of reasons is closed',
}

const gauge = (name: string, labels: readonly string[], help: string, bound: string, unit: Metric['unit'] = '1'): Metric => ({
  name: `vpc_${name}`,
  type: 'gauge',
  labels,
  help,
  unit,
  source: 'vpcd',
  bound,
})

const eachPort = 'one for each port in a security group'
export const flows = gauge('flows', unitLabels, 'Confirmed flows that a port has.', eachPort, 'flows')
export const flowsLimit = gauge('flows_limit', unitLabels, 'Confirmed flows that a port may have (--max-flows).', eachPort, 'flows')
export const youngFlows = gauge('young_flows', [], 'Flows of all ports that no reply has confirmed.', 'one', 'flows')
export const youngFlowsLimit = gauge('young_flows_limit', [], 'How many of these fit; further ones evict old ones.', 'one', 'flows')

const eachNat = 'one for each NAT that shares public addresses on this host'
export const natBlocks = gauge('nat_blocks', unitLabels, 'Blocks of 64 public ports that stations of a NAT have.', eachNat)
export const natBlocksLimit = gauge('nat_blocks_limit', unitLabels, 'How many blocks its public addresses have.', eachNat)

export const ruleFlows: Metric = {
  name: 'vpc_rule_flows_total',
  type: 'counter',
  labels: ['group', 'name', 'rule'],
  help: 'Flows that a rule of a security group has allowed on this host.',
  unit: 'flows',
  source: 'vpcd',
  bound: 'one for each rule of each group of a switch; --no-rules leaves them out',
}

const ofQueue = (name: string, unit: Metric['unit'], help: string): Metric => ({
  name: `vpc_queue_${name}_total`,
  type: 'counter',
  labels: ['interface', 'queue', 'vnic'],
  help,
  unit,
  source: 'vpcd',
  bound: 'one for each queue of each vmnic; --no-queues leaves them out',
})
/** Counters of the queues of vmnics, by their names in `QueueStats`. */
export const queueCounters = {
  rxPackets: ofQueue('receive_packets', 'packets', 'Packets from the guest, of a vmnic with more than one queue.'),
  rxBytes: ofQueue('receive_bytes', 'bytes', 'Bytes of these packets.'),
  txPackets: ofQueue('transmit_packets', 'packets', 'Packets to the guest.'),
  txBytes: ofQueue('transmit_bytes', 'bytes', 'Bytes of these packets.'),
  txDrops: ofQueue('transmit_drops', 'packets', 'Packets to the guest that found the queue full.'),
} as const

export const objects = gauge('objects', ['type'], 'Objects of the host.', 'one for each type of object')
export const troubles = gauge('objects_in_trouble', ['type'], 'Objects that are not as they should be (vpc audit).', 'one for each type')
export const muxEntries = gauge('mux_entries', ['mux'], 'Forwarding entries of a mux.', 'one for each mux')
export const muxDirect = gauge(
  'mux_direct_way',
  ['mux', 'direction'],
  'Whether packets bypass the stack of the host: 1, or 0 while something must see each of them.',
  'two for each mux',
)
export const daemonUp = gauge('daemon_up', [], 'Whether vpcd answers.', 'one')
export const daemonInfo = gauge('daemon_info', ['version'], 'Always 1.', 'one')
export const daemonStart = gauge('daemon_start_time_seconds', [], 'When vpcd began, in seconds since 1970.', 'one', 'seconds')
export const daemonDescriptors = gauge('daemon_descriptors', [], 'Descriptors that clients of vpcd hold.', 'one')
export const daemonMemory = gauge('daemon_resident_memory_bytes', [], 'Memory of the process vpcd.', 'one', 'bytes')

/** All of them. */
export const hostMetrics: readonly Metric[] = [
  ...Object.values(unitCounters),
  dropped,
  flows,
  flowsLimit,
  youngFlows,
  youngFlowsLimit,
  natBlocks,
  natBlocksLimit,
  ruleFlows,
  ...Object.values(queueCounters),
  objects,
  troubles,
  muxEntries,
  muxDirect,
  daemonUp,
  daemonInfo,
  daemonStart,
  daemonDescriptors,
  daemonMemory,
]
