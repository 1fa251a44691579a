/**
 * The shortest way of a frame between two devices: an eBPF program that redirects every packet, and does nothing else.
 */
import { closeSync } from 'node:fs'
import { createTcxLink } from '#kernel/bpf-link.ts'
import { loadInstructions } from '#kernel/bpf-load.ts'
import { linkByName } from '#kernel/link.ts'
import { close } from '#kernel/libc.ts'
import { Netns } from '#kernel/netns.ts'
import { NetlinkSocket } from '#kernel/netlink-socket.ts'
import type { Bed, Namespace } from './bed.ts'

/** enum bpf_func_id: the two that send a packet to another device. */
const helper = { redirect: 23, redirect_peer: 155 } as const

/** `r1 = ifindex; r2 = 0; call helper; exit`: struct bpf_insn, 8 bytes each. */
function instructions(ifindex: number, call: number): Uint8Array {
  const code = Buffer.alloc(32)
  code.writeUInt16LE(0x01b7, 0)
  code.writeInt32LE(ifindex, 4)
  code.writeUInt16LE(0x02b7, 8)
  code.writeUInt8(0x85, 16)
  code.writeInt32LE(call, 20)
  code.writeUInt8(0x95, 24)
  return code
}

/**
 * Redirect every packet that arrives on the device `from` of a namespace to its device `to`; with `redirect_peer`
 * straight into the other end of that veth. It lasts as long as the bed. Throws KernelError, and Error when there is no
 * such device.
 */
export function redirect(bed: Bed, namespace: Namespace, from: string, to: string, how: keyof typeof helper): void {
  const netns = Netns.open(namespace)
  try {
    const link = netns.run(() => {
      using socket = NetlinkSocket.open()
      const [source, target] = [from, to].map((name) => linkByName(socket, name)?.ifindex)
      if (source === undefined || target === undefined) throw new Error(`${namespace} has no device ${source === undefined ? from : to}`)
      const program = loadInstructions(instructions(target, helper[how]))
      try {
        return createTcxLink(program, source, 'ingress')
      } finally {
        close(program)
      }
    })
    bed.onDispose(() => close(link))
  } finally {
    closeSync(netns.fd)
  }
}
