/** What bpf/abi-trace.h declares of traces. layout.test.ts compares it with the header, as layout.ts. */
import { array, bytes, cStruct, u32, type Value } from '#abi/c-struct.ts'

/** enum vpc_trace_stage, in its order, without the first. */
export const traceStages = [
  'none',
  'port',
  'drop',
  'groups',
  'destination',
  'route',
  'station',
  'tunnel',
  'limit',
  'copy',
  'question',
  'nat',
  'nat_source',
  'nat_dest',
] as const
export type TraceStage = (typeof traceStages)[number]

/** VPC_TRACE_RECORDS: what does not fit is only counted. */
export const traceRecords = 32

/** struct vpc_trace_record */
export const traceRecord = cStruct({ stage: u32, value: array(u32, 7), first: bytes(16), second: bytes(16) })
export type TraceRecord = Value<typeof traceRecord>

/** struct vpc_trace_run */
export const traceRun = cStruct({
  count: u32,
  tunnelId: u32,
  remote: array(u32, 4),
  local: array(u32, 4),
  record: array(traceRecord, traceRecords),
})
