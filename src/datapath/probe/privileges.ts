/** The privileges of this process that the datapath needs. */
import { readFileSync } from 'node:fs'
import { effectiveCapabilities, type Capability } from '#kernel/capabilities.ts'

/** Namespaces, mounts and eBPF; devices and addresses. CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON. */
export const neededCapabilities = ['CAP_SYS_ADMIN', 'CAP_NET_ADMIN'] as const satisfies readonly Capability[]

export interface Privileges {
  readonly uid: number
  readonly missing: readonly Capability[]
  /** Capabilities in another user namespace than the initial one do not count for eBPF. */
  readonly initialUserNamespace: boolean
}

export function privileges(): Privileges {
  const effective = effectiveCapabilities()
  return {
    uid: process.getuid!(),
    missing: neededCapabilities.filter((name) => !effective.has(name)),
    initialUserNamespace: /^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8')),
  }
}
