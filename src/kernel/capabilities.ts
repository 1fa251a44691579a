/** The privileges that this process has. */
import { readFileSync } from 'node:fs'

/** Numbers from linux/capability.h that this project asks about. */
export const capabilities = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_NET_BIND_SERVICE: 10,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_PTRACE: 19,
  CAP_SYS_ADMIN: 21,
  CAP_SYS_RESOURCE: 24,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const

export type Capability = keyof typeof capabilities

/** The effective capabilities of this process. */
export function effectiveCapabilities(): Set<Capability> {
  return capabilitiesIn(readFileSync('/proc/self/status', 'utf8'))
}

/** The effective capabilities in the text of a /proc/PID/status. */
export function capabilitiesIn(status: string): Set<Capability> {
  const mask = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  const names = Object.keys(capabilities) as Capability[]
  return new Set(names.filter((name) => (mask >> BigInt(capabilities[name])) & 1n))
}
