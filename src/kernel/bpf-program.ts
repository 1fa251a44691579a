/**
 * Loaded eBPF programs by their descriptors: what they are, and running one on a packet without a device
 * (BPF_PROG_TEST_RUN).
 */
import { array, bytes, cStruct, u32, u64, u8, type Value } from '#abi/c-struct.ts'
import { bpf, fixedName, infoByFd } from './bpf.ts'
import { allocate, allocateCopy } from './memory.ts'

const programInfo = cStruct({
  type: u32,
  id: u32,
  tag: bytes(8),
  jitedLength: u32,
  xlatedLength: u32,
  jited: u64,
  xlated: u64,
  loadTime: u64,
  createdByUid: u32,
  mapCount: u32,
  mapIds: u64,
  name: bytes(16),
  /** Device, BTF and lines, of which we need nothing. */
  between: bytes(136),
  verifiedInstructions: u32,
})

/** What the kernel tells of a program. The tag is a hash of its instructions. */
export interface ProgramInfo {
  readonly type: number
  readonly id: number
  readonly tag: string
  readonly name: string
  /** How many instructions the verifier followed. The kernel refuses a program at a million. */
  readonly verifiedInstructions: number
}

/** Read a program's info by its descriptor. */
export function progInfo(fd: number): ProgramInfo {
  const { type, id, tag, name, verifiedInstructions } = infoByFd(fd, programInfo)
  return { type, id, tag: Buffer.from(tag).toString('hex'), name: fixedName(name), verifiedInstructions }
}

/**
 * struct __sk_buff: what a tc program sees of a packet. Into a test run only mark, priority, ingressIfindex, ifindex,
 * cb, tstamp, wireLen, gsoSegs, gsoSize and hwtstamp may go in non-zero; ifindex must be a device of the caller's
 * network namespace.
 */
export const skBuff = cStruct({
  len: u32,
  pktType: u32,
  mark: u32,
  queueMapping: u32,
  protocol: u32,
  vlanPresent: u32,
  vlanTci: u32,
  vlanProto: u32,
  priority: u32,
  ingressIfindex: u32,
  ifindex: u32,
  tcIndex: u32,
  cb: array(u32, 5),
  hash: u32,
  tcClassid: u32,
  data: u32,
  dataEnd: u32,
  napiId: u32,
  family: u32,
  remoteIp4: u32,
  localIp4: u32,
  remoteIp6: array(u32, 4),
  localIp6: array(u32, 4),
  remotePort: u32,
  localPort: u32,
  dataMeta: u32,
  flowKeys: u64,
  tstamp: u64,
  wireLen: u32,
  gsoSegs: u32,
  sk: u64,
  gsoSize: u32,
  tstampType: u8,
  hwtstamp: u64,
})
export type SkBuff = Value<typeof skBuff>

/** Encode a __sk_buff. Fields that are not given are zero. */
export function encodeSkBuff(fields: Partial<SkBuff>): Uint8Array {
  return skBuff.encode({ ...skBuff.decode(new Uint8Array(skBuff.size)), ...fields })
}

const testRunAttr = cStruct({
  progFd: u32,
  retval: u32,
  dataSizeIn: u32,
  dataSizeOut: u32,
  dataIn: u64,
  dataOut: u64,
  repeat: u32,
  durationNs: u32,
  contextSizeIn: u32,
  contextSizeOut: u32,
  contextIn: u64,
  contextOut: u64,
  flags: u32,
  cpu: u32,
  batchSize: u32,
})

export interface TestRunOptions {
  readonly dataIn: Uint8Array
  /** The program's context, `struct __sk_buff` for tc. */
  readonly ctxIn?: Uint8Array
  /** How often to run. More than one run is for measuring: each run gets the packet as the one before left it. */
  readonly repeat?: number
  /** Room for the packet that comes out. */
  readonly dataOutSize?: number
  /**
   * The packet comes from a device that has summed up all of it (CHECKSUM_COMPLETE). EBADMSG: the program has left a
   * wrong sum. Since Linux 6.11.
   */
  readonly checksumComplete?: boolean
}

/** BPF_F_TEST_SKB_CHECKSUM_COMPLETE. */
const testChecksumComplete = 4

export interface TestRunResult {
  readonly retval: number
  readonly dataOut: Uint8Array
  readonly ctxOut: Uint8Array
  /** Of one run, the average. */
  readonly durationNs: number
}

/** Run a program of SEC("syscall") on its argument, which it may change. */
export function runSyscallProgram(progFd: number, argument: Uint8Array): Uint8Array {
  const memory = allocateCopy(argument)
  const nothing = { retval: 0, dataSizeIn: 0, dataSizeOut: 0, dataIn: 0n, dataOut: 0n, repeat: 0, durationNs: 0, contextSizeOut: 0 }
  const context = { contextSizeIn: argument.length, contextIn: memory.address, contextOut: 0n }
  bpf('PROG_TEST_RUN', testRunAttr.encode({ progFd, ...nothing, ...context, flags: 0, cpu: 0, batchSize: 0 }))
  return memory.bytes
}

/** Run a program on a packet. The kernel does not carry out redirects: the program's return value is the result. */
export function progTestRun(progFd: number, options: TestRunOptions): TestRunResult {
  const input = allocateCopy(options.dataIn)
  const output = allocate(options.dataOutSize ?? options.dataIn.length + 512)
  const contextIn = options.ctxIn && allocateCopy(options.ctxIn)
  const contextOut = allocate(contextIn ? skBuff.size : 0)
  const attr = testRunAttr.encode({
    progFd,
    retval: 0,
    dataSizeIn: input.bytes.length,
    dataSizeOut: output.bytes.length,
    dataIn: input.address,
    dataOut: output.address,
    repeat: options.repeat ?? 1,
    durationNs: 0,
    contextSizeIn: contextIn?.bytes.length ?? 0,
    contextSizeOut: contextOut.bytes.length,
    contextIn: contextIn?.address ?? 0n,
    contextOut: contextIn ? contextOut.address : 0n,
    flags: options.checksumComplete ? testChecksumComplete : 0,
    cpu: 0,
    batchSize: 0,
  })
  bpf('PROG_TEST_RUN', attr)
  const { retval, dataSizeOut, durationNs, contextSizeOut } = testRunAttr.decode(attr)
  return {
    retval: retval | 0,
    dataOut: output.bytes.slice(0, dataSizeOut),
    ctxOut: contextOut.bytes.slice(0, contextSizeOut),
    durationNs,
  }
}
