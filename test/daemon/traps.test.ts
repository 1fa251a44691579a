/**
 * The traps that `vpc doctor` knows, really set: each breaks a ping, the doctor names it, and the command that it gives
 * mends the ping. Needs root.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { networkFiles } from '#abi/network-files.ts'
import type { ProbeResult } from '#abi/info.ts'
import { isClockInStep } from '#kernel/clock.ts'
import { Netns } from '#kernel/netns.ts'
import { judgeHolders } from '#daemon/duplicate-address.ts'
import { probeRunning } from '#daemon/probe.ts'
import { addressHolders } from '#datapath/probe/duplicate.ts'

const tag = `tr${process.pid}`
const [host, peer, guest, other] = ['h', 'p', 'g', 'o'].map((name) => `${tag}-${name}`) as [string, string, string, string]
const ip = (netns: string, ...args: string[]): string => execFileSync('ip', ['-n', netns, ...args], { encoding: 'utf8' })
const inside = (netns: string, line: string, input = ''): string =>
  execFileSync('timeout', ['30', 'nsenter', `--net=/run/netns/${netns}`, 'sh', '-ec', line], { encoding: 'utf8', input, stdio: 'pipe' })
/** Whether an answer comes within these seconds. */
const pings = (seconds: number, netns: string, ...args: string[]): boolean =>
  spawnSync('ip', ['netns', 'exec', netns, 'ping', '-n', '-c', '1', '-i', '0.2', '-w', String(seconds), ...args]).status === 0
let root: string
function find(name: string): ProbeResult | undefined {
  using netns = Netns.open(host)
  const lines = netns.run(() => probeRunning({ bpffs: '/sys/fs/bpf/vpc', objectDir: '/nonexistent', root }))
  return lines.find((line) => line.name === name)
}

/** Two ends of a wire with addresses, up. */
function wire(a: string, one: string, address: string, b: string, two: string, to: string): void {
  ip(a, 'link', 'add', one, 'type', 'veth', 'peer', 'name', two, 'netns', b)
  for (const [netns, name, own] of [
    [a, one, address],
    [b, two, to],
  ] as const) {
    if (own !== '') ip(netns, 'address', 'add', own, 'dev', name)
    ip(netns, 'link', 'set', name, 'up')
  }
}

before(() => {
  root = mkdtempSync(join(tmpdir(), 'vpc-traps-'))
  for (const netns of [host, peer, guest, other]) {
    execFileSync('ip', ['netns', 'add', netns])
    ip(netns, 'link', 'set', 'lo', 'up')
  }
  wire(host, 'under0', '192.0.2.1/24', peer, 'p0', '192.0.2.2/24')
  wire(host, 'hostif0', '10.9.0.1/24', guest, 'eth0', '10.9.0.2/24')
  ip(guest, 'route', 'add', 'default', 'via', '10.9.0.1')
  ip(peer, 'route', 'add', '10.9.0.0/24', 'via', '192.0.2.1')
  for (const [netns, local, remote, own] of [
    [host, '192.0.2.1', '192.0.2.2', '10.77.0.1/24'],
    [peer, '192.0.2.2', '192.0.2.1', '10.77.0.2/24'],
  ] as const) {
    ip(netns, 'link', 'add', 'vx0', 'type', 'vxlan', 'id', '77', 'local', local, 'remote', remote, 'dstport', '4789')
    ip(netns, 'address', 'add', own, 'dev', 'vx0')
    ip(netns, 'link', 'set', 'vx0', 'up')
  }
})
after(() => {
  for (const netns of [host, peer, guest, other]) spawnSync('ip', ['netns', 'del', netns])
  rmSync(root, { recursive: true, force: true })
})
beforeEach(() => {
  inside(host, 'nft flush ruleset; sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.under0.rp_filter=0')
})

/** Set a trap: the ping fails, the doctor says so and how to mend it, and then both are well. */
function trap(name: string, reaches: (seconds: number) => boolean, set: () => unknown, says: RegExp, remedy: RegExp): void {
  assert.equal(find(name)?.state, 'ok', JSON.stringify(find(name)))
  assert.ok(reaches(20), 'before')
  set()
  assert.equal(reaches(1), false, 'with the trap')
  const found = find(name)!
  assert.equal(found.state, 'warning', JSON.stringify(found))
  assert.match(found.found, says)
  assert.match(found.remedy, remedy)
  inside(host, found.remedy)
  assert.deepEqual([find(name)!.state, find(name)!.remedy], ['ok', ''], JSON.stringify(find(name)))
  assert.ok(reaches(20), 'mended')
}

