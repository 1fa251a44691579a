/** Generic netlink: families that the kernel names at run time (linux/genetlink.h). */
import { cStruct, pad, u8 } from '#abi/c-struct.ts'
import { errno, KernelError } from './errno.ts'
import { Attributes, attributeString } from './netlink-message.ts'
import { netlinkFamily, NetlinkSocket } from './netlink-socket.ts'

const genlmsghdr = cStruct({ command: u8, version: u8, reserved: pad(2) })

const GENL_ID_CTRL = 16
const CTRL_CMD_GETFAMILY = 3
const CTRL_ATTR = { FAMILY_ID: 1, FAMILY_NAME: 2 } as const

/** A socket for one generic netlink family. */
export class GenericNetlink {
  readonly #name: string
  readonly #socket: NetlinkSocket
  readonly #type: number
  private constructor(name: string, socket: NetlinkSocket, type: number) {
    this.#name = name
    this.#socket = socket
    this.#type = type
  }
  /** Throws KernelError ENOENT when the kernel lacks the family. */
  static open(name: string, netnsFd?: number): GenericNetlink {
    const socket = NetlinkSocket.open({ family: netlinkFamily.GENERIC, netnsFd })
    try {
      const parts = [header(CTRL_CMD_GETFAMILY), attributeString(CTRL_ATTR.FAMILY_NAME, name)]
      const [reply] = socket.request({ call: `genetlink ${name}`, type: GENL_ID_CTRL, parts, changes: false })
      const id = reply && new Attributes(reply.body.subarray(genlmsghdr.size)).u16(CTRL_ATTR.FAMILY_ID)
      if (id === undefined) throw new KernelError(`genetlink ${name}`, errno.ENOENT)
      return new GenericNetlink(name, socket, id)
    } catch (error) {
      socket.close()
      throw error
    }
  }
  /** Send a command that asks, or one that changes something. Gives the attributes of the replies. */
  request(call: string, command: number, attributes: readonly Uint8Array[], { changes }: { changes: boolean }): Attributes[] {
    const request = { call: `${this.#name} ${call}`, type: this.#type, parts: [header(command), ...attributes], changes }
    return this.#socket.request(request).map(({ body }) => new Attributes(body.subarray(genlmsghdr.size)))
  }
  [Symbol.dispose](): void {
    this.#socket.close()
  }
}

const header = (command: number): Uint8Array => genlmsghdr.encode({ command, version: 1, reserved: undefined })
