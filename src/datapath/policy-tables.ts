/** The tables of security groups, by the names of bpf/lib/policy-maps.h. */
import { u32 } from '#abi/c-struct.ts'
import type { BpfMap } from '#kernel/bpf-map.ts'
import { ArrayTable } from './array-table.ts'
import { FlowTable } from './flow-table.ts'
import { PeerEpochs } from './peer-epochs.ts'
import { Pickups } from './pickups.ts'
import * as layout from './policy-layout.ts'
import { RuleHits } from './rule-hits.ts'
import { Table } from './table.ts'

/** What decides about the flows of ports that are in groups, and the flows. */
export class PolicyTables {
  /** By stats index of the port. */
  readonly portPolicies: ArrayTable<layout.PortPolicy>
  readonly members
  readonly cidrs
  readonly peerRules
  readonly portCuts
  readonly portRules
  readonly ruleNumbers
  readonly peerEpochs: PeerEpochs
  readonly pickups: Pickups
  readonly flows: FlowTable
  readonly ruleHits: RuleHits

  /** `written`: see TableOptions. */
  constructor(map: (name: string) => BpfMap, written: () => void) {
    const named = { named: true, written } as const
    this.portPolicies = new ArrayTable('port_policies', map('port_policies'), u32, layout.portPolicy)
    this.members = new Table('members', map('members'), layout.memberKey, layout.member, named)
    this.cidrs = new Table('cidrs', map('cidrs'), layout.cidrKey, layout.member)
    this.peerRules = new Table('peer_rules', map('peer_rules'), layout.peerRulesKey, layout.ruleBits, named)
    this.portCuts = new Table('port_cuts', map('port_cuts'), layout.portCutsKey, layout.portCuts, named)
    this.portRules = new Table('port_rules', map('port_rules'), layout.portRulesKey, layout.ruleBits, named)
    this.ruleNumbers = new Table('rule_numbers', map('rule_numbers'), layout.ruleKey, u32)
    this.pickups = new Pickups(map('pickups'))
    this.peerEpochs = new PeerEpochs(map('peer_epochs'))
    this.flows = new FlowTable(map('flows'), map('young'), map('flow_slots'))
    this.ruleHits = new RuleHits(map('rule_hits'))
  }
}
