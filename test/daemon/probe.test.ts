/** The probe: every verdict, and what it finds on this machine. Needs root. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { oldestKernelText } from '#abi/requirements.ts'
import { tryTun } from '#datapath/probe/features.ts'
import type { Facts } from '#datapath/probe/facts.ts'
import { objectNames } from '#datapath/hook.ts'
import { builtObjects } from '../bpf/built-objects.ts'
import { addGuard } from '#datapath/host-rules/guards.ts'
import { insideThrowawayNetns } from '#kernel/throwaway-netns.ts'
import { Netlink } from '#kernel/netlink.ts'
import { formatProbeLine, judge, probe, probeRunning } from '#daemon/probe.ts'

const fine = { ok: true, detail: 'fine' }
const broken = { ok: false, detail: 'bpf(BPF_LINK_CREATE): EINVAL' }
const good: Facts = {
  kernel: { release: '6.18.1', major: 6, minor: 18 },
  privileges: { uid: 0, missing: [], initialUserNamespace: true },
  btf: fine,
  jit: fine,
  libbpf: fine,
  objectDir: '/opt/vpc/bpf',
  missingObjects: [],
  bpffs: '/sys/fs/bpf/vpc',
  knowsBpffs: true,
  bpffsPlan: { kind: 'there' },
  tcx: fine,
  veth: fine,
  vxlan: fine,
  tun: fine,
  underlay: [{ name: 'eth0', mtuBytes: 1600, ipv4: true }],
  portUses: [{ port: 4789, ours: [], others: [] }],
  rules: [{ name: 'eth0', objections: { out: [], in: [] }, before: [] }],
  pastIpsec: [],
  traps: {
    tunnel: [],
    port: 4789,
    forwards: true,
    forward: undefined,
    unreadable: [],
    bridge: undefined,
    strict: [],
    addressed: ['eth0', 'eth1'],
    conntrack: { count: 7, max: 100 },
    clockInStep: true,
    memoryMax: undefined,
    managers: [],
  },
}
const trapped = (changes: Partial<NonNullable<Facts['traps']>>): Partial<Facts> => ({ traps: { ...good.traps!, ...changes } })

const verdicts = (changes: Partial<Facts>): string[] =>
  judge({ ...good, ...changes })
    .filter(({ state }) => state !== 'ok')
    .map((result) => `${result.state} ${formatProbeLine(result)}`)

test('an object of the datapath that is not there is told, whichever it is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-probe-'))
  const names = readdirSync(builtObjects()).filter((name) => objectNames.includes(name.replace(/\.o$/, '')))
  assert.equal(names.length, objectNames.length)
  for (const missing of names) {
    for (const name of names) name === missing ? rmSync(join(directory, name), { force: true }) : writeFileSync(join(directory, name), '')
    const found = (await probe({ objectDir: directory })).find(({ name }) => name === 'programs')!
    assert.deepEqual([found.state, found.found], ['failed', `${missing} missing in ${directory}`])
  }
  rmSync(directory, { recursive: true })
})

test('nothing is said of what is as it should be', () => {
  assert.deepEqual(verdicts({}), [])
  assert.deepEqual(verdicts({ kernel: { release: '6.12', major: 6, minor: 12 } }), [])
  assert.deepEqual(verdicts({ kernel: { release: '7.0', major: 7, minor: 0 } }), [])
  assert.deepEqual(verdicts({ underlay: [{ name: 'eth0', mtuBytes: 1550, ipv4: true }] }), [])
  assert.ok(judge(good).every(({ remedy }) => remedy === ''))
})

test('the documents name the kernel that the probe asks for', () => {
  const read = (name: string): string => readFileSync(join(import.meta.dirname, '../..', name), 'utf8')
  for (const [name, words] of [
    ['README.md', `Linux ${oldestKernelText} or newer`],
    ['CONTRIBUTING.md', `Linux ${oldestKernelText} or newer`],
    ['docs/commands/doctor.md', `Linux ${oldestKernelText} or newer`],
    ['docs/commands/daemon.md', `Linux ${oldestKernelText} or newer`],
  ] as const)
    assert.ok(read(name).includes(words), `${name}: ${words}`)
})

const wrong: readonly (readonly [Partial<Facts>, RegExp])[] = [
  [{ kernel: { release: '6.11.13', major: 6, minor: 11 } }, /^failed kernel: Linux 6.11.13; run Linux 6.12 or newer/],
  [{ kernel: { release: '5.19', major: 5, minor: 19 } }, /^failed kernel/],
  [
    { privileges: { uid: 1000, missing: ['CAP_NET_ADMIN'], initialUserNamespace: true } },
    /^failed privileges: user 1000 without CAP_NET_ADMIN; run it as root/,
  ],
  [{ privileges: { uid: 0, missing: [], initialUserNamespace: false } }, /^failed privileges: .*user namespace/],
  [{ btf: broken }, /^failed btf: .*CONFIG_DEBUG_INFO_BTF/],
  [{ jit: broken }, /^warning jit: .*bpf_jit_enable/],
  [{ libbpf: broken }, /^failed libbpf: .*apt-get install libbpf1/],
  [{ missingObjects: ['mux.o', 'unit.o'] }, /^failed programs: mux.o, unit.o missing in \/opt\/vpc\/bpf; compile them/],
  [{ knowsBpffs: false }, /^failed bpffs/],
  [{ bpffsPlan: { kind: 'hidden', why: 'EACCES' } }, /^failed bpffs: EACCES; run it as root/],
  [{ tcx: broken }, /^failed tcx: bpf\(BPF_LINK_CREATE\): EINVAL; run Linux 6.12/],
  [{ veth: broken }, /^failed veth: .*modprobe veth/],
  [{ vxlan: broken }, /^failed vxlan: .*modprobe vxlan/],
  [{ tcx: { ok: false, untried: true, detail: 'not tried' } }, /^warning tcx: not tried; run it as root/],
  [{ tun: broken }, /^warning tun: .*modprobe tun/],
  [{ underlay: [] }, /^warning mtu: no interface/],
  [
    { underlay: [{ name: 'eth0', mtuBytes: 1500, ipv4: true }] },
    /^warning mtu: eth0 has 1500: guests get 1450; for 1500.*ip link set eth0 mtu 1550$/,
  ],
  [{ underlay: [{ name: 'eth0', mtuBytes: 1550, ipv4: false }] }, /guests get 1480; .*mtu 1570$/],
  [{ underlay: [{ name: 'eth0', mtuBytes: 1300, ipv4: true }] }, /IPv6 guests need 1280 at least/],
  [
    { rules: [{ name: 'eth0', objections: { out: [], in: [] }, before: ['cil_from_netdev (7) on its ingress'] }] },
    /^warning tcx-chain: .*\(eth0: cil_from_netdev \(7\) on its ingress\); if one of them ends the chain/,
  ],
  [
    {
      rules: [
        {
          name: 'eth0',
          before: [],
          objections: { out: ['nftables: inet t c: counter'], in: ['nftables: inet t c: counter', 'tc: a filter'] },
        },
      ],
    },
    /^warning firewall: .*\(eth0: nftables: inet t c: counter, tc: a filter\); narrow these rules, .*vpc mux set --direct=on/,
  ],
  [
    { portUses: [{ port: 4789, ours: [], others: ['vxlan device flannel.1'] }] },
    /^warning udp-port: UDP port 4789 is in use by vxlan device flannel.1; /,
  ],
  [
    { portUses: [{ port: 4790, ours: ['vpcmux0'], others: ['vxlan device flannel.1'] }] },
    /^warning udp-port: UDP port 4790 is that of our vpcmux0, and of vxlan device flannel.1; /,
  ],
  [
    { pastIpsec: ['net.ipv4.conf.all.disable_policy', 'net.ipv4.conf.eth0.disable_xfrm'] },
    /^warning ipsec: .*\(net\.ipv4\.conf\.all\.disable_policy, .*\), so muxes .*; sysctl -w .*\.disable_policy=0 net\.ipv4\.conf\.eth0\.disable_xfrm=0$/,
  ],
  [{ traps: undefined }, /^unknown host-settings: not looked at, for lack of privileges; run it as root/],
  [
    trapped({ conntrack: { count: 90_000, max: 100_000 } }),
    /^warning conntrack: 90000 of 100000 connections: .* full, .*; sysctl -w net.netfilter.nf_conntrack_max=200000$/,
  ],
  [trapped({ clockInStep: false }), /^unknown clock: nothing .* keeps it in step; certificates .*; timedatectl set-ntp true$/],
  [trapped({ memoryMax: 64 * 2 ** 20 }), /^warning memory: its cgroup may take 64 MiB, .*MemoryMax=infinity$/],
  [
    trapped({
      tunnel: [{ device: 'eth0', by: { family: 'inet', table: 'firewalld', chain: 'filter_INPUT', by: 'chain filter_IN_public' } }],
    }),
    /^warning tunnel-firewall: packets to UDP port 4789 on eth0 are dropped .*; firewall-cmd --permanent --add-port=4789\/udp && firewall-cmd --reload$/,
  ],
]
for (const [changes, said] of wrong) {
  test(`one line for ${JSON.stringify(changes)}`, () => {
    const lines = verdicts(changes)
    assert.equal(lines.length, 1)
    assert.match(lines[0]!, said)
  })
}

const options = { bpffs: '/sys/fs/bpf/vpc', objectDir: '/nonexistent' }

test('on this machine everything but the programs of a directory that is not there', async () => {
  const failed = (await probe(options)).filter(({ state }) => state === 'failed')
  assert.deepEqual(
    failed.map(({ name }) => name),
    ['programs'],
  )
})

test('a vxlan device and a process on the port are named; our own mux is not complained of', async () => {
  const line = (udpPort: number) => formatProbeLine(probeRunning({ ...options, udpPort }).find(({ name }) => name === 'udp-port')!)
  insideThrowawayNetns(() => {
    using netlink = Netlink.open()
    assert.match(line(4789), /is free$/)
    netlink.createVxlan({ name: 'theirs', dstPort: 4789, up: true })
    assert.match(line(4789), /in use by vxlan device theirs;/)
    const ours = netlink.createVxlan({ name: 'ours', dstPort: 4790, alias: 'vpc:x' })
    assert.match(line(4789), /4789 is in use/, 'ours does not listen yet')
    netlink.setLink(ours.ifindex, { up: true })
    assert.equal(line(4789), 'udp-port: UDP port 4790 is that of our ours')
  })
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  assert.match(line(socket.address().port), new RegExp(`process ${process.pid} \\(`))
  socket.close()
})

test('what stands in the place of /dev/net/tun must be tun', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vpc-tun-'))
  const path = join(directory, 'tun')
  const found = (...make: string[]): string => {
    rmSync(path, { recursive: true, force: true })
    if (make.length > 0) execFileSync(make[0]!, make.slice(1))
    return tryTun(path).detail.replaceAll(path, 'TUN')
  }
  try {
    assert.match(found(), /^ENOENT/)
    assert.equal(found('touch', path), 'TUN is a regular file, not a character device')
    assert.equal(found('mkdir', path), 'TUN is a directory, not a character device')
    assert.equal(found('mkfifo', path), 'TUN is of another kind, not a character device')
    assert.equal(found('mknod', path, 'c', '1', '3'), 'TUN is device 1:3, not 10:200')
    assert.equal(found('mknod', path, 'c', '10', '456'), 'TUN is device 10:456, not 10:200')
    assert.equal(found('mknod', path, 'c', '10', '200'), 'TUN opens')
  } finally {
    rmSync(directory, { recursive: true })
  }
})

test('the MTU of interfaces with an address is looked at, that of our own is not', () => {
  const line = () => formatProbeLine(probeRunning(options).find(({ name }) => name === 'mtu')!)
  insideThrowawayNetns(() => {
    using netlink = Netlink.open()
    const { ifindex } = netlink.createVeth({ name: 'wan', peer: { name: 'peer', up: true }, mtu: 1500, up: true })
    assert.match(line(), /no interface/)
    netlink.addAddress({ ifindex, address: Uint8Array.of(192, 0, 2, 1), prefixLength: 24 })
    assert.match(line(), /^mtu: wan has 1500: guests get 1450;/)
    const docker = netlink.createBridge({ name: 'docker0', up: true })
    netlink.addAddress({ ifindex: docker.ifindex, address: Uint8Array.of(172, 17, 0, 1), prefixLength: 16 })
    assert.doesNotMatch(line(), /docker0/, 'no host is behind it')
    netlink.setLink(ifindex, { mtu: 1550 })
    assert.equal(line(), 'mtu: wan has 1550: guests get 1500')
    netlink.setLink(ifindex, { alias: 'vpc:x' })
    assert.match(line(), /docker0/)
    netlink.deleteLink(docker.ifindex)
    assert.match(line(), /no interface/)
  })
})

test('settings that let packets pass without IPsec are named where a mux needs it, and nowhere else', () => {
  const [source, destination] = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(203, 0, 113, 2)]
  const sysctl = (device: string, name: string, value: 0 | 1): void =>
    writeFileSync(`/proc/sys/net/ipv4/conf/${device}/${name}`, `${value}`)
  const found = (): string[] => probeRunning(options).flatMap((result) => (result.name === 'ipsec' ? [result.remedy] : []))
  insideThrowawayNetns(() => {
    using netlink = Netlink.open()
    const veth = (name: string, address: readonly number[]): number => {
      const { ifindex } = netlink.createVeth({ name, peer: { name: `${name}-peer`, up: true }, up: true })
      netlink.addAddress({ ifindex, address: Uint8Array.from(address), prefixLength: 24 })
      return ifindex
    }
    for (const [name, ...address] of [
      ['under.0', 192, 0, 2, 1],
      ['way0', 203, 0, 113, 1],
      ['else0', 10, 0, 0, 1],
    ] as const)
      veth(name, address)
    for (const device of ['under.0', 'else0']) sysctl(device, 'disable_xfrm', 1)
    assert.deepEqual(found(), [], 'nothing must be encrypted')
    addGuard({ direction: 'out', source, destination, port: 4789 })
    assert.deepEqual(found(), ['sysctl -w net.ipv4.conf.under/0.disable_xfrm=0'])
    sysctl('way0', 'disable_policy', 1)
    assert.deepEqual(found(), ['sysctl -w net.ipv4.conf.under/0.disable_xfrm=0 net.ipv4.conf.way0.disable_policy=0'])
    for (const [device, name] of [
      ['under.0', 'disable_xfrm'],
      ['way0', 'disable_policy'],
    ] as const)
      sysctl(device, name, 0)
    assert.deepEqual(found(), [])
  })
})

test('the probe leaves no descriptor open and stays in its namespace', async () => {
  const { readdirSync, readlinkSync } = await import('node:fs')
  const look = (): unknown => [readdirSync('/proc/self/fd').length, readlinkSync('/proc/thread-self/ns/net')]
  await probe(options)
  const before = look()
  for (let i = 0; i < 3; i++) probeRunning(options)
  assert.deepEqual(look(), before)
})
