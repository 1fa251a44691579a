/**
 * Rules of the old iptables (linux/netfilter_ipv4/ip_tables.h). The kernel does not notify of changes: callers must
 * poll.
 */
import { readFileSync } from 'node:fs'
import { array, bytes, cStruct, u32 } from '#abi/c-struct.ts'
import { check, close, libc } from './libc.ts'

const socket = libc.func('int socket(int domain, int type, int protocol)')
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, uint32_t *length)')

const AF_INET = 2
const SOCK_RAW_CLOEXEC = 3 | 0o2000000
const IPPROTO_RAW = 255
const SOL_IP = 0
const IPT_SO_GET_INFO = 64

const getInfo = cStruct({ name: bytes(32), validHooks: u32, hookEntry: array(u32, 5), underflow: array(u32, 5), entries: u32, size: u32 })

/** A table, and the chains of the kernel's hooks (NF_INET_*) in which it has rules besides their policies. */
export interface XtablesTable {
  readonly name: string
  readonly hooks: readonly number[]
}

/** The tables for IPv4 of the namespace that this thread is in. */
export function xtablesTables(): XtablesTable[] {
  const names = tableNames()
  if (names.length === 0) return []
  const fd = check('socket', socket(AF_INET, SOCK_RAW_CLOEXEC, IPPROTO_RAW), 'SOCK_RAW')
  try {
    return names.map((name) => readTable(fd, name))
  } finally {
    close(fd)
  }
}

function tableNames(): string[] {
  try {
    return readFileSync('/proc/thread-self/net/ip_tables_names', 'utf8').split('\n').filter(Boolean)
  } catch {
    return [] // a kernel without them
  }
}

function readTable(fd: number, name: string): XtablesTable {
  const padded = new Uint8Array(32)
  padded.set(Buffer.from(name).subarray(0, 31))
  const info = getInfo.encode({ name: padded, validHooks: 0, hookEntry: [0, 0, 0, 0, 0], underflow: [0, 0, 0, 0, 0], entries: 0, size: 0 })
  check('getsockopt', getsockopt(fd, SOL_IP, IPT_SO_GET_INFO, info, Uint32Array.of(info.length)), `IPT_SO_GET_INFO ${name}`)
  const { validHooks, hookEntry, underflow } = getInfo.decode(info)
  // Where a chain begins, and where its policy is.
  return { name, hooks: [0, 1, 2, 3, 4].filter((hook) => validHooks & (1 << hook) && hookEntry[hook] !== underflow[hook]) }
}
