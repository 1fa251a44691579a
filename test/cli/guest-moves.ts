/** A guest of a cloud that moves between two hosts while it runs: under traffic, and while things die. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GuestShell } from '../vm/guest-shell.ts'
import { deathsOfToday, kill } from './deaths.ts'
import { addressOf, guestShell, missingIn, Pinging, until, type Machine } from './machines.ts'

export interface Scene {
  /** It begins and ends on h1, which has the API. */
  readonly h1: Machine
  readonly h2: Machine
  /** Containers on both. */
  readonly web: string
  readonly db: string
  /** The guest, vm1. */
  readonly guest: GuestShell
  readonly id: string
  readonly sockets: Socket[]
}

/** Write to the disk until the move. */
async function writes(guest: GuestShell): Promise<void> {
  const write =
    'i=0; while :; do i=$((i+1)); echo $i | dd of=/dev/vda bs=512 seek=$i conv=sync,fsync 2>/dev/null && echo $i > /tmp/written; done'
  await guest.must(`(sh -c '${write}' & echo $! > /tmp/writer)`)
}

/** After the move the disk has all that was written. */
async function readsBack(guest: GuestShell): Promise<void> {
  await guest.must('kill $(cat /tmp/writer) 2>/dev/null; echo 3 > /proc/sys/vm/drop_caches; n=$(cat /tmp/written); test $n -gt 3')
  await guest.must(
    'for i in 1 2 3 $((n-1)) $n; do test "$(dd if=/dev/vda bs=512 skip=$i count=1 2>/dev/null | tr -d "\\0")" = $i || exit 1; done',
  )
}

/** Plug a second interface in, and move it there and back. Gives its shell. */
export async function movesThereAndBack({ h1, h2, web, db, id: guestId, sockets, ...given }: Scene): Promise<GuestShell> {
  let { guest } = given
  const more = 'vnic attach more1 --subnet=default --group=app --vm=vm1'
  assert.match(h1.run('vnic attach more1 --subnet=default --vm=none').err, /there is no vm none/)
  assert.match(h1.ok(more), /^vnic more1 \S+ is in vm vm1: 10\./)
  assert.match(h1.ok(more), /^unchanged/)
  const vnics = ['vm1', 'more1'].map((name) => JSON.parse(h1.ok(`vnic get ${name} --json`)))
  await until('it has its second interface', async () => (await guest.run('ip link set eth1 up')).code === 0)
  const addresses = vnics.map((each) => each.addresses[0] as string)
  // Each answers by the interface that it was asked on.
  await guest.must(`ip addr add ${addresses[1]}/32 dev eth1 && ip route add ${addressOf(db)}/32 dev eth1 src ${addresses[1]}`)
  await guest.must('echo mark > /tmp/mark')
  await writes(guest)
  const arrives = async (from: Machine, to: Machine): Promise<void> => {
    assert.match(to.ok('vm list'), /vm1 +\S+ +running/)
    assert.doesNotMatch(from.ok('vm list'), /vm1/)
    assert.doesNotMatch(from.devices().join(' '), /vmnic/)
    guest = await guestShell(to, guestId, sockets)
    assert.equal((await guest.must('cat /tmp/mark')).trim(), 'mark')
  }
  const move = (from: Machine, to: Machine, ...more: string[]): unknown =>
    assert.match(from.ok(`vm migrate vm1 --to=${to.name}`, `--shell=${to.shell}`, ...more), new RegExp(`^vm vm1 runs on host ${to.name}`))
  const pings = [new Pinging(web, addresses[0]!), new Pinging(db, addresses[1]!)]
  for (const each of pings) await each.answers(10)
  move(h1, h2)
  for (const each of pings) await each.answers(20)
  for (const each of pings) assert.deepEqual(await each.stop(), [], 'lost on the way to h2')
  await arrives(h1, h2)
  await readsBack(guest)
  // On the way back it pings itself. Its own socket may be too small for all that waited, and counts that.
  const own = async (): Promise<ReturnType<typeof missingIn>> => missingIn(await guest.must('cat /tmp/pings'))
  await guest.must(`(ping -i 0.1 ${addressOf(web)} > /tmp/pings 2>&1 & echo $! > /tmp/pid)`)
  await until('its own pings are answered', async () => (await own()).answered > 5)
  // The hosts no longer share its disk: it gets a copy, for itself alone.
  await writes(guest)
  const ping = new Pinging(db, addresses[1]!)
  await ping.answers(10)
  move(h2, h1, '--copy-disk')
  await ping.answers(20)
  assert.deepEqual(await ping.stop(), [], 'lost on the way back, with its disk')
  await arrives(h2, h1)
  await readsBack(guest)
  const [{ disk, image }] = JSON.parse(h1.ok('vm list --json'))
  assert.deepEqual([disk, existsSync(image), existsSync(join(h2.vmDir, guestId))], [join(h1.vmDir, guestId, 'disk'), true, false])
  const { answered } = await own()
  await until('its own pings are answered', async () => (await own()).answered > answered + 5)
  const dropped = Number((await guest.must('cat /proc/net/raw')).trim().split('\n').at(-1)!.trim().split(/\s+/).at(-1))
  const { missing } = await own()
  assert.ok(missing.length <= dropped, `${missing.length} of its own pings were lost, and its socket dropped ${dropped}`)
  await guest.must('kill -INT $(cat /tmp/pid)')
  return guest
}

