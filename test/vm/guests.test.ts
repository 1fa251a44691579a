/**
 * Two virtual machines on two hosts, and a container: they talk, large and small, and what they must not send is
 * dropped.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, before, suite, test } from 'node:test'
import { DaemonUnreachable } from '#client/error.ts'
import { startDaemon, waitForDaemon } from '#lab/host-daemon.ts'
import { readState, writeState } from '#lab/lab-state.ts'
import { vmDirectory } from '#lab/names.ts'
import { endProcesses } from '#lab/end-processes.ts'
import { arpReply, udpFrame } from '#wire/frames.ts'
import { ipFrom } from '#wire/ip-address.ts'
import { ipv4From } from '#wire/ipv4-address.ts'
import { macFrom } from '#wire/mac.ts'
import { longestFrame } from '../lab/large-frames.ts'
import type { GuestShell } from './guest-shell.ts'
import { VmBed, type TestVm, type TestVmnic } from './vm-bed.ts'

const mtuBytes = 8950
const scratch = mkdtempSync(join(tmpdir(), 'vpc-guests-'))
const disk = join(scratch, 'disk.raw')
const userData = join(scratch, 'user-data')

let bed: VmBed
let nic1: TestVmnic
let nic2: TestVmnic
let vm1: TestVm
let vm2: TestVm
let shell1: GuestShell
let shell2: GuestShell
let device1: string

before(async () => {
  bed = await VmBed.up()
  nic1 = await bed.vmnic('h1', { queues: 4 })
  nic2 = await bed.vmnic('h2')
  vm1 = await bed.create('h1', [nic1], '--cpus', '4')
  writeFileSync(disk, 'on the disk'.padEnd(1 << 20, '\0'))
  writeFileSync(userData, '#cloud-config\n# for the test\n')
  vm2 = await bed.create('h2', [nic2], '--disk', disk, '--hostname', 'second', '--user-data', userData)
  ;[shell1, shell2] = await Promise.all([bed.boot(vm1), bed.boot(vm2)])
  device1 = await bed.configure(shell1, nic1)
  await bed.configure(shell2, nic2)
})
after(async () => {
  await bed?.[Symbol.asyncDispose]()
  rmSync(scratch, { recursive: true })
})

test('each QEMU runs as a user of its own', async () => {
  const users = await Promise.all([vm1, vm2].map(async (vm) => (await bed.get(vm)).running as { pid: number; user: string }))
  for (const { pid, user } of users) assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:(\\s+${user}){4}$`, 'm'))
  assert.notEqual(users[0]!.user, users[1]!.user)
})

/** Ping from a guest; every one must be answered. */
const pings = (shell: GuestShell, options: string): Promise<string> => shell.must(`ping -A -c 3 -W 5 ${options}`)

/** iperf3 goes into the background before it listens; on port 5201, which is 1451 in the kernel's list. */
const isListening = "cat /proc/net/tcp /proc/net/tcp6 | grep -q ':1451 [0-9A-F]*:0000 0A '"
const iperfServer = `iperf3 -s -1 -D > /dev/null 2>&1; until ${isListening}; do sleep 0.1; done`