const nft = (rules: string): string => inside(host, 'nft -f -', rules.replaceAll('} }', '}\n}'))
const tunnel = (seconds: number): boolean => pings(seconds, peer, '10.77.0.1')
const firewalls: readonly (readonly [what: string, set: () => unknown, says: RegExp, remedy: RegExp])[] = [
  [
    'nft, a policy behind states in a set and a map of interfaces',
    () =>
      nft(`table inet f {
        chain lan { icmp type echo-request accept; tcp dport 22 accept; udp dport { 53, 67-68 } accept; }
        chain in { type filter hook input priority 0; policy drop;
          ct state { established, related } accept; iif lo accept; iifname vmap { "under0" : jump lan, "wan0" : drop }
          ip saddr 192.0.2.0/24 tcp dport 1-65535 accept; iifname "vx0" accept; } }`),
    /packets to UDP port 4789 on under0 are dropped \(inet f in: its policy\)/,
    /^nft insert rule inet f in udp dport 4789 accept$/,
  ],
  [
    'nft, a rule',
    () => nft('table ip f { chain in { type filter hook input priority 0; udp dport 4789 reject; } }'),
    /\(ip f in: a rule\): guests do not hear from other hosts/,
    /^nft insert rule ip f in /,
  ],
  [
    'iptables, as a distribution sets it up',
    () =>
      inside(
        host,
        `iptables -P INPUT DROP
         iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
         iptables -A INPUT -i lo -j ACCEPT; iptables -A INPUT -i vx0 -j ACCEPT
         iptables -A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT
         iptables -A INPUT -p udp -m multiport --dports 53,60000:60010 -j ACCEPT
         iptables -A INPUT -p udp --dport 4788 -m comment --comment near -j ACCEPT`,
      ),
    /\(ip filter INPUT: its policy\)/,
    /^iptables -I INPUT -p udp --dport 4789 -j ACCEPT$/,
  ],
]
for (const [what, set, says, remedy] of firewalls)
  test(`a firewall on the mux's port: ${what}`, () => trap('tunnel-firewall', tunnel, set, says, remedy))

test('a firewall that takes the packets of some is none', () => {
  nft(
    'table inet f { chain in { type filter hook input priority 0; policy drop; ip saddr 192.0.2.2 udp dport 4789 accept; iif vx0 accept; } }',
  )
  assert.equal(find('tunnel-firewall')?.state, 'ok')
  assert.ok(tunnel(20))
})

const routes = (seconds: number): boolean => pings(seconds, guest, '192.0.2.2')
test('what the host routes is dropped: docker', () =>
  trap(
    'forwarding',
    routes,
    () => inside(host, 'iptables -P FORWARD DROP; iptables -N DOCKER; iptables -A FORWARD -o docker0 -j DOCKER'),
    /between a hostif of its own and other interfaces is dropped \(ip filter FORWARD: its policy\)/,
    /^iptables -I FORWARD -i hostif\+ -j ACCEPT; iptables -I FORWARD -o hostif\+ -j ACCEPT$/,
  ))
test('what the host routes is dropped: nft; and without routing that is not a trap', () => {
  const set = (): string =>
    nft('table inet f { chain fw { type filter hook forward priority 0; policy drop; ct state established accept; } }')
  trap('forwarding', routes, set, /\(inet f fw: its policy\)/, /^nft insert rule inet f fw iifname '"hostif\*"' accept; nft insert/)
  nft('flush ruleset')
  set()
  inside(host, 'sysctl -qw net.ipv4.ip_forward=0')
  assert.deepEqual(find('forwarding')?.state, 'ok')
})

test('a bridge that asks the firewall', () => {
  ip(host, 'link', 'add', 'br0', 'type', 'bridge')
  ip(host, 'link', 'set', 'br0', 'up')
  wire(host, 'bp', '', peer, 'b0', '10.8.0.2/24')
  wire(host, 'bo', '', other, 'b0', '10.8.0.3/24')
  for (const port of ['bp', 'bo']) ip(host, 'link', 'set', port, 'master', 'br0')
  const set = (): string => inside(host, 'sysctl -qw net.bridge.bridge-nf-call-iptables=1; iptables -P FORWARD DROP')
  inside(host, 'sysctl -qw net.bridge.bridge-nf-call-iptables=0')
  trap(
    'bridge-nf',
    (seconds) => pings(seconds, peer, '10.8.0.3'),
    set,
    /frames that br0 carries are dropped .*\(ip filter FORWARD: its policy\)/,
    /^sysctl -w net\.bridge\./,
  )
})

