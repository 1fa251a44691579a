import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { CStruct } from '#abi/c-struct.ts'
import { Btf } from '#kernel/btf.ts'
import { elfSection, elfSymbols } from '#kernel/elf.ts'
import { compileBpf } from '../../test/bpf/compile.ts'
import * as layout from './layout.ts'
import * as cells from './nat-cell-layout.ts'
import * as nat from './nat-layout.ts'
import * as policy from './policy-layout.ts'
import * as traces from './trace-layout.ts'

const directory = join(import.meta.dirname, '../../bpf')
const header = readdirSync(directory)
  .filter((name) => /^abi.*\.h$/.test(name))
  .map((name) => readFileSync(join(directory, name), 'utf8'))
  .join('\n')
const namesIn = (pattern: RegExp): string[] => [...header.matchAll(pattern)].map(([, name]) => name!)

/** The structs of the header, by what they are called on this side. */
const structs: Record<string, CStruct<any>> = {
  vpc_event: layout.event,
  vpc_vtep: layout.vtep,
  vpc_dst: layout.dst,
  vpc_port: layout.port,
  vpc_port_entry: layout.portEntry,
  vpc_fdb_key: layout.fdbKey,
  vpc_fdb_entry: layout.fdbEntry,
  vpc_flood_key: layout.floodKey,
  vpc_flood: layout.flood,
  vpc_flood_entry: layout.floodEntry,
  vpc_neighbour_key: layout.neighbourKey,
  vpc_neighbour: layout.neighbour,
  vpc_neighbour_entry: layout.neighbourEntry,
  vpc_port_address_key: layout.portAddressKey,
  vpc_vtep_key: layout.vtepKey,
  vpc_tunnel_end: layout.tunnelEnd,
  vpc_subnet: layout.subnet,
  vpc_subnet_entry: layout.subnetEntry,
  vpc_route_key: layout.routeKey,
  vpc_route: layout.route,
  vpc_route_entry: layout.routeEntry,
  vpc_host_key: layout.hostKey,
  vpc_host: layout.host,
  vpc_host_entry: layout.hostEntry,
  vpc_nat: nat.nat,
  vpc_nat_entry: nat.natEntry,
  vpc_public_key: nat.publicKey,
  vpc_public: nat.publicAddress,
  vpc_public_entry: nat.publicEntry,
  vpc_float: nat.float,
  vpc_float_entry: nat.floatEntry,
  vpc_segment: layout.segment,
  vpc_segment_entry: layout.segmentEntry,
  vpc_mux: layout.mux,
  vpc_mux_entry: layout.muxEntry,
  vpc_stats: layout.stats,
  vpc_drop_key: layout.dropKey,
  vpc_queue_key: layout.queueKey,
  vpc_queue: layout.queue,
  vpc_rate: layout.rate,
  vpc_bucket: layout.bucket,
  vpc_dhcp: layout.dhcp,
  vpc_dhcp_entry: layout.dhcpEntry,
  vpc_dhcpv6: layout.dhcpv6,
  vpc_dhcpv6_entry: layout.dhcpv6Entry,
  vpc_ra: layout.ra,
  vpc_ra_entry: layout.raEntry,
  vpc_service_port: layout.servicePort,
  vpc_service_port_entry: layout.servicePortEntry,
  vpc_service_guest_key: layout.serviceGuestKey,
  vpc_service_guest: layout.serviceGuest,
  vpc_service_guest_entry: layout.serviceGuestEntry,
  vpc_limit_key: layout.limitKey,
  vpc_limits: layout.limits,
  vpc_limit_entry: layout.limitEntry,
  vpc_limit_bucket: layout.limitBucket,
  vpc_limit_buckets: layout.limitBuckets,
  vpc_port_policy: policy.portPolicy,
  vpc_member_key: policy.memberKey,
  vpc_member: policy.member,
  vpc_member_entry: layout.entryOf(policy.memberKey, policy.member),
  vpc_cidr_key: policy.cidrKey,
  vpc_rule_bits: policy.ruleBits,
  vpc_peer_rules_key: policy.peerRulesKey,
  vpc_peer_rules_entry: layout.entryOf(policy.peerRulesKey, policy.ruleBits),
  vpc_port_cuts_key: policy.portCutsKey,
  vpc_port_cuts: policy.portCuts,
  vpc_port_cuts_entry: layout.entryOf(policy.portCutsKey, policy.portCuts),
  vpc_port_rules_key: policy.portRulesKey,
  vpc_port_rules_entry: layout.entryOf(policy.portRulesKey, policy.ruleBits),
  vpc_rule_key: policy.ruleKey,
  vpc_flow_key: policy.flowKey,
  vpc_young_key: policy.youngKey,
  vpc_flow: policy.flow,
  vpc_frag_key: policy.fragKey,
  vpc_expire: policy.expire,
  vpc_flow_slot: policy.flowSlot,
  vpc_nat_cell: cells.natCell,
  vpc_nat_head: cells.natHeadCell,
  vpc_nat_guest_key: cells.natGuestKey,
  vpc_nat_guest: cells.natGuest,
  vpc_nat_inside_key: cells.natInsideKey,
  vpc_nat_frag: cells.natFrag,
  vpc_nat_expire: cells.natExpire,
  vpc_trace_record: traces.traceRecord,
  vpc_trace_run: traces.traceRun,
}