suite('guests talk', () => {
  test('over IPv4 and IPv6, by every address, with the MTU that the underlay leaves', async () => {
    assert.equal((await shell1.must(`cat /sys/class/net/${device1}/mtu`)).trim(), String(mtuBytes))
    await pings(shell1, nic2.v4)
    await pings(shell2, nic1.v4)
    await pings(shell1, `-6 ${nic2.v6}`)
    await pings(shell1, `-6 ${nic2.linkLocal}%${device1}`)
    await pings(shell1, `-s ${mtuBytes - 28} ${nic2.v4}`)
    await pings(shell1, `-6 -s ${mtuBytes - 48} ${nic2.v6}`)
  })

  test('with a container on the same host and on the other, both ways', async () => {
    for (const address of ['10.0.0.8', '10.0.0.9']) await pings(shell1, address)
    for (const container of ['c1', 'c2']) await bed.lab.must(container, 'ping', '-n', '-c', '2', '-i', '0.1', '-W', '5', nic1.v4)
    await bed.lab.must('c2', 'ping', '-n', '-c', '1', '-M', 'do', '-s', String(mtuBytes - 48), nic1.v6)
  })

  for (const family of ['v4', 'v6'] as const)
    test(`by TCP over ${family}: segments larger than the MTU pass whole, from guest to guest`, async () => {
      await shell2.must(iperfServer)
      using sent = bed.lab.raw('h1', 'vmnic0')
      using wire = bed.lab.raw('h1', 'underlay0', { outgoing: true })
      using arrived = bed.lab.raw('h2', 'vmnic0', { outgoing: true })
      let result = ''
      const transfer = async (): Promise<void> => void (result = await shell1.must(`iperf3 -J -c ${nic2[family]} -t 1`))
      const running = transfer()
      const longest = await Promise.all([sent, wire, arrived].map((socket) => longestFrame(socket, () => running)))
      const { end } = JSON.parse(result)
      assert.ok(end.sum_received.bytes > 1e6, `${end.sum_received.bytes} bytes`)
      for (const [i, where] of ['from the guest', 'on the underlay', 'to the other guest'].entries())
        assert.ok(longest[i]! > 2 * mtuBytes, `the longest frame ${where} has ${longest[i]} bytes`)
    })

  test('with TCP from a container, checksums being somebody else’s business all the way', async () => {
    await shell1.must(iperfServer)
    using arrived = bed.lab.raw('h1', 'vmnic0', { outgoing: true })
    const longest = await longestFrame(arrived, () => bed.lab.must('c2', 'iperf3', '-c', nic1.v4, '-t', '1'))
    assert.ok(longest > 2 * mtuBytes, `${longest} bytes`)
  })
})

suite('a guest that forges', () => {
  const genuine = () => ({
    srcMac: macFrom(nic1.mac),
    dstMac: macFrom(nic2.mac),
    src: ipFrom(nic1.v4),
    dst: ipFrom(nic2.v4),
    srcPort: 7,
    dstPort: 7,
  })
  const payload = Buffer.from('<<forged>>')
  const arp = (sha: string, spa: string) =>
    arpReply({ sha: macFrom(sha), spa: ipv4From(spa), tha: macFrom(nic2.mac), tpa: ipv4From(nic2.v4) })
  const stranger = '02:00:00:00:00:77'
  const attempts: readonly (readonly [what: string, frame: () => Uint8Array, reason: string])[] = [
    ['a MAC address', () => udpFrame({ ...genuine(), srcMac: macFrom(stranger) }, payload), 'source_mac'],
    ['an IPv4 address', () => udpFrame({ ...genuine(), src: ipFrom('10.0.0.200') }, payload), 'source_ip'],
    ['an IPv6 address', () => udpFrame({ ...genuine(), src: ipFrom('fd00:5001::200'), dst: ipFrom(nic2.v6) }, payload), 'source_ip'],
    ['an ARP answer', () => arp(nic1.mac, '10.0.0.9'), 'arp_spoof'],
  ]
  for (const [what, frame, reason] of attempts)
    test(`${what} is dropped as ${reason} and counted, and nobody sees it`, async () => {
      const before = await bed.stats(nic1)
      using wire = bed.lab.raw('h1', 'underlay0', { outgoing: true })
      const hex = Buffer.from(frame()).toString('hex')
      await shell1.must(`send-frame ${device1} ${hex} 5`)
      await pings(shell1, nic2.v4)
      const seen = wire.receive().filter((bytes) => Buffer.from(bytes).includes(Buffer.from(hex.slice(24), 'hex')))
      assert.equal(seen.length, 0)
      const drops = (await bed.stats(nic1)).drops
      const gained = Object.fromEntries(
        Object.entries(drops)
          .map(([name, count]) => [name, count - (before.drops[name] ?? 0)])
          .filter(([, count]) => count !== 0),
      )
      assert.deepEqual(gained, { [reason]: 5 })
    })

  test('the same frame without a lie arrives', async () => {
    using arrived = bed.lab.raw('h2', 'vmnic0', { outgoing: true })
    await shell1.must(`send-frame ${device1} ${Buffer.from(udpFrame(genuine(), payload)).toString('hex')}`)
    assert.ok(await arrived.waitFor((frame) => Buffer.from(frame).includes(payload)))
  })
})

