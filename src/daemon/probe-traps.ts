/** What traps on a host break, and the command that mends each: further lines of `vpc doctor`. */
import type { ProbeResult } from '#abi/info.ts'
import { networkFiles } from '#abi/network-files.ts'
import type { Dropping } from '#datapath/host-rules/nft-fate.ts'
import type { ManagerFact } from '#datapath/probe/network-programs.ts'
import type { Traps } from '#datapath/probe/traps.ts'

const ok = (name: string, found: string): ProbeResult => ({ name, state: 'ok', found, remedy: '' })
const warning = (name: string, found: string, remedy: string): ProbeResult => ({ name, state: 'warning', found, remedy })
const unknown = (name: string, found: string, remedy: string): ProbeResult => ({ name, state: 'unknown', found, remedy })

/** A line for each trap. Undefined: they could not be looked for, for lack of privileges. */
export function judgeTraps(traps: Traps | undefined): ProbeResult[] {
  if (traps === undefined) return [unknown('host-settings', 'not looked at, for lack of privileges', 'run it as root')]
  return [
    tunnel(traps),
    forwarding(traps),
    bridge(traps),
    returnWays(traps),
    ...traps.managers.map(manager),
    conntrack(traps),
    clock(traps),
    memory(traps),
  ]
}

const placeOf = ({ family, table, chain, by }: Dropping): string => `${family} ${table} ${chain}: ${by}`

/** How a rule comes before others, by who made the table. */
function allow({ family, table, chain }: Dropping, nft: string, iptables: string, firewalld: string): string {
  if (table === 'firewalld') return firewalld
  return family === 'ip' && chain === chain.toUpperCase() ? iptables : `nft insert rule ${family} ${table} ${chain} ${nft}`
}

function tunnel({ tunnel: drops, port, unreadable }: Traps): ProbeResult {
  const name = 'tunnel-firewall'
  const [first] = drops
  if (first !== undefined) {
    const found = drops.map(({ device, by }) => `packets to UDP port ${port} on ${device} are dropped (${placeOf(by)})`).join('; ')
    const remedy = allow(
      first.by,
      `udp dport ${port} accept`,
      `iptables -I ${first.by.chain} -p udp --dport ${port} -j ACCEPT`,
      `firewall-cmd --permanent --add-port=${port}/udp && firewall-cmd --reload`,
    )
    return warning(name, `${found}: guests do not hear from other hosts`, remedy)
  }
  if (unreadable.includes('INPUT'))
    return unknown(
      name,
      `iptables-legacy has rules in INPUT, which vpc cannot read`,
      `see that UDP port ${port} passes: iptables-legacy -L INPUT -nv`,
    )
  return ok(name, `UDP port ${port} passes the host's firewall`)
}

function forwarding({ forwards, forward: by, unreadable }: Traps): ProbeResult {
  const name = 'forwarding'
  if (!forwards) return ok(name, 'the host routes no packets; those between guests do not need it')
  if (by !== undefined) {
    const { family, table, chain } = by
    const insert = `nft insert rule ${family} ${table} ${chain}`
    const remedy = allow(
      by,
      `iifname "hostif*" accept; ${insert} oifname "hostif*" accept`,
      `iptables -I ${chain} -i hostif+ -j ACCEPT; iptables -I ${chain} -o hostif+ -j ACCEPT`,
      'firewall-cmd --permanent --zone=trusted --add-interface=hostif0 && firewall-cmd --reload',
    )
    return warning(
      name,
      `what the host routes between a hostif of its own and other interfaces is dropped (${placeOf(by)})`,
      remedy.replaceAll('"hostif*"', `'"hostif*"'`),
    )
  }
  if (unreadable.includes('FORWARD'))
    return unknown(
      name,
      'iptables-legacy has rules in FORWARD, which vpc cannot read',
      'if guests use this host as a router: iptables-legacy -L FORWARD -nv',
    )
  return ok(name, 'what the host routes passes its firewall')
}