/** The enums of the header, each value under the C name that this side's name makes. */
const enums: Record<string, Record<string, number>> = {
  vpc_drop_reason: {
    ...Object.fromEntries(layout.dropReasons.map((name, value) => [`VPC_DROP_${name.toUpperCase()}`, value])),
    VPC_DROP_REASONS: layout.dropReasons.length,
  },
  vpc_event_kind: prefixed('VPC_EVENT_', layout.eventKind),
  vpc_dst_kind: prefixed('VPC_DST_', layout.dstKind),
  vpc_end_kind: prefixed('VPC_END_', layout.endKind),
  vpc_route_kind: prefixed('VPC_ROUTE_', layout.routeKind),
  vpc_public_kind: prefixed('VPC_PUBLIC_', nat.publicKind),
  vpc_verdict: prefixed('VPC_VERDICT_', layout.verdict),
  vpc_direction: prefixed('VPC_', policy.direction),
  vpc_flow_state: prefixed('VPC_FLOW_', policy.flowState),
  vpc_nat_plane: {
    ...Object.fromEntries(cells.natPlanes.map((name, value) => [`VPC_NAT_${name.toUpperCase()}`, value])),
    VPC_NAT_PLANES: cells.natPlanes.length,
  },
  vpc_nat_block_state: prefixed('VPC_NAT_BLOCK_', cells.natBlockState),
  vpc_trace_stage: Object.fromEntries(traces.traceStages.map((name, value) => [`VPC_TRACE_${name.toUpperCase()}`, value])),
}

