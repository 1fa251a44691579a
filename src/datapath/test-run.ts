/**
 * Runs a packet through the datapath's own programs without a wire (BPF_PROG_TEST_RUN): what they decide, the packet
 * afterwards, and what they count. A redirect is not carried out, but copies of a flood are: they leave on devices of
 * the caller's namespace.
 */
import { encodeSkBuff, progTestRun, skBuff, type SkBuff } from '#kernel/bpf-program.ts'
import type { DropReason, Verdict } from './layout.ts'
import { dropReasons, dstKind, verdict } from './layout.ts'

/** What tcx does with a packet, by a program's return value. */
const actions: Readonly<Record<number, Action>> = { [-1]: 'next', 0: 'pass', 2: 'drop', 7: 'redirect' }
export type Action = 'next' | 'pass' | 'drop' | 'redirect'

/** Words of the context's `cb` with a program's decision: VPC_CB_* of bpf/abi.h. */
const cbWord = { verdict: 0, detail: 1, stats: 2, kind: 3 } as const

/** How a packet arrives. The device must exist in the network namespace of the caller. */
export type PacketContext = Partial<Pick<SkBuff, 'ifindex' | 'ingressIfindex' | 'mark' | 'cb' | 'gsoSize' | 'gsoSegs' | 'wireLen'>>

/** Where a packet is sent to. */
export interface Forwarding {
  readonly ifindex: number
  readonly stats: number
  readonly kind: keyof typeof dstKind
}

/** What a program made of a packet. */
export interface PacketResult {
  readonly action: Action | `action ${number}`
  readonly verdict: Verdict | undefined
  /** Of the verdict drop. */
  readonly reason: DropReason | undefined
  /** Of the verdict forward. */
  readonly forward: Forwarding | undefined
  /** Of the verdict flood: how many copies. */
  readonly copies: number | undefined
  /** Of the verdict answer: the device that it leaves on. */
  readonly answerIfindex: number | undefined
  /** The packet as the program left it. */
  readonly data: Uint8Array
  readonly mark: number
  /** Time of one run, when there were many. */
  readonly durationNs: number
}

/** Run a packet through a program. Throws KernelError for a packet under 14 bytes or over a page. */
export function runPacket(programFd: number, data: Uint8Array, context: PacketContext = {}, repeat = 1): PacketResult {
  const { retval, dataOut, ctxOut, durationNs } = progTestRun(programFd, { dataIn: data, ctxIn: encodeSkBuff(context), repeat })
  const { cb, mark } = skBuff.decode(ctxOut)
  return { action: actions[retval] ?? `action ${retval}`, ...decisionOf(cb), data: dataOut, mark, durationNs }
}

type Decision = Pick<PacketResult, 'verdict' | 'reason' | 'forward' | 'copies' | 'answerIfindex'>

function decisionOf(cb: readonly number[]): Decision {
  const decided = nameOf(verdict, cb[cbWord.verdict]!)
  const detail = cb[cbWord.detail]!
  const forward = { ifindex: detail, stats: cb[cbWord.stats]!, kind: nameOf(dstKind, cb[cbWord.kind]!) ?? 'none' } as const
  return {
    verdict: decided,
    reason: decided === 'drop' ? dropReasons[detail] : undefined,
    forward: decided === 'forward' ? forward : undefined,
    copies: decided === 'flood' ? detail : undefined,
    answerIfindex: decided === 'answer' ? detail : undefined,
  }
}

function nameOf<T extends string>(names: Readonly<Record<T, number>>, value: number): T | undefined {
  return (Object.keys(names) as T[]).find((name) => names[name] === value)
}