suite('queues', () => {
  test('the guest uses as many as the vmnic has', async () => {
    const interrupts = await shell1.must('cat /proc/interrupts')
    for (let queue = 0; queue < 4; queue++) assert.match(interrupts, new RegExp(`virtio\\d-input\\.${queue}`))
    const [link] = JSON.parse(await bed.lab.must('h1', 'ip', '-j', '-d', 'link', 'show', 'vmnic0'))
    assert.equal(link.linkinfo.info_data.numqueues, 4)
  })

  test('each is counted, both ways', async () => {
    type Counters = { queue: number; rxPackets: number; rxBytes: number; txPackets: number }[]
    const counters = (): Promise<Counters> => bed.json<Counters>('h1', 'vmnic', 'get', '-N', nic1.id, '--counters')
    const sum = (all: Counters, name: 'rxPackets' | 'rxBytes' | 'txPackets'): number => all.reduce((total, each) => total + each[name], 0)
    const [before, portBefore] = [await counters(), await bed.stats(nic1)]
    for (const cpu of [1, 2, 4, 8]) await shell1.must(`taskset ${cpu} ping -A -c 3 ${nic2.v4}`)
    const [now, port] = [await counters(), await bed.stats(nic1)]
    assert.deepEqual(
      now.map(({ queue }) => queue),
      [0, 1, 2, 3],
    )
    assert.equal(sum(now, 'rxPackets') - sum(before, 'rxPackets'), port.rxPackets - portBefore.rxPackets)
    assert.equal(sum(now, 'rxBytes') - sum(before, 'rxBytes'), port.rxBytes - portBefore.rxBytes)
    assert.ok(sum(now, 'txPackets') - sum(before, 'txPackets') >= 12)
    for (const { queue, rxPackets } of now)
      assert.ok(rxPackets > before[queue]!.rxPackets, `queue ${queue}: a guest sends by the queue of its processor`)
  })

  test('changing their number while the guest has them is refused with the reason', async () => {
    const { code, stderr } = await bed.vpc('h1', 'vmnic', 'set', '-N', nic1.id, '-n', '2')
    assert.equal(code, 4)
    assert.match(stderr, /vmnic0.*4 queues.*open.*stop the guest/)
  })
})

suite('QEMU', () => {
  test('is an unprivileged process with the descriptors that it needs', async () => {
    const { running } = await bed.get(vm1)
    const status = readFileSync(`/proc/${running.pid}/status`, 'utf8')
    const value = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)![1]!.trim()
    assert.notEqual(value('Uid').split('\t')[0], '0')
    assert.notEqual(value('Gid').split('\t')[0], '0')
    assert.equal(value('Groups'), '')
    assert.equal(BigInt(`0x${value('CapPrm')}`), 0n)
    assert.equal(value('NoNewPrivs'), '1')
    assert.equal(value('Seccomp'), '2')
    const fds = readdirSync(`/proc/${running.pid}/fd`).map((fd) => readlinkSync(`/proc/${running.pid}/fd/${fd}`))
    assert.equal(fds.filter((target) => target === '/dev/net/tun').length, 4)
    const known = /^(\/dev\/(net\/tun|null|urandom)|socket:|pipe:|anon_inode:|\/run\/vpc-lab\/.*\/(kernel|initrd)|\/memfd:.*)/
    assert.deepEqual(
      fds.filter((target) => !known.test(target)),
      [],
    )
  })
})