function bridge({ bridge: found }: Traps): ProbeResult {
  const name = 'bridge-nf'
  if (found === undefined) return ok(name, 'no bridge of the host asks the firewall')
  const { names, by } = found
  if (by === undefined) return ok(name, `the firewall sees frames of ${names.join(', ')}, and lets them pass`)
  return warning(
    name,
    `frames that ${names.join(', ')} carries are dropped as if the host routed them (${placeOf(by)}): also those of an underlay or uplink there`,
    'sysctl -w net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0',
  )
}

function returnWays({ strict, addressed }: Traps): ProbeResult {
  const name = 'rp-filter'
  if (strict.length === 0) return ok(name, 'packets may come in by another interface than the one that leads back')
  if (addressed.length < 2) return ok(name, `strict on ${strict.join(', ')}, the only interface with an address`)
  return warning(
    name,
    `strict on ${strict.join(', ')}: packets of a host are dropped when the way back to it leads by another interface`,
    `sysctl -w ${strict.map((device) => `net.ipv4.conf.${device.replaceAll('.', '/')}.rp_filter=2`).join(' ')}`,
  )
}

const harms = {
  network: 'it may set interfaces of guests up and take or give them addresses',
  networkManager: 'it may set interfaces of guests up, and ask for addresses on them',
  link: 'it may give devices other MAC addresses (MACAddressPolicy) and other names',
} as const
const reloads = {
  network: 'networkctl reload',
  networkManager: 'nmcli general reload',
  link: 'udevadm control --reload',
} as const

function manager({ manager: who, file, found }: ManagerFact): ProbeResult {
  const name = who === 'systemd-udevd' ? 'mac-policy' : who === 'NetworkManager' ? 'network-manager' : 'networkd'
  if (found !== undefined) return ok(name, `${who} leaves our devices alone: ${found}`)
  const { path, text } = networkFiles[file]
  const at = `/etc/${path}`
  const write = `mkdir -p ${at.slice(0, at.lastIndexOf('/'))} && printf '${text.replaceAll('\n', String.raw`\n`)}' > ${at} && ${reloads[file]}`
  return warning(name, `${who} runs, and no file keeps it away from our devices: ${harms[file]}`, write)
}

/** The kernel drops new connections when the table is full. */
const nearlyFull = 0.9

function conntrack({ conntrack: found }: Traps): ProbeResult {
  const name = 'conntrack'
  if (found === undefined) return ok(name, "the kernel's table of connections is not in use")
  const { count, max } = found
  if (max === 0 || count < max * nearlyFull) return ok(name, `${count} of ${max} connections of the host`)
  return warning(
    name,
    `${count} of ${max} connections: the host drops packets of new ones when its table is full, also those of muxes that its firewall sees`,
    `sysctl -w net.netfilter.nf_conntrack_max=${Math.max(max * 2, 65536)}`,
  )
}

function clock({ clockInStep }: Traps): ProbeResult {
  const name = 'clock'
  if (clockInStep === true) return ok(name, 'something keeps it in step')
  const found =
    clockInStep === undefined ? 'the kernel does not say whether it is in step' : 'nothing that the kernel knows of keeps it in step'
  return unknown(name, `${found}; certificates of a cloud's hosts need the right time`, 'timedatectl set-ntp true')
}

/** Tables of their usual sizes, and vpcd. */
const enoughBytes = 384 * 2 ** 20

function memory({ memoryMax }: Traps): ProbeResult {
  const name = 'memory'
  if (memoryMax === undefined) return ok(name, 'no cgroup limits it; BPF maps need no memlock since Linux 5.11')
  const mib = Math.floor(memoryMax / 2 ** 20)
  if (memoryMax >= enoughBytes) return ok(name, `its cgroup may take ${mib} MiB, BPF maps included`)
  return warning(
    name,
    `its cgroup may take ${mib} MiB, BPF maps included: tables may find no room (ENOMEM)`,
    'systemctl set-property vpcd.service MemoryMax=infinity',
  )
}
