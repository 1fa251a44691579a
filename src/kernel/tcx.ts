/**
 * The programs on one side of a device (tcx), whoever attached them: listing them, and attaching without a link, for
 * the life of the device.
 */
import { cStruct, pad, u32, u64 } from '#abi/c-struct.ts'
import { attachType, detachLink, type TcxDirection } from './bpf-link.ts'
import { progInfo } from './bpf-program.ts'
import { bpf } from './bpf.ts'
import { errno, KernelError } from './errno.ts'
import { close } from './libc.ts'
import { allocate } from './memory.ts'

const BPF_F_REPLACE = 4
/** The kernel takes 63 programs on a side (BPF_MPROG_MAX). */
const maxPrograms = 64

/** A program on one side of a device. */
export interface TcxProgram {
  readonly progId: number
  /** 0: it was attached without a link. */
  readonly linkId: number
}

const queryAttr = cStruct({
  ifindex: u32,
  attachType: u32,
  queryFlags: u32,
  attachFlags: u32,
  progIds: u64,
  count: u32,
  pad: pad(4),
  progFlags: u64,
  linkIds: u64,
  linkFlags: u64,
  revision: u64,
})

/**
 * The programs on a side of a device of this network namespace, in the order in which they run. None of a device that
 * is gone.
 */
export function tcxPrograms(ifindex: number, direction: TcxDirection): TcxProgram[] {
  const [progs, links] = [allocate(maxPrograms * 4), allocate(maxPrograms * 4)]
  const attr = queryAttr.encode({
    ifindex,
    attachType: attachType[direction],
    queryFlags: 0,
    attachFlags: 0,
    progIds: progs.address,
    count: maxPrograms,
    progFlags: 0n,
    linkIds: links.address,
    linkFlags: 0n,
    revision: 0n,
  })
  try {
    bpf('PROG_QUERY', attr, `${direction} of ifindex ${ifindex}`)
  } catch (error) {
    if (error instanceof KernelError && [errno.ENOENT, errno.ENODEV].includes(error.errno)) return []
    throw error
  }
  const { count } = queryAttr.decode(attr)
  return Array.from({ length: count }, (_, i) => ({ progId: progs.view.getUint32(i * 4, true), linkId: links.view.getUint32(i * 4, true) }))
}

const attachAttr = cStruct({ ifindex: u32, progFd: u32, attachType: u32, flags: u32, replaceFd: u32, relativeFd: u32, revision: u64 })

const withoutLink = (ifindex: number, progFd: number, direction: TcxDirection, flags = 0, replaceFd = 0): Uint8Array =>
  attachAttr.encode({ ifindex, progFd, attachType: attachType[direction], flags, replaceFd, relativeFd: 0, revision: 0n })

/**
 * Put a program on a device of this network namespace, after those that are there. It stays until the device goes or
 * `detachTcx` takes it off. `replaced`: number of a program without a link whose place it takes.
 */
export function attachTcx(progFd: number, ifindex: number, direction: TcxDirection, replaced?: number): void {
  const detail = `${direction} of ifindex ${ifindex}`
  if (replaced === undefined) return void bpf('PROG_ATTACH', withoutLink(ifindex, progFd, direction), detail)
  const old = programById(replaced)
  try {
    bpf('PROG_ATTACH', withoutLink(ifindex, progFd, direction, BPF_F_REPLACE, old), detail)
  } finally {
    close(old)
  }
}

/** Take a program off one side of a device, by link or not. */
export function detachTcx({ progId, linkId }: TcxProgram, ifindex: number, direction: TcxDirection): void {
  const fd = linkId === 0 ? programById(progId) : linkById(linkId)
  try {
    if (linkId === 0) bpf('PROG_DETACH', withoutLink(ifindex, fd, direction), `${direction} of ifindex ${ifindex}`)
    else detachLink(fd)
  } finally {
    close(fd)
  }
}

const idAttr = cStruct({ id: u32, next: u32, flags: u32 })

/** Open a program by its number. Throws KernelError ENOENT when it is gone. */
export const programById = (id: number): number => bpf('PROG_GET_FD_BY_ID', idAttr.encode({ id, next: 0, flags: 0 }), `program ${id}`)

/**
 * Open a link by its number: a new descriptor, whoever made or pinned the link. Throws KernelError ENOENT when it is
 * gone.
 */
export const linkById = (id: number): number => bpf('LINK_GET_FD_BY_ID', idAttr.encode({ id, next: 0, flags: 0 }), `link ${id}`)

/** The name of a program by its number; undefined when it is gone. The kernel keeps 15 letters of it. */
export function programName(id: number): string | undefined {
  let fd: number
  try {
    fd = programById(id)
  } catch (error) {
    if (error instanceof KernelError && error.errno === errno.ENOENT) return undefined
    throw error
  }
  try {
    return progInfo(fd).name
  } finally {
    close(fd)
  }
}