/** Move it there and back while what today's turn says dies. Gives its shell. */
export async function outlivesDeaths({ h1, h2, db, id: guestId, sockets, ...given }: Scene): Promise<GuestShell> {
  let { guest } = given
  for (const [i, [from, to]] of (
    [
      [h1, h2],
      [h2, h1],
    ] as const
  ).entries()) {
    const { what, word } = deathsOfToday[i]!
    const named = `${what} was killed at '${word}'`
    const words = [`vm migrate vm1 --to=${to.name}`, `--shell=${to.shell}`] as const
    await from.runUntil(new RegExp(word), ({ pid }) => kill(what, { command: pid!, from, to, api: h1 }), ...words)
    const again = from.run(...words)
    assert.equal(again.code, 0, `${named}: ${again.err}`)
    assert.deepEqual(
      [from, to].map((host) => JSON.parse(host.ok('vm list --json')).map((vm: any) => vm.state)),
      [[], ['running']],
      named,
    )
    await until('its interfaces are gone', () => !/vmnic/.test(from.devices().join(' ')))
    guest = await guestShell(to, guestId, sockets)
    assert.equal((await guest.must('cat /tmp/mark')).trim(), 'mark', named)
    await guest.must(`ping -c 3 -W 5 ${addressOf(db)}`)
  }
  return guest
}

/** Its disk finds no room there, before or while it is copied, or a person ends the command: it runs on here. */
export async function staysWithItsDisk({ h1, h2, guest, id }: Scene): Promise<void> {
  const small = join(h2.directory, 'small')
  mkdirSync(small)
  const shell = `--shell=${h2.shell} env VPC_VM_DIR=${small}`
  const runsOn = async (): Promise<void> => {
    assert.equal((await guest.must('cat /tmp/mark')).trim(), 'mark')
    await guest.must('echo more | dd of=/dev/vda bs=512 seek=9 conv=sync,fsync 2>/dev/null')
    assert.deepEqual([existsSync(join(small, id)), existsSync(join(h2.vmDir, id))], [false, false])
    await until('nothing of it is there', () => !/vmnic/.test(h2.devices().join(' ')))
  }
  const missing = h1.run('vm migrate vm1 --to=h2', '--shell=no-such-program there')
  assert.match(missing.err, /no program no-such-program; 'no-such-program there vpc vm list' must work here; --shell says another way\n$/)
  await runsOn()
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small])
  try {
    const refused = h1.run('vm migrate vm1 --to=h2', shell)
    assert.match(
      refused.err,
      /did not take the guest: the disk takes 4 MiB, and this host has 3 MiB free in \S+small; make room there; vm vm1 runs on here\n$/,
    )
    await runsOn()
    execFileSync('mount', ['-o', 'remount,size=64m', small])
    const broken = await h1.runUntil(/preparing/, () => fillOnce(join(small, id, 'disk.sock'), small), 'vm migrate vm1 --to=h2', shell)
    assert.match(broken.err, /the disk could not be copied to host h2: No space left on device/)
    assert.doesNotMatch(broken.err, /could not undo/)
    await runsOn()
  } finally {
    execFileSync('umount', ['-l', small])
  }
  const stopped = await h1.runUntil(
    /copying the disk/,
    ({ pid }) => process.kill(pid!, 'SIGINT'),
    'vm migrate vm1 --to=h2',
    `--shell=${h2.shell}`,
  )
  assert.deepEqual([stopped.code, stopped.err.trim().split('\n').at(-1)], [1, 'vpc: stopped by a signal; vm vm1 runs on here'], stopped.err)
  await runsOn()
}

/** As soon as a file is there, leave 1 MiB of a file system free: less than the disk takes. */
async function fillOnce(file: string, directory: string): Promise<void> {
  while (!existsSync(file)) await sleep(2)
  const { bavail, bsize } = statfsSync(directory)
  writeFileSync(join(directory, 'filler'), Buffer.alloc(bavail * bsize - (1 << 20)))
}
