/** Loading an eBPF program given as instructions, without libbpf: for trying out what the kernel can. */
import { bytes, cStruct, u32, u64 } from '#abi/c-struct.ts'
import { bpf, infoByFd } from './bpf.ts'
import { allocateCopy, allocateString } from './memory.ts'

const BPF_PROG_TYPE_SCHED_CLS = 3

const loadAttr = cStruct({ type: u32, instructionCount: u32, instructions: u64, license: u64, logLevel: u32, logSize: u32, log: u64 })

/** `r0 = -1; exit`: TCX_NEXT, which leaves every packet to the next program or to the stack. */
const passOn = Uint8Array.of(0xb7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x95, 0, 0, 0, 0, 0, 0, 0)

/** Load the smallest program for tc, which does nothing. Gives its descriptor. Throws KernelError. */
export const loadPassOn = (): number => loadInstructions(passOn)

/** Load a program for tc, given as struct bpf_insn, 8 bytes each. Gives its descriptor. Throws KernelError. */
export function loadInstructions(code: Uint8Array): number {
  const instructions = allocateCopy(code)
  const license = allocateString('Dual BSD/GPL')
  const attr = {
    type: BPF_PROG_TYPE_SCHED_CLS,
    instructionCount: code.length / 8,
    instructions: instructions.address,
    license: license.address,
  }
  return bpf('PROG_LOAD', loadAttr.encode({ ...attr, logLevel: 0, logSize: 0, log: 0n }))
}

const jitInfo = cStruct({ type: u32, id: u32, tag: bytes(8), jitedLength: u32 })

/** Whether the kernel compiled a program, rather than interpreting it. */
export const isJited = (programFd: number): boolean => infoByFd(programFd, jitInfo).jitedLength > 0