suite('disks', () => {
  test('the guest writes to its image, which its QEMU could not open', async () => {
    assert.equal((await shell2.must('head -c 11 /dev/vda')).trim(), 'on the disk')
    await shell2.must('echo written by the guest > /dev/vda; sync')
    assert.match(readFileSync(disk, 'latin1'), /^written by the guest\n/)
  })

  test('cloud-init finds its data on a disk labelled cidata', async () => {
    assert.match(await shell2.must('dd if=/dev/vdb bs=1 skip=32808 count=6 2>/dev/null'), /^cidata/)
    await shell2.must('mkdir -p /seed && mount -t iso9660 -o ro /dev/vdb /seed')
    assert.match(await shell2.must('cat /seed/user-data'), /# for the test/)
    assert.match(await shell2.must('cat /seed/meta-data'), /"local-hostname": "second"/)
  })
})

/** Ping all the time from the first guest to the second while something happens; gives how many were lost. */
async function lostDuring(work: () => Promise<unknown>): Promise<{ sent: number; lost: number }> {
  await shell1.must(`(ping -i 0.02 ${nic2.v4} > /tmp/pings 2>&1 & echo $! > /tmp/pid)`)
  await sleep(300)
  await work()
  await sleep(300)
  await shell1.must('kill -INT $(cat /tmp/pid); sleep 0.2')
  // Answers to the last requests may be on their way when ping is stopped: what was lost is a gap before the last one.
  const text = await shell1.must("sed -n 's/.* seq=\\([0-9]*\\) .*/\\1/p' /tmp/pings")
  const answered = new Set(text.trim().split(/\s+/).map(Number))
  const sent = Math.max(...answered) + 1
  assert.ok(sent > 0, text)
  return { sent, lost: sent - answered.size }
}

/** Whether anything takes connections for the vpcd of a host. */
async function isAnswering(host: string): Promise<boolean> {
  try {
    await using _mgmt = await bed.lab.vpc(host).mgmt()
    return true
  } catch (error) {
    return !(error instanceof DaemonUnreachable)
  }
}

suite('what dies above a guest', () => {
  test('vpcd killed and started again: no packet is lost', async () => {
    const { sent, lost } = await lostDuring(async () => {
      const state = (await readState(bed.lab.name))!
      const mark = state.daemons['h1']!
      process.kill(mark.pid, 'SIGKILL')
      assert.deepEqual(await endProcesses([mark], 5000), [])
      // Its threads may hold its socket and locks for a moment more.
      while (await isAnswering('h1')) await sleep(10)
      const next = await startDaemon(bed.lab.host('h1'))
      await writeState({ ...state, daemons: { ...state.daemons, h1: next } })
      await waitForDaemon(bed.lab.host('h1'), next)
    })
    assert.ok(sent > 20, `only ${sent} pings`)
    assert.equal(lost, 0, `${lost} of ${sent} pings were lost`)
    await pings(shell1, '10.0.0.8')
  })

  test('the supervisor killed: the guest goes on, and the next command finds it again', async () => {
    const before = (await bed.get(vm1)).running
    // As if it had died after it took a guest over, before it said so in the plan: the machine would go with the guest.
    const file = join(vmDirectory(bed.lab.name, 'h1'), vm1.id, 'plan.json')
    const plan = (): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
    writeFileSync(file, JSON.stringify({ ...plan(), incoming: 'exec:true', receiver: { pid: 4_000_000, startTicks: 1 } }))
    const { lost } = await lostDuring(async () => {
      // The console goes with the supervisor: these pings were started before.
      process.kill(before.supervisor, 'SIGKILL')
      const { state, running } = await bed.get(vm1)
      assert.equal(state, 'running')
      assert.equal(running.pid, before.pid)
      assert.notEqual(running.supervisor, before.supervisor)
      assert.deepEqual(Object.keys(plan()).sort(), ['acceleration', 'account', 'definition', 'vmnics'])
      shell1 = await bed.shell(vm1)
    })
    assert.equal(lost, 0)
    await pings(shell1, nic2.v4)
  })
})

suite('plug and unplug', () => {
  test('a vmnic comes to a running guest when its port is ready, and goes again', async () => {
    const nic = await bed.vmnic('h1', { queues: 2, loose: true })
    const refused = await bed.vpc('h1', 'vm', 'attach', '--vm-id', vm1.id, '-N', nic.id, '--wait', '0')
    assert.match(refused.stderr, /is not ready: vmnic1 is in no port; connect it/)
    const waiting = bed.json('h1', 'vm', 'attach', '--vm-id', vm1.id, '-N', nic.id)
    await bed.connect(nic)
    assert.equal((await waiting).vm.running.vmnics.length, 2)
    const plugged = async (): Promise<string> => (await shell1.must('ls /sys/class/net')).trim()
    for (let i = 0; i < 50 && (await plugged()).split(/\s+/).length < 3; i++) await sleep(100)
    await shell1.must(`ip addr flush dev ${device1}`)
    await bed.configure(shell1, nic)
    await pings(shell1, nic2.v4)
    assert.equal((await bed.json('h1', 'vm', 'attach', '--vm-id', vm1.id, '-N', nic.id)).changed, false)
    await bed.json('h1', 'vm', 'detach', '--vm-id', vm1.id, '-N', nic.id)
    assert.equal((await plugged()).split(/\s+/).length, 2)
    assert.equal((await bed.json('h1', 'vm', 'detach', '--vm-id', vm1.id, '-N', nic.id)).changed, false)
    // It is free for another guest, and its settings may change.
    await bed.json('h1', 'vmnic', 'set', '-N', nic.id, '-n', '1')
    await shell1.must(`ip addr add ${nic1.v4}/24 dev ${device1} && ip -6 addr add ${nic1.v6}/64 dev ${device1}`)
    await pings(shell1, nic2.v4)
  })
})

suite('ends', () => {
  test('a guest that reboots is the same machine, and talks again', async () => {
    const before = (await bed.get(vm1)).running
    await shell1.run('reboot -f', 500).catch(() => {})
    await shell1.ready()
    await bed.configure(shell1, nic1)
    await pings(shell1, nic2.v4)
    const { running } = await bed.get(vm1)
    assert.equal(running.pid, before.pid)
    assert.ok(running.resets > before.resets)
  })

  test('a guest that powers off is seen, its console kept, and it can be run again', async () => {
    await shell2.run('echo last words; poweroff -f', 500).catch(() => {})
    const state = async (): Promise<string> => (await bed.get(vm2)).state
    for (let i = 0; i < 50 && (await state()) !== 'stopped'; i++) await sleep(100)
    assert.equal((await bed.get(vm2)).end.reason, 'powered-off')
    assert.match((await bed.vpc('h2', 'vm', 'console', '--log', '--vm-id', vm2.id)).stdout, /last words/)
    const [link] = JSON.parse(await bed.lab.must('h2', 'ip', '-j', 'link', 'show', 'vmnic0'))
    assert.ok(!link.flags.includes('LOWER_UP'), 'no guest, no carrier')
    shell2 = await bed.boot(vm2)
    await bed.configure(shell2, nic2)
    await pings(shell1, nic2.v4)
  })

  test('a QEMU that is killed is seen', async () => {
    process.kill((await bed.get(vm2)).running.pid, 'SIGKILL')
    const view = async (): Promise<any> => bed.get(vm2)
    for (let i = 0; i < 50 && (await view()).state !== 'stopped'; i++) await sleep(100)
    const { end } = await view()
    assert.deepEqual([end.reason, end.detail], ['killed', 'QEMU was ended by SIGKILL'])
    assert.match((await bed.vpc('h2', 'vm', 'list')).stdout, /stopped: killed/)
  })

  test('a start waits for the port; a guest that does not heed its power button is ended after a time', async () => {
    const nic = await bed.vmnic('h2', { loose: true })
    const deaf = await bed.create('h2', [nic])
    const early = await bed.vpc('h2', 'vm', 'run', '--vm-id', deaf.id, '--wait', '0')
    assert.match(early.stderr, /is not ready: vmnic1 is in no port; connect it/)
    assert.equal((await bed.get(deaf)).state, 'created')
    const booting = bed.boot(deaf)
    await sleep(500)
    assert.equal((await bed.get(deaf)).state, 'created', 'it waits for the port')
    await bed.connect(nic)
    const shell = await booting
    const rival = await bed.create('h2', [nic])
    const second = await bed.vpc('h2', 'vm', 'run', '--vm-id', rival.id)
    assert.match(second.stderr, /another program has vmnic1 open; a vmnic serves one guest at a time/)
    await bed.json('h2', 'vm', 'destroy', '--vm-id', rival.id)
    await shell.must('killall acpid')
    const { vm } = await bed.json('h2', 'vm', 'stop', '--vm-id', deaf.id, '--timeout', '1')
    assert.match(vm.end.detail, /did not power off when it was asked to/)
    await bed.json('h2', 'vm', 'destroy', '--vm-id', deaf.id)
  })

  test('stop asks; destroy is refused while the machine is protected', async () => {
    const stopped = await bed.json('h1', 'vm', 'stop', '--vm-id', vm1.id)
    assert.equal(stopped.changed, true)
    assert.deepEqual([stopped.vm.end.reason, stopped.vm.end.detail], ['stopped', 'as it was asked to'])
    assert.match((await bed.vpc('h1', 'vm', 'console', '--log', '--vm-id', vm1.id)).stdout, /power button/)
    assert.equal((await bed.json('h1', 'vm', 'stop', '--vm-id', vm1.id)).changed, false)
    await bed.json('h1', 'vm', 'set', '--vm-id', vm1.id, '--autostart')
    const again = await bed.json('h1', 'vm', 'run', '--autostart')
    assert.deepEqual([again.changed, again.vms.map((vm: any) => vm.id)], [true, [vm1.id]])
    assert.equal((await bed.json('h1', 'vm', 'run', '--autostart')).changed, false)
    const shell = await bed.shell(vm1)
    // At a shutdown of the host all processes get the signal: QEMU lives until its guest has powered off.
    const { running } = await bed.get(vm1)
    process.kill(running.pid, 'SIGTERM')
    await shell.must('true')
    process.kill(running.supervisor, 'SIGTERM')
    let view: any
    for (const end = Date.now() + 60_000; view?.state !== 'stopped' && Date.now() < end; await sleep(100)) view = await bed.get(vm1)
    assert.deepEqual([view.state, view.end.reason], ['stopped', 'stopped'])
    await bed.json('h1', 'vm', 'set', '--vm-id', vm1.id, '--protect', '--no-autostart')
    assert.deepEqual(await bed.json('h1', 'vm', 'run', '--autostart'), { changed: false, vms: [] })
    const refused = await bed.vpc('h1', 'vm', 'destroy', '--vm-id', vm1.id)
    assert.equal(refused.code, 4)
    assert.match(refused.stderr, /protected.*--unprotect/)
    await bed.json('h1', 'vm', 'set', '--vm-id', vm1.id, '--unprotect')
    for (const vm of [vm1, vm2]) await bed.json(vm.host, 'vm', 'destroy', '--vm-id', vm.id)
    assert.equal((await bed.json('h1', 'vm', 'destroy', '--vm-id', vm1.id)).changed, false)
    assert.deepEqual(await bed.json('h1', 'vm', 'list'), [])
  })
})
