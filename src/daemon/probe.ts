/**
 * The probe of a machine: what vpcd needs, what was found, and what to do about the rest. The lines of `vpc doctor`.
 */
import type { ProbeResult } from '#abi/info.ts'
import { oldestKernel, oldestKernelText } from '#abi/requirements.ts'
import { gatherFacts, tryLibbpf, type Facts, type ProbeOptions } from '#datapath/probe/facts.ts'
import type { PortUse } from '#datapath/probe/underlay.ts'
import type { Trial } from '#datapath/probe/trial.ts'
import { isAtLeast } from '#kernel/kernel-version.ts'
import { defaultDirectories, objectDir } from './options.ts'
import { judgeTraps } from './probe-traps.ts'

export type { ProbeOptions } from '#datapath/probe/facts.ts'

const withDefaults = (options: Partial<ProbeOptions>): ProbeOptions => ({ bpffs: defaultDirectories.bpffs, objectDir, ...options })

/** What VXLAN adds to a packet, over an underlay of IPv4 and of IPv6. */
const overhead = { ipv4: 50, ipv6: 70 }
const guestMtuBytes = 1500
const minimalGuestMtuBytes = 1280
const makeTun = 'mkdir -p /dev/net; rm -f /dev/net/tun; mknod -m 600 /dev/net/tun c 10 200'

/** Probe this machine and the network namespace that this process is in. Changes nothing that lasts. */
export async function probe(options: Partial<ProbeOptions> = {}): Promise<ProbeResult[]> {
  return judge(gatherFacts(withDefaults(options), await tryLibbpf()))
}

/** The same in a running vpcd, which has loaded libbpf. */
export const probeRunning = (options: Partial<ProbeOptions> = {}): ProbeResult[] =>
  judge(gatherFacts(withDefaults(options), { ok: true, detail: 'libbpf.so.1' }))

/**
 * Judge the findings. `failed`: vpcd does not start. `warning`: it starts, but something will not work, or not well.
 */
export const judge = (facts: Facts): ProbeResult[] => [
  kernel(facts),
  privileges(facts),
  needed('btf', facts.btf, 'run a kernel that is built with CONFIG_DEBUG_INFO_BTF=y, as those of distributions are'),
  wanted('jit', facts.jit, 'packets will be slow: sysctl -w net.core.bpf_jit_enable=1'),
  needed('libbpf', facts.libbpf, 'install it: apt-get install libbpf1'),
  objects(facts),
  bpffs(facts),
  needed('tcx', facts.tcx, `run Linux ${oldestKernelText} or newer with CONFIG_NET_XGRESS=y and CONFIG_BPF_SYSCALL=y`),
  needed('veth', facts.veth, 'load the module: modprobe veth'),
  needed('vxlan', facts.vxlan, 'load the module: modprobe vxlan'),
  wanted('tun', facts.tun, `vmnics cannot be made: modprobe tun, or make the device: ${makeTun}`),
  mtu(facts),
  ...facts.portUses.map(udpPort),
  firewall(facts),
  programs(facts),
  ...ipsec(facts),
  ...judgeTraps(facts.traps),
]

type Judged = Omit<ProbeResult, 'name'>

const ok = (found: string): Judged => ({ state: 'ok', found, remedy: '' })
const line = (name: string, judged: Judged): ProbeResult => ({ name, ...judged })

const needed = (name: string, trial: Trial, remedy: string): ProbeResult => tried(name, trial, 'failed', remedy)
const wanted = (name: string, trial: Trial, remedy: string): ProbeResult => tried(name, trial, 'warning', remedy)

function tried(name: string, { ok: good, untried, detail }: Trial, otherwise: 'failed' | 'warning', remedy: string): ProbeResult {
  if (good) return line(name, ok(detail))
  // Missing privileges are a failure of their own: what could not be tried may well work.
  if (untried) return line(name, { state: 'warning', found: detail, remedy: 'run it as root' })
  return line(name, { state: otherwise, found: detail, remedy })
}

function kernel({ kernel: version }: Facts): ProbeResult {
  const found = `Linux ${version.release}`
  const remedy = `run Linux ${oldestKernelText} or newer, the oldest that vpcd is tested on`
  const enough = isAtLeast(version, oldestKernel.major, oldestKernel.minor)
  return line('kernel', enough ? ok(found) : { state: 'failed', found, remedy })
}

function privileges({ privileges: { uid, missing, initialUserNamespace } }: Facts): ProbeResult {
  if (missing.length > 0) {
    const found = `user ${uid} without ${missing.join(' and ')}`
    return line('privileges', { state: 'failed', found, remedy: 'run it as root, or give it these capabilities' })
  }
  if (!initialUserNamespace) {
    const found = 'capabilities of a user namespace other than the initial one'
    return line('privileges', {
      state: 'failed',
      found,
      remedy: 'run it on the host, or in a container that has no user namespace of its own',
    })
  }
  return line('privileges', ok(`user ${uid} with all that are needed`))
}

