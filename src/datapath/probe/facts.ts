/** Gathers the facts for the probe of a machine, without judging them. */
import { readdirSync } from 'node:fs'
import { kernelVersion, type KernelVersion } from '#kernel/kernel-version.ts'
import { settingsPastGuards } from '../host-rules/past-ipsec.ts'
import { objectNames } from '../hook.ts'
import { knowsBpffs, planBpffs, type BpffsPlan } from '../bpffs.ts'
import { tryBtf, tryJit, tryTcx, tryTun, tryVeth, tryVxlan } from './features.ts'
import { privileges, type Privileges } from './privileges.ts'
import { findTraps, type Traps } from './traps.ts'
import { attempt, type Trial } from './trial.ts'
import { interfaceRules, udpPortUses, underlayInterfaces, type InterfaceRules, type PortUse, type UnderlayInterface } from './underlay.ts'

export interface ProbeOptions {
  /** Directory in which vpcd pins. */
  readonly bpffs: string
  /** Where the compiled eBPF objects are. */
  readonly objectDir: string
  /** UDP port to look at where no mux listens. Default 4789. */
  readonly udpPort?: number | undefined
  /** Where files of network managers are looked for. Default: /. */
  readonly root?: string | undefined
}

export interface Facts {
  readonly kernel: KernelVersion
  readonly privileges: Privileges
  readonly btf: Trial
  readonly jit: Trial
  readonly libbpf: Trial
  readonly objectDir: string
  readonly missingObjects: readonly string[]
  readonly bpffs: string
  readonly knowsBpffs: boolean
  readonly bpffsPlan: BpffsPlan
  readonly tcx: Trial
  readonly veth: Trial
  readonly vxlan: Trial
  readonly tun: Trial
  readonly underlay: readonly UnderlayInterface[]
  readonly portUses: readonly PortUse[]
  readonly rules: readonly InterfaceRules[]
  /** Settings by which packets that must be encrypted pass in plain, as sysctl(8) names them. */
  readonly pastIpsec: readonly string[]
  /** Undefined: not looked for, for lack of privileges. */
  readonly traps: Traps | undefined
}

/** Whether libbpf can be loaded, by loading it. Not synchronous, so not part of `gatherFacts`. */
export async function tryLibbpf(): Promise<Trial> {
  try {
    await import('#kernel/libbpf.ts')
    return { ok: true, detail: 'libbpf.so.1' }
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) }
  }
}

/** Gather everything now. Changes nothing that lasts. */
export function gatherFacts({ bpffs, objectDir, udpPort = 4789, root }: ProbeOptions, libbpf: Trial): Facts {
  const found = privileges()
  const portUses = udpPortUses(udpPort)
  const privileged = (run: () => Trial): Trial =>
    found.missing.length === 0 ? run() : { ok: false, untried: true, detail: 'not tried, for lack of privileges' }
  return {
    kernel: kernelVersion(),
    privileges: found,
    btf: tryBtf(),
    jit: privileged(tryJit),
    libbpf,
    objectDir,
    missingObjects: objectNames.map((name) => `${name}.o`).filter((name) => !listed(objectDir).includes(name)),
    bpffs,
    knowsBpffs: knowsBpffs(),
    bpffsPlan: planBpffs(bpffs),
    tcx: privileged(tryTcx),
    veth: privileged(tryVeth),
    vxlan: privileged(() => tryVxlan(udpPort)),
    tun: tryTun(),
    underlay: underlayInterfaces(),
    portUses,
    rules: found.missing.length === 0 ? interfaceRules(udpPort) : [],
    pastIpsec: found.missing.length === 0 ? settingsPastGuards() : [],
    traps: found.missing.length === 0 ? findTraps(portUses[0]?.port ?? udpPort, root) : undefined,
  }
}

function listed(directory: string): string[] {
  const names = attempt(() => readdirSync(directory).join('\n'))
  return names.ok ? names.detail.split('\n') : []
}
