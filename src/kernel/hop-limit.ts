/** How far packets of a connection go. ip(7), ipv6(7). */
import { check, libc } from './libc.ts'

const setsockopt = libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)')

/** Levels and names: TTL of IPv4, hop limit of IPv6. */
const options = { 4: [0, 2], 6: [41, 16] } as const

/** Give the packets that a socket sends from now on a TTL or hop limit. Throws KernelError. */
export function setHopLimit(fd: number, family: 4 | 6, hops: number): void {
  const [level, name] = options[family]
  check('setsockopt', setsockopt(fd, level, name, Uint32Array.of(hops), 4), `the hop limit of IPv${family}`)
}
