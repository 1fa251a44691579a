/**
 * The programs on a device, as the kernel reports them: programs of ours, whoever attached and pinned them, and foreign
 * ones. Pins do not show that: another mount may hide the directory, or another vpcd has one of its own.
 */
import { linkInfo, type TcxDirection } from '#kernel/bpf-link.ts'
import { attachTcx, detachTcx, linkById, programName, tcxPrograms, type TcxProgram } from '#kernel/tcx.ts'
import { close } from '#kernel/libc.ts'
import { hooks } from './hook.ts'

/** A program in the chain of one side of a device. */
export interface ChainProgram extends TcxProgram {
  /** '' when it disappeared during the query. */
  readonly name: string
  readonly direction: TcxDirection
  /** It is a program of this datapath, of any build. */
  readonly ours: boolean
}

export const directions: readonly TcxDirection[] = ['ingress', 'egress']

/** Maximal length of a program's name in the kernel. */
export const longestName = 15
const ourNames: ReadonlySet<string> = new Set(Object.values(hooks).map(({ program }) => program.slice(0, longestName)))

/** The programs on a side of a device, in the order in which they run. */
export function chainOf(ifindex: number, direction: TcxDirection): ChainProgram[] {
  return tcxPrograms(ifindex, direction).map((program) => {
    const name = programName(program.progId) ?? ''
    return { ...program, name, direction, ours: ourNames.has(name) }
  })
}

/** Detach a program from a device, whoever attached it. */
export const detachFrom = (ifindex: number, program: ChainProgram): void => detachTcx(program, ifindex, program.direction)

/**
 * Attach exactly this program of ours to a side of a device, without a link. It replaces one of another build, and
 * stays as long as the device.
 */
export function keepOn(
  program: { readonly fd: number; readonly id: number; readonly name: string },
  ifindex: number,
  direction: TcxDirection,
): void {
  const there = chainOf(ifindex, direction).filter(({ name, linkId }) => linkId === 0 && name === program.name.slice(0, longestName))
  if (there.some(({ progId }) => progId === program.id)) return
  attachTcx(program.fd, ifindex, direction, there[0]?.progId)
}

/**
 * A descriptor of a link that already runs a program of this name on a device, whoever left it; undefined: there is
 * none.
 */
export function findLink(program: string, ifindex: number, direction: TcxDirection): number | undefined {
  const found = chainOf(ifindex, direction).find(({ name, linkId }) => linkId !== 0 && name === program.slice(0, longestName))
  if (found === undefined) return undefined
  const link = linkById(found.linkId)
  try {
    if (linkInfo(link).ifindex === ifindex) return link
    throw new Error(`link ${found.linkId} left ifindex ${ifindex} while it was taken over`)
  } catch (error) {
    close(link)
    throw error
  }
}
