/**
 * Sockets that send single packets to one address and receive the ICMP errors that these cause: UDP with the DF bit
 * set, and raw ICMP. udp(7), raw(7).
 */
import { encodeSockaddr } from '#abi/layouts.ts'
import { check, close, lastErrno, libc } from './libc.ts'
import { allocate } from './memory.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const connect = libc.func('int connect(int fd, const void *address, uint32_t length)')
const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')
const send = libc.func('long send(int fd, const void *bytes, size_t length, int flags)')
const recv = libc.func('long recv(int fd, void *bytes, size_t length, int flags)')

const AF_INET = 2
const AF_INET6 = 10
const SOCK_DGRAM = 2
const SOCK_RAW = 3
const SOCK_NONBLOCK_CLOEXEC = 0o2004000
const IPPROTO_IP = 0
const IPPROTO_ICMP = 1
const IPPROTO_UDP = 17
const IPPROTO_IPV6 = 41
const IPPROTO_ICMPV6 = 58
const IP_MTU_DISCOVER = 10
const IPV6_MTU_DISCOVER = 23
/** Report transient errors too, such as an unreachable host. */
const IP_RECVERR = 11
const IPV6_RECVERR = 25
const SOL_SOCKET = 1
const SO_MARK = 36
/** Set DF, and ignore the path MTU that the kernel has learnt. */
const PMTUDISC_PROBE = 3
const MAX_PACKET = 65_536

interface Ends {
  readonly from: Uint8Array
  readonly to: Uint8Array
  /** 0 with ICMP. */
  readonly port: number
  /** skb->mark of its packets. */
  readonly mark?: number
}

/** A socket that is connected to one address. None of its calls block. */
export class DatagramSocket implements Disposable {
  readonly #fd: number
  readonly #isIpv6: boolean
  readonly #room = allocate(MAX_PACKET)

  private constructor({ from, to, port, mark = 0 }: Ends, type: number, protocol: number) {
    this.#isIpv6 = to.length === 16
    this.#fd = check('socket', socket(this.#isIpv6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK_CLOEXEC, protocol))
    try {
      if (mark !== 0) check('setsockopt', setsockopt(this.#fd, SOL_SOCKET, SO_MARK, Uint32Array.of(mark), 4), 'SO_MARK')
      const [own, peer] = [encodeSockaddr({ address: from, port: 0 }), encodeSockaddr({ address: to, port })]
      check('bind', bind(this.#fd, own, own.length))
      this.#set(IP_RECVERR, IPV6_RECVERR, 1)
      check('connect', connect(this.#fd, peer, peer.length))
    } catch (error) {
      close(this.#fd)
      throw error
    }
  }

  /**
   * A UDP socket on a free port whose packets are never fragmented. Throws KernelError: ENETUNREACH when there is no
   * route.
   */
  static udp(ends: Ends): DatagramSocket {
    const made = new DatagramSocket(ends, SOCK_DGRAM, IPPROTO_UDP)
    made.#set(IP_MTU_DISCOVER, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)
    return made
  }

  /**
   * A raw socket for ICMP or ICMPv6, by the address's family. IPv4 packets that it receives start with their IP header.
   */
  static icmp(ends: Omit<Ends, 'port'>): DatagramSocket {
    return new DatagramSocket({ ...ends, port: 0 }, SOCK_RAW, ends.to.length === 16 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)
  }

  /** Send a packet. Gives 0, or an errno: of this packet, or of an ICMP error for an earlier one. */
  send(bytes: Uint8Array): number {
    return Number(send(this.#fd, bytes, bytes.length, 0)) < 0 ? lastErrno() : 0
  }

  /** The next packet, or the errno of one that was sent. EAGAIN: there is none. */
  receive(): Uint8Array | number {
    const length = Number(recv(this.#fd, this.#room.bytes, MAX_PACKET, 0))
    return length < 0 ? lastErrno() : this.#room.bytes.slice(0, length)
  }

  [Symbol.dispose](): void {
    close(this.#fd)
  }

  #set(ipv4Name: number, ipv6Name: number, value: number): void {
    const [level, name] = this.#isIpv6 ? [IPPROTO_IPV6, ipv6Name] : [IPPROTO_IP, ipv4Name]
    check('setsockopt', setsockopt(this.#fd, level, name, Uint32Array.of(value), 4), `IP option ${name}`)
  }
}
