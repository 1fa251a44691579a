/**
 * A vmnic for hypervisors that are not ours: the descriptor by inheritance, the tap by name, and libvirt's element for
 * it.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Duplex } from 'node:stream'
import { vpcProgram } from '#system/background.ts'
import { netnsPath } from '#lab/names.ts'
import { inNetns } from '#lab/program.ts'
import { root } from '../sources.ts'
import { guestImage } from './guest-image.ts'
import { GuestShell } from './guest-shell.ts'
import { libvirtSchema } from './libvirt-schema.ts'
import { VmBed, type TestVmnic } from './vm-bed.ts'

const directory = mkdtempSync(join(tmpdir(), 'vpc-other-'))

/** A QEMU as another tool would start it. */
const qemu = (netdev: string, device: string): string => {
  const boot = `-kernel ${directory}/kernel -initrd ${directory}/initrd -append 'console=ttyS0 quiet'`
  const base = `exec qemu-system-x86_64 -nodefaults -display none -no-reboot -accel tcg,thread=single -m 160 -smp 2 -serial stdio ${boot}`
  return `${base} -netdev tap,id=n0,${netdev} -device virtio-net-pci,netdev=n0,${device}`
}

let bed: VmBed
let nic: TestVmnic
const children: ChildProcess[] = []

before(async () => {
  // Where any user can read them.
  chmodSync(directory, 0o755)
  for (const name of ['kernel', 'initrd'] as const) copyFileSync(guestImage()[name], join(directory, name))
  bed = await VmBed.up()
  nic = await bed.vmnic('h1', { queues: 2 })
})
after(async () => {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
  rmSync(directory, { recursive: true })
  await bed?.[Symbol.asyncDispose]()
})

const joined = ({ stdout, stdin }: ChildProcess): Duplex => Duplex.from({ readable: stdout!, writable: stdin! } as never)

/** Start something on host h1 that has a guest's console as its input and output. */
function start(...argv: string[]): { child: ChildProcess; shell: GuestShell; complaints: () => string } {
  const env = { ...process.env, VPC_SOCKET: bed.lab.host('h1').socket }
  const [file, ...args] = inNetns(netnsPath(bed.lab.netns('h1')), argv) as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'], env })
  children.push(child)
  let text = ''
  child.stderr!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const shell = new GuestShell(joined(child))
  return { child, shell, complaints: () => text }
}

const uidOf = (pid: number): string => /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]!
const nobody = spawnSync('id', ['-u', 'nobody'], { encoding: 'utf8' }).stdout.trim()

async function talks(shell: GuestShell): Promise<void> {
  await shell.ready()
  await bed.configure(shell, nic)
  await shell.must('ping -A -c 2 -W 5 10.0.0.8 && ping -A -c 2 -W 5 10.0.0.9')
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}

suite('a QEMU that is not ours', () => {
  test('inherits the queues from vpc vmnic exec, and runs as nobody', async () => {
    const line = qemu('fds=$VPC_VMNIC_FDS', 'mac=$VPC_VMNIC_MAC,host_mtu=$VPC_VMNIC_MTU,mq=on,vectors=6')
    const { child, shell, complaints } = start(...vpcProgram, 'vmnic', 'exec', '-N', nic.id, '-u', 'nobody', '--', 'sh', '-c', line)
    try {
      await talks(shell)
      assert.equal(uidOf(child.pid!), nobody)
      assert.equal((await shell.must('cat /sys/class/net/eth0/mtu')).trim(), '8950')
      const second = await bed.vpc('h1', 'vmnic', 'exec', '-N', nic.id, '--', 'true')
      assert.match(second.stderr, /another program has vmnic0 open; a vmnic serves one guest at a time/)
    } catch (error) {
      throw new Error(`${String(error)}\n${complaints()}`, { cause: error })
    } finally {
      await end(child)
    }
  })

  test('vpc vmnic exec starts a program as a user that can use the queues and open none', async () => {
    const show =
      'id -u; readlink /proc/self/fd/${VPC_VMNIC_FDS%%:*}; echo $VPC_VMNIC_QUEUES $VPC_VMNIC_DEVICE $VPC_VMNIC_MAC $VPC_VMNIC_MTU'
    const { code, stdout, stderr } = await bed.vpc('h1', 'vmnic', 'exec', '-N', nic.id, '-u', 'nobody', '--', 'sh', '-c', show)
    assert.equal(code, 0, stderr)
    assert.deepEqual(stdout.trim().split('\n'), [nobody, '/dev/net/tun', `2 vmnic0 ${nic.mac} 8950`])
    const missing = await bed.vpc('h1', 'vmnic', 'exec', '-N', nic.id, '--', 'no-such-program')
    assert.match(missing.stderr, /cannot start 'no-such-program': there is no such file/)
  })

  test('opens the tap by its name once its user is the owner, and not before', async () => {
    const line = qemu('ifname=vmnic0,script=no,downscript=no,queues=2', `mac=${nic.mac},host_mtu=8950`)
    // Where udev makes it, anybody may open /dev/net/tun: the owner is what counts. Here it may be root's alone, so a
    // private one.
    const tun = 'mount -t tmpfs none /dev/net && mknod -m 666 /dev/net/tun c 10 200'
    const asNobody = `${tun} && exec setpriv --reuid=nobody --regid=nogroup --clear-groups sh -c "$0"`
    const argv = ['unshare', '--mount', 'sh', '-c', asNobody, line]
    const refused = start(...argv)
    await once(refused.child, 'close')
    assert.match(refused.complaints(), /could not configure \/dev\/net\/tun \(vmnic0\): Operation not permitted/)
    await bed.json('h1', 'vmnic', 'set', '-N', nic.id, '--owner-user', 'nobody')
    const { child, shell, complaints } = start(...argv)
    try {
      await talks(shell)
    } catch (error) {
      throw new Error(`${String(error)}\n${complaints()}`, { cause: error })
    } finally {
      await end(child)
    }
  })
})

suite('libvirt', () => {
  const example = join(root, 'examples/libvirt/vmnic-domain.xml')
  const check = (input: string) => spawnSync('xmllint', ['--noout', '--relaxng', libvirtSchema(), '-'], { input, encoding: 'utf8' })

  test('the example is a domain, by libvirt’s own schema', () => {
    const { status, stderr } = check(readFileSync(example, 'utf8'))
    assert.equal(status, 0, stderr)
  })

  test('the schema would object to what is wrong', () => {
    const { status } = check(readFileSync(example, 'utf8').replace("managed='no'", "managed='perhaps'"))
    assert.notEqual(status, 0)
  })
})
