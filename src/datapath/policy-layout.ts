/** What bpf/abi.h declares of security groups and flows. layout.test.ts compares it with the header, as layout.ts. */
import { array, bytes, cStruct, pad, u16, u32, u64, u8, type Field, type Value } from '#abi/c-struct.ts'

/** Words of 64 bits in a vector of one bit per rule. */
export const ruleWords = 16
/** Bounds of port ranges of a policy and a protocol. */
export const maxCuts = 1023
/** enum vpc_direction */
export const direction = { in: 1, out: 2 } as const
/** VPC_POLICY_*: bits of `policyFlags`. */
export const policyFlag = { drain: 1, stateless: 2 } as const
/** Bit of a flow's `fins`. */
export const pickedUp = 0x80
/** Of table `peer_epochs`. */
export const peerEpochs = 4096

/** struct vpc_port_policy */
export const portPolicy = cStruct({ vpc: u32, in: u32, out: u32, tcpIdleS: u32, policyFlags: u32 })
export type PortPolicy = Value<typeof portPolicy>

/** struct vpc_member_key */
export const memberKey = cStruct({ vpc: u32, addr: bytes(16) })
/** struct vpc_member */
export const member = cStruct({ classId: u32 })
/** struct vpc_cidr_key */
export const cidrKey = cStruct({ length: u32, vpc: u32, addr: bytes(16) })
/** struct vpc_rule_bits */
export const ruleBits = cStruct({ word: array(u64, ruleWords) })
/** struct vpc_peer_rules_key */
export const peerRulesKey = cStruct({ policy: u32, classId: u32 })
/** struct vpc_port_cuts_key */
export const portCutsKey = cStruct({ policy: u32, protocol: u32 })
/** struct vpc_port_cuts. Fewer than all may be given. */
export const portCuts = cStruct({ count: u16, first: array(u16, maxCuts) })
/** struct vpc_port_rules_key */
export const portRulesKey = cStruct({ policy: u32, protocol: u16, interval: u16 })
/** struct vpc_rule_key */
export const ruleKey = cStruct({ policy: u32, bit: u32 })

const beU16: Field<number> = { size: 2, align: 2, read: (v, o) => v.getUint16(o), write: (v, o, n) => v.setUint16(o, n) }

/** struct vpc_flow_key */
export const flowKey = cStruct({
  protocol: u8,
  icmpType: u8,
  pad: pad(2),
  inside: bytes(16),
  outside: bytes(16),
  insidePort: beU16,
  outsidePort: beU16,
})
export type FlowKey = Value<typeof flowKey>

/** struct vpc_young_key */
export const youngKey = cStruct({ port: u32, flow: flowKey })

/** enum vpc_flow_state */
export const flowState = { new: 1, replied: 2, established: 3, closing: 4, denied: 5 } as const
export type FlowState = keyof typeof flowState
/** Undefined: there is no flow. */
export const flowStateOf = (value: number): FlowState | undefined =>
  (Object.keys(flowState) as FlowState[]).find((name) => flowState[name] === value)

/** struct vpc_flow */
export const flow = cStruct({
  check: u32,
  rule: u32,
  policy: u32,
  epoch: u32,
  lastS: u32,
  tick: u32,
  createdS: u32,
  tcpIdleS: u32,
  state: u8,
  initiator: u8,
  fins: u8,
  confirmed: u8,
  birth: u32,
  packets: array(u64, 2),
  bytes: array(u64, 2),
})
export type Flow = Value<typeof flow>

/** struct vpc_flow_slot */
export const flowSlot = cStruct({
  key: youngKey,
  turn: u32,
  vpc: u32,
  in: u32,
  out: u32,
  policyFlags: u32,
  epoch: u32,
  peer: u32,
  birth: u32,
  filled: u32,
  tick: u32,
  packets: array(u32, 2),
  bytes: array(u64, 2),
})

/** struct vpc_expire */
export const expire = cStruct({ port: u32, expired: u32 })

/** struct vpc_frag_key */
export const fragKey = cStruct({ port: u32, id: u32, inside: bytes(16), outside: bytes(16), protocol: u32 })
