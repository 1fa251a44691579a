/** Frames that come in on a device, seen before any program of its ingress sees them. packet(7). */
import { bytes, cStruct, u16, u32, u64, u8 } from '#abi/c-struct.ts'
import { check, close, libc } from './libc.ts'
import { allocate, allocateCopy } from './memory.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)')

const AF_PACKET = 17
const SOCK_RAW_NONBLOCK_CLOEXEC = 3 | 0o2004000
const SOL_SOCKET = 1
const SO_ATTACH_FILTER = 26
/** ETH_P_ALL in network order. */
const ALL = 0x0300
const MAX_FRAME = 65_536

const sockaddrLl = cStruct({ family: u16, protocol: u16, ifindex: u32, hatype: u16, pkttype: u8, halen: u8, address: bytes(8) })
const sockFilter = cStruct({ code: u16, jt: u8, jf: u8, k: u32 })
const sockFprog = cStruct({ length: u16, filter: u64 })

const LOAD_WORD = 0x20
const JUMP_EQUAL = 0x15
const RETURN = 0x06

/** A classic BPF program that takes frames whose destination's MAC begins with these four bytes. */
const programOf = (macPrefix: number): Uint8Array =>
  Buffer.concat(
    [
      { code: LOAD_WORD, jt: 0, jf: 0, k: 0 },
      { code: JUMP_EQUAL, jt: 0, jf: 1, k: macPrefix },
      { code: RETURN, jt: 0, jf: 0, k: MAX_FRAME },
      { code: RETURN, jt: 0, jf: 0, k: 0 },
    ].map((instruction) => sockFilter.encode(instruction)),
  )

export class PacketCapture implements Disposable {
  readonly #fd: number
  readonly #room = allocate(MAX_FRAME)

  /**
   * Begin to see frames of a device of this thread's network namespace. Only frames whose destination MAC begins with
   * four bytes, given as a number, are taken. Throws KernelError.
   */
  constructor(ifindex: number, macPrefix: number) {
    // Protocol 0: no frame arrives before the filter is in place.
    this.#fd = check('socket', socket(AF_PACKET, SOCK_RAW_NONBLOCK_CLOEXEC, 0), 'AF_PACKET')
    try {
      const program = allocateCopy(programOf(macPrefix))
      const fprog = sockFprog.encode({ length: program.bytes.length / sockFilter.size, filter: program.address })
      check('setsockopt', setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, fprog, fprog.length), 'SO_ATTACH_FILTER')
      const on = sockaddrLl.encode({
        family: AF_PACKET,
        protocol: ALL,
        ifindex,
        hatype: 0,
        pkttype: 0,
        halen: 0,
        address: new Uint8Array(8),
      })
      check('bind', bind(this.#fd, on, on.length), `device ${ifindex}`)
    } catch (error) {
      close(this.#fd)
      throw error
    }
  }

  /** The next frame, from its Ethernet header on; undefined when there is none. */
  receive(): Uint8Array | undefined {
    const length = Number(recv(this.#fd, this.#room.bytes, MAX_FRAME, 0))
    return length < 0 ? undefined : this.#room.bytes.slice(0, length)
  }

  [Symbol.dispose](): void {
    close(this.#fd)
  }
}