test('the way back by another interface', () => {
  wire(host, 'under1', '198.51.100.1/24', peer, 'p1', '198.51.100.2/24')
  trap(
    'rp-filter',
    (seconds) => pings(seconds, peer, '-I', '192.0.2.2', '198.51.100.1'),
    () => inside(host, 'sysctl -qw net.ipv4.conf.under1.rp_filter=1'),
    /^strict on under1: /,
    /^sysctl -w net\.ipv4\.conf\.under1\.rp_filter=2$/,
  )
})

test('the old iptables cannot be read, and that is said', () => {
  inside(host, 'iptables-legacy -A INPUT -p udp --dport 4789 -j DROP; iptables-legacy -A FORWARD -j DROP')
  assert.match(JSON.stringify(find('tunnel-firewall')), /"unknown".*iptables-legacy has rules in INPUT.*iptables-legacy -L INPUT -nv/)
  assert.match(JSON.stringify(find('forwarding')), /"unknown".*iptables-legacy -L FORWARD -nv/)
  inside(host, 'iptables-legacy -F')
})

test('another machine that has an address of this one', async () => {
  using netns = Netns.open(host)
  const look = async (): Promise<ProbeResult> => judgeHolders(await addressHolders((run) => netns.run(run)))
  const alone = await look()
  assert.equal(alone.state, 'ok')
  assert.match(alone.found, /^no other machine has .*192\.0\.2\.1/)
  ip(peer, 'address', 'add', '192.0.2.1/32', 'dev', 'p0')
  const [{ address: mac }] = JSON.parse(ip(peer, '-j', 'link', 'show', 'p0')) as [{ address: string }]
  const found = await look()
  assert.equal(found.state, 'warning')
  assert.ok(found.found.startsWith(`${mac} on under0 has 192.0.2.1, too`), found.found)
  assert.match(found.remedy, /arping -D -c 3 -I under0 192\.0\.2\.1$/)
  ip(peer, 'address', 'del', '192.0.2.1/32', 'dev', 'p0')
  assert.equal((await look()).state, 'ok')
})

/** Run something in the host's namespace under a name of a network manager. */
async function withProcess(name: string, run: () => void): Promise<void> {
  const program = join(root, name)
  symlinkSync('/bin/sleep', program)
  const child = spawn('nsenter', [`--net=/run/netns/${host}`, program, '600'], { stdio: 'ignore' })
  try {
    for (
      const end = performance.now() + 20_000;
      readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim() !== name.slice(0, 15);
      await sleep(10)
    )
      assert.ok(performance.now() < end)
    run()
  } finally {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
}

for (const [process, name, file] of [
  ['systemd-networkd', 'networkd', 'network'],
  ['NetworkManager', 'network-manager', 'networkManager'],
  ['systemd-udevd', 'mac-policy', 'link'],
] as const)
  test(`${process} without a file that keeps it away`, async () => {
    assert.equal(find(name), undefined)
    await withProcess(process, () => {
      const found = find(name)!
      assert.equal(found.state, 'warning')
      assert.match(found.found, new RegExp(`^${process} runs, and no file keeps it away`))
      // The command writes into this root, and the manager that it wakes is not there.
      const [write] = found.remedy.replaceAll('/etc/', `${root}/etc/`).split(/ && (?!printf)/)
      inside(host, write!)
      assert.equal(find(name)!.state, 'ok', JSON.stringify(find(name)))
      assert.equal(readFileSync(join(root, 'etc', networkFiles[file].path), 'utf8'), networkFiles[file].text)
      rmSync(join(root, 'etc'), { recursive: true })
      mkdirSync(join(root, 'usr/lib', networkFiles[file].path, '..'), { recursive: true })
      writeFileSync(join(root, 'usr/lib', networkFiles[file].path), networkFiles[file].text)
      assert.match(find(name)!.found, /leaves our devices alone: /)
    })
  })

test('the clock is asked of the kernel', () => {
  assert.equal(find('clock')!.state, isClockInStep() ? 'ok' : 'unknown')
})
