/** bpf(2): the system call itself, pinning, and what the kernel tells of a map, program or link by its descriptor. */
import { cStruct, u32, u64, type CStruct, type Fields, type FieldsValue } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { lastErrno, libc } from './libc.ts'
import { beforeStep } from './step.ts'
import { allocate, allocateString, type Memory } from './memory.ts'

/** Commands of bpf(2), by their names in linux/bpf.h without the prefix. */
export const bpfCommand = {
  MAP_CREATE: 0,
  MAP_LOOKUP_ELEM: 1,
  MAP_UPDATE_ELEM: 2,
  MAP_DELETE_ELEM: 3,
  MAP_GET_NEXT_KEY: 4,
  PROG_LOAD: 5,
  OBJ_PIN: 6,
  OBJ_GET: 7,
  PROG_ATTACH: 8,
  PROG_DETACH: 9,
  PROG_TEST_RUN: 10,
  PROG_GET_FD_BY_ID: 13,
  MAP_GET_FD_BY_ID: 14,
  OBJ_GET_INFO_BY_FD: 15,
  PROG_QUERY: 16,
  BTF_GET_FD_BY_ID: 19,
  MAP_LOOKUP_BATCH: 24,
  MAP_UPDATE_BATCH: 26,
  MAP_DELETE_BATCH: 27,
  LINK_CREATE: 28,
  LINK_UPDATE: 29,
  LINK_GET_FD_BY_ID: 30,
  LINK_DETACH: 34,
} as const
export type BpfCommand = keyof typeof bpfCommand

const NR_BPF = process.arch === 'arm64' ? 280 : 321
const syscall = libc.func('long syscall(long number, long command, void *attr, ulong size)')

/** Commands whose effect may outlive the process. */
const lasting: ReadonlySet<BpfCommand> = new Set([
  ...(['MAP_UPDATE_ELEM', 'MAP_DELETE_ELEM', 'MAP_UPDATE_BATCH', 'MAP_DELETE_BATCH'] as const),
  ...(['OBJ_PIN', 'LINK_CREATE', 'LINK_UPDATE', 'LINK_DETACH', 'PROG_ATTACH', 'PROG_DETACH'] as const),
])

/** Call bpf(2) and give back its result, or minus the errno. */
export function tryBpf(command: BpfCommand, attr: Uint8Array, length = attr.length): number {
  if (lasting.has(command)) beforeStep(command)
  for (let attempt = 0; ; attempt++) {
    const result: number = syscall(NR_BPF, bpfCommand[command], attr, length)
    if (result >= 0) return result
    const failure = lastErrno()
    // A call that failed has done nothing, so it can be made again. A batch may have done a part.
    if (attempt >= 3 || !isForeign(failure) || command.endsWith('_BATCH')) return -failure
  }
}

/**
 * Whether an errno cannot come from bpf(2), which gives none of these for the commands used here. The engine may make a
 * system call of its own before this code reads errno, such as futex(2) for garbage collection.
 */
export const isForeign = (failure: number): boolean => failure === errno.EAGAIN || failure === errno.EINTR || failure === errno.ETIMEDOUT

/** Call bpf(2). Throws KernelError, with `detail` in its message. */
export function bpf(command: BpfCommand, attr: Uint8Array, detail?: string): number {
  const result = tryBpf(command, attr)
  if (result < 0) throw new KernelError(`bpf(BPF_${command})`, -result, detail)
  return result
}

const objectAttr = cStruct({ pathname: u64, fd: u32, flags: u32 })

/** Pin a map, program or link at a path of a bpffs. */
export function pinObject(fd: number, path: string): void {
  const pathname = allocateString(path)
  bpf('OBJ_PIN', objectAttr.encode({ pathname: pathname.address, fd, flags: 0 }), path)
}

/** Open what is pinned at a path: a new descriptor. */
export function getPinned(path: string): number {
  const pathname = allocateString(path)
  return bpf('OBJ_GET', objectAttr.encode({ pathname: pathname.address, fd: 0, flags: 0 }), path)
}

const infoAttr = cStruct({ fd: u32, length: u32, info: u64 })

/** Read the kernel's info struct of a descriptor. Where the kernel's struct is shorter, the rest is zero. */
export function infoByFd<F extends Fields>(fd: number, layout: CStruct<F>, memory: Memory = allocate(layout.size)): FieldsValue<F> {
  bpf('OBJ_GET_INFO_BY_FD', infoAttr.encode({ fd, length: layout.size, info: memory.address }))
  return layout.decode(memory.bytes)
}

/** Decode a name that the kernel keeps in a fixed number of bytes. */
export const fixedName = (name: Uint8Array): string => Buffer.from(name).toString('latin1').replace(/\0.*$/s, '')

const btfInfo = cStruct({ btf: u64, btfSize: u32, id: u32, name: u64, nameLength: u32, kernelBtf: u32 })
const btfFdAttr = cStruct({ id: u32 })

/** Open the BTF that a map or program was loaded with. The caller closes the descriptor. */
export const btfFdById = (id: number): number => bpf('BTF_GET_FD_BY_ID', btfFdAttr.encode({ id }))

/** Open a map by its number. The caller closes the descriptor. */
export const mapFdById = (id: number): number => bpf('MAP_GET_FD_BY_ID', btfFdAttr.encode({ id }))

/** Read the raw BTF behind a descriptor. */
export function btfBytes(fd: number): Uint8Array {
  const { btfSize } = infoByFd(fd, btfInfo)
  const data = allocate(btfSize)
  const request = allocate(btfInfo.size)
  request.bytes.set(btfInfo.encode({ btf: data.address, btfSize, id: 0, name: 0n, nameLength: 0, kernelBtf: 0 }))
  infoByFd(fd, btfInfo, request)
  return data.bytes
}