function objects({ objectDir, missingObjects }: Facts): ProbeResult {
  if (missingObjects.length === 0) return line('programs', ok(`compiled, in ${objectDir}`))
  const found = `${missingObjects.join(', ')} missing in ${objectDir}`
  return line('programs', { state: 'failed', found, remedy: 'compile them: npm run build' })
}

function bpffs({ bpffs: directory, knowsBpffs, bpffsPlan: plan }: Facts): ProbeResult {
  if (!knowsBpffs) {
    const remedy = 'run a kernel that is built with CONFIG_BPF_SYSCALL=y'
    return line('bpffs', { state: 'failed', found: 'the kernel has no BPF file system', remedy })
  }
  if (plan.kind === 'hidden') return line('bpffs', { state: 'failed', found: plan.why, remedy: 'run it as root' })
  if (plan.kind === 'there') return line('bpffs', ok(`${directory} is on one`))
  if (plan.kind === 'below') return line('bpffs', ok(`${directory} can be made below ${plan.parent}`))
  return line('bpffs', ok(`one will be mounted on ${plan.mountPoint}`))
}

function mtu({ underlay }: Facts): ProbeResult {
  if (underlay.length === 0) {
    const found = 'no interface that is up has an address'
    return line('mtu', {
      state: 'warning',
      found,
      remedy: 'give the host an address for a mux to listen on, or guests reach this host alone',
    })
  }
  const rooms = underlay.map(({ name, mtuBytes, ipv4 }) => {
    const over = ipv4 ? overhead.ipv4 : overhead.ipv6
    return { name, mtuBytes, over, guest: mtuBytes - over }
  })
  const found = rooms.map(({ name, mtuBytes, guest }) => `${name} has ${mtuBytes}: guests get ${guest}`).join('; ')
  const narrow = rooms.filter(({ guest }) => guest < guestMtuBytes)
  if (narrow.length === 0) return line('mtu', ok(found))
  const commands = narrow.map(({ name, over }) => `ip link set ${name} mtu ${guestMtuBytes + over}`).join('; ')
  const small = narrow.some(({ guest }) => guest < minimalGuestMtuBytes) ? `IPv6 guests need ${minimalGuestMtuBytes} at least; ` : ''
  return line('mtu', {
    state: 'warning',
    found,
    remedy: `${small}for ${guestMtuBytes}, if the network carries it: ${commands}`,
  })
}

function udpPort({ port, ours, others }: PortUse): ProbeResult {
  const whose = `UDP port ${port} is ${ours.length > 0 ? `that of our ${ours.join(' and ')}` : 'free'}`
  if (others.length === 0) return line('udp-port', ok(whose))
  const found = ours.length > 0 ? `${whose}, and of ${others.join(', ')}` : `UDP port ${port} is in use by ${others.join(', ')}`
  return line('udp-port', { state: 'warning', found, remedy: 'let the muxes of all hosts listen on another port' })
}

/** Rules that must see each packet of a mux close the direct ways. That is right, and good to know. */
function firewall({ rules }: Facts): ProbeResult {
  const found = rules.flatMap(({ name, objections }) => {
    const reasons = [...new Set([...objections.out, ...objections.in])]
    return reasons.length === 0 ? [] : [`${name}: ${reasons.join(', ')}`]
  })
  if (found.length === 0)
    return line('firewall', ok("no rule of the host must see each packet of a mux, so packets bypass the host's stack"))
  return line('firewall', {
    state: 'warning',
    found: `rules of the host must see each packet of a mux, which is slower (${found.join('; ')})`,
    remedy: 'narrow these rules, or let them see only samples: vpc mux set --direct=on',
  })
}

/** Foreign programs before ours on an interface may keep packets from them. */
function programs({ rules }: Facts): ProbeResult {
  const found = rules.filter(({ before }) => before.length > 0).map(({ name, before }) => `${name}: ${before.join(', ')}`)
  if (found.length === 0) return line('tcx-chain', ok('no foreign program runs before ours on an interface with an address'))
  return line('tcx-chain', {
    state: 'warning',
    found: `foreign programs run before ours (${found.join('; ')})`,
    remedy: 'if one of them ends the chain, let it pass packets on (TCX_NEXT), or attach it behind ours',
  })
}

/** The mux sends nothing then, and packets of other programs to the VTEP would not be encrypted. */
function ipsec({ pastIpsec }: Facts): ProbeResult[] {
  if (pastIpsec.length === 0) return []
  const found = `packets to VTEPs under IPsec pass without it (${pastIpsec.join(', ')}), so muxes send them none`
  return [line('ipsec', { state: 'warning', found, remedy: `sysctl -w ${pastIpsec.map((name) => `${name}=0`).join(' ')}` })]
}

/** One line of text for people: name, finding, remedy. */
export const formatProbeLine = ({ name, state, found, remedy }: ProbeResult): string =>
  state === 'ok' ? `${name}: ${found}` : `${name}: ${found}; ${remedy}`
