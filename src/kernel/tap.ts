/** Tap devices with virtio headers and many queues: what a virtual machine's NIC is on the host. */
import { openSync } from 'node:fs'
import { bytes, cStruct, pad, u16 } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { check, close, libc } from './libc.ts'
import { beforeStep } from './step.ts'

const ioctl = libc.func('ioctl', 'int', ['int', 'ulong', 'void *'])
const ioctlValue = libc.func('ioctl', 'int', ['int', 'ulong', 'ulong'])

const TUNSETIFF = 0x400454ca
const TUNSETPERSIST = 0x400454cb
const TUNSETOWNER = 0x400454cc
const TUNSETGROUP = 0x400454ce
const TUNSETIFINDEX = 0x400454da
const TUNSETOFFLOAD = 0x400454d0
const TUNSETVNETHDRSZ = 0x400454d8

const IFF_TAP = 0x0002
const IFF_MULTI_QUEUE = 0x0100
const IFF_NO_PI = 0x1000
const IFF_VNET_HDR = 0x4000
const IFF_TUN_EXCL = 0x8000

/** struct virtio_net_hdr_mrg_rxbuf: what a modern virtio device speaks. */
const VNET_HEADER_BYTES = 12
const TUN_F_CSUM = 0x01
const TUN_F_TSO4 = 0x02
const TUN_F_TSO6 = 0x04
const TUN_F_TSO_ECN = 0x08
const TUN_F_USO4 = 0x20
const TUN_F_USO6 = 0x40

const O_RDWR_NONBLOCK = 2 | 0o4000
const ifreq = cStruct({ name: bytes(16), flags: u16, rest: pad(22) })

/** A tap device. The kernel keeps its kind: every opener of a queue must ask for the same. */
export interface TapOptions {
  readonly name: string
  readonly multiQueue?: boolean
  readonly vnetHdr?: boolean
  /** The user and group that may open queues without CAP_NET_ADMIN; absent: any user that can open /dev/net/tun. */
  readonly owner?: number
  readonly group?: number
  /** Of a device that is made; absent: the kernel chooses. */
  readonly ifindex?: number
}

/**
 * Make a tap device that stays until it is deleted as a link, in the thread's network namespace. `prepare` runs while
 * the device would still go with this process. Throws EBUSY when the name is taken.
 */
export function createTap({ owner, group, ...options }: TapOptions, prepare?: () => void): void {
  const fd = openQueue(options, IFF_TUN_EXCL)
  try {
    if (owner !== undefined) check('ioctl', ioctlValue(fd, TUNSETOWNER, owner), 'TUNSETOWNER')
    if (group !== undefined) check('ioctl', ioctlValue(fd, TUNSETGROUP, group), 'TUNSETGROUP')
    prepare?.()
    beforeStep('TUNSETPERSIST')
    check('ioctl', ioctlValue(fd, TUNSETPERSIST, 1), 'TUNSETPERSIST')
  } finally {
    close(fd) // had TUNSETPERSIST failed, the device goes with it
  }
}

/**
 * Change who may open queues of an existing tap device. The kernel can name another user or group, but not remove one.
 * This opens a queue, so nobody else should have one open.
 */
export function setTapOwner({ owner, group, ...options }: TapOptions): void {
  const fd = openQueue(options, 0)
  try {
    if (owner !== undefined) check('ioctl', ioctlValue(fd, TUNSETOWNER, owner), 'TUNSETOWNER')
    if (group !== undefined) check('ioctl', ioctlValue(fd, TUNSETGROUP, group), 'TUNSETGROUP')
  } finally {
    close(fd)
  }
}

/**
 * Open one queue of an existing tap device, or of a new one that goes when its last queue is closed. Gives a
 * non-blocking descriptor: each read and write is one frame, after a virtio header of 12 bytes when vnetHdr is set.
 */
export function openTapQueue(options: Omit<TapOptions, 'owner' | 'group'>): number {
  return openQueue(options, 0)
}

function openQueue({ name, multiQueue = true, vnetHdr = true, ifindex }: TapOptions, extra: number): number {
  const encoded = new TextEncoder().encode(name)
  if (encoded.length === 0 || encoded.length > 15) throw new RangeError(`'${name}' cannot name a device: it takes 1 to 15 bytes`)
  const flags = IFF_TAP | IFF_NO_PI | extra | (multiQueue ? IFF_MULTI_QUEUE : 0) | (vnetHdr ? IFF_VNET_HDR : 0)
  const fd = openTun()
  try {
    if (ifindex !== undefined) check('ioctl', ioctl(fd, TUNSETIFINDEX, new Uint32Array([ifindex])), 'TUNSETIFINDEX')
    check('ioctl', ioctl(fd, TUNSETIFF, ifreq.encode({ name: encoded, flags, rest: undefined })), `TUNSETIFF ${name}`)
    if (vnetHdr) setOffloads(fd)
    return fd
  } catch (error) {
    close(fd)
    throw error
  }
}

/** Throws KernelError: a machine may lack the module, or a container the device. */
function openTun(): number {
  try {
    return openSync('/dev/net/tun', O_RDWR_NONBLOCK)
  } catch (error) {
    const { errno: code = errno.EIO } = error as NodeJS.ErrnoException
    throw new KernelError('open', Math.abs(code), '/dev/net/tun; load the module: modprobe tun, or make the device: vpc doctor says how')
  }
}

/**
 * Tell the kernel what the reader of the queue accepts: checksums to be filled in, and segments to be cut. A VMM sets
 * its own again.
 */
function setOffloads(fd: number): void {
  check('ioctl', ioctl(fd, TUNSETVNETHDRSZ, new Uint32Array([VNET_HEADER_BYTES])), 'TUNSETVNETHDRSZ')
  const tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN
  if (ioctlValue(fd, TUNSETOFFLOAD, tcp | TUN_F_USO4 | TUN_F_USO6) === 0) return // UDP segments since Linux 6.2
  check('ioctl', ioctlValue(fd, TUNSETOFFLOAD, tcp), 'TUNSETOFFLOAD')
}