/** The macros of the header that this side uses. */
const constants: Record<string, number> = {
  ...prefixed('VPC_DST_', layout.dstFlag),
  ...prefixed('VPC_PORT_', layout.portFlag),
  VPC_MUX_DIRECT_OUT: layout.muxFlag.directOut,
  VPC_MUX_DIRECT_IN: layout.muxFlag.directIn,
  VPC_MUX_EXCLUSIVE: layout.muxFlag.exclusive,
  VPC_MARK_UNIT: layout.unitMark,
  VPC_MARK_READY: layout.readyMark,
  VPC_SEGMENT_UP: layout.segmentFlag.up,
  VPC_SEGMENT_FLOOD_UNKNOWN: layout.segmentFlag.floodUnknown,
  VPC_FLOOD_PAGE: layout.floodPage,
  VPC_FLOOD_PAGES: layout.floodPages,
  VPC_FLOOD_REMOTE: layout.floodRemote,
  VPC_SEGMENT_LOCAL: layout.segmentLocal,
  VPC_SEGMENT_OF_VPC: layout.segmentOfVpc,
  VPC_SUBNET_ROUTED: layout.subnetFlag.routed,
  VPC_SUBNET_METADATA: layout.subnetFlag.metadata,
  VPC_SUBNET_DNS: layout.subnetFlag.dns,
  VPC_EVENT_SNAP: layout.eventSnap,
  VPC_QUEUES: layout.maxQueues,
  VPC_STATS_NONE: layout.statsNone,
  VPC_RULE_WORDS: policy.ruleWords,
  VPC_PORT_CUTS: policy.maxCuts,
  VPC_POLICY_DRAIN: policy.policyFlag.drain,
  VPC_PEER_EPOCHS: policy.peerEpochs,
  VPC_NAT_ADDRESSES: cells.natAddresses,
  VPC_NAT_FIRST_PORT: cells.natFirstPort,
  VPC_NAT_BLOCK: cells.natBlock,
  VPC_NAT_ADDRESS_BLOCKS: cells.natAddressBlocks,
  VPC_NAT_GUEST_BLOCKS: cells.natGuestBlocks,
  VPC_NAT_HEAD: cells.natHead,
  VPC_TRACE_IPV6: layout.traceIpv6,
  VPC_TRACE_FORWARDED: layout.traceForwarded,
}

function prefixed(prefix: string, names: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(names).map(([name, value]) => [`${prefix}${name.toUpperCase()}`, value]))
}

/** A program that does nothing but use everything. */
function everything(): Uint8Array {
  return compileBpf(`
    #include "abi.h"
    ${Object.keys(structs)
      .map((name) => `struct ${name} a_${name};`)
      .join('\n')}
    ${Object.keys(enums)
      .map((name) => `enum ${name} a_${name};`)
      .join('\n')}
    ${Object.keys(constants)
      .map((name) => `const __u32 c_${name} = ${name};`)
      .join('\n')}`)
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())

describe('the layouts of both sides', () => {
  const object = everything()
  const btf = Btf.ofObject(object)

  for (const [name, ours] of Object.entries(structs)) {
    test(`struct ${name}`, () => assertStruct(btf, name, ours))
  }
  for (const [name, values] of Object.entries(enums)) {
    test(`enum ${name}`, () => assert.deepEqual({ ...btf.enum(name) }, values))
  }
  test('numbers', () => {
    const rodata = elfSection(object, '.rodata')!
    const theirs = elfSymbols(object)
      .filter(({ section, name }) => section === '.rodata' && name.startsWith('c_'))
      .map(({ name, offset }): [string, number] => [name.slice(2), Buffer.from(rodata).readUInt32LE(offset)])
    assert.deepEqual(Object.fromEntries(theirs), constants)
  })
  test('leave nothing of the header out', () => {
    assert.deepEqual(namesIn(/^struct (\w+) \{/gm).sort(), Object.keys(structs).sort())
    assert.deepEqual(namesIn(/^enum (\w+) \{/gm).sort(), Object.keys(enums).sort())
  })
})

test('the built objects have these layouts', () => {
  const directory = join(import.meta.dirname, '../../build/bpf')
  const objects = readdirSync(directory).filter((name) => name.endsWith('.o'))
  assert.ok(objects.length > 0, `${directory} is empty: run scripts/build-bpf`)
  for (const name of objects) {
    const btf = Btf.ofObject(readFileSync(join(directory, name)))
    for (const [struct, ours] of Object.entries(structs)) if (btf.struct(struct)) assertStruct(btf, struct, ours)
  }
})

function assertStruct(btf: Btf, name: string, ours: CStruct<any>): void {
  const theirs = btf.struct(name)
  assert.ok(theirs, `the header has no struct ${name}`)
  const members = theirs.members.map((member) => ({ ...member, name: camelCase(member.name) }))
  const fields = Object.entries<{ size: number }>(ours.fields).map(([field, { size }]) => ({
    name: field,
    offset: ours.offsets[field],
    size,
  }))
  assert.deepEqual({ size: ours.size, members: fields }, { size: theirs.size, members })
}
