/**
 * Whether KVM works here. On some machines /dev/kvm exists and a guest hangs in it, so this runs a small firmware under
 * KVM, as QEMU's user, with a time limit. A hang is remembered until the machine boots again; everything else is
 * quickly tried anew.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { groupOf, type Account } from '#system/accounts.ts'
import type { Acceleration } from './definition.ts'
import { accelerationArguments, bareArguments, qemuProgram } from './qemu-arguments.ts'
import { readJson, writeJson } from './vm-directory.ts'
import { VmError } from './vm-error.ts'

/** Whether KVM works, and else why not. */
export interface KvmVerdict {
  readonly works: boolean
  readonly why: string
  /** The probe used up its whole time limit. */
  readonly hung?: boolean
}

export interface ChosenAcceleration {
  readonly acceleration: 'kvm' | 'tcg'
  /** What the user should know. */
  readonly warning: string | undefined
}

const kvmDevice = '/dev/kvm'
const probeTimeoutMs = 4000
/** The firmware's last words without a disk: by then it has used memory, timers, interrupts and PCI. */
const lastWords = 'No bootable device'

/** The group that may use KVM here, when QEMU's user may not by itself. */
export function kvmAccount(account: Account): Account {
  if (!existsSync(kvmDevice)) return account
  const { mode, gid } = statSync(kvmDevice)
  return (mode & 0o006) !== 0o006 && (mode & 0o060) === 0o060 && gid === groupOf('kvm') ? { ...account, gid } : account
}

/** Choose how to run a guest. Throws VmError where KVM is wanted and does not work. */
export async function chooseAcceleration(
  wanted: Acceleration,
  account: Account,
  directory: string,
  probe: (account: Account) => Promise<KvmVerdict> = probeKvm,
): Promise<ChosenAcceleration> {
  if (wanted === 'tcg') return { acceleration: 'tcg', warning: undefined }
  const { works, why } = await kvmVerdict(account, directory, probe)
  if (works) return { acceleration: 'kvm', warning: undefined }
  if (wanted === 'kvm') throw new VmError('failed', `KVM cannot be used: ${why}; --accel=tcg emulates the processor instead`)
  return { acceleration: 'tcg', warning: `KVM cannot be used: ${why}; the processor is emulated, which is slow` }
}

async function kvmVerdict(account: Account, directory: string, probe: (account: Account) => Promise<KvmVerdict>): Promise<KvmVerdict> {
  if (!existsSync(kvmDevice)) return { works: false, why: `there is no ${kvmDevice}` }
  const file = join(directory, 'kvm.json')
  // A hang is the kernel's and the same for every user. Each machine has its own user, and need not wait for it again.
  const key = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const kept = readJson<KvmVerdict & { key: string }>(file)
  if (kept?.key === key) return kept
  const verdict = await probe(account)
  if (verdict.hung === true) writeJson(file, { key, ...verdict })
  return verdict
}

/** Try KVM. Ends within the time limit, whatever KVM does. `argv` is the program to run, for tests. */
export function probeKvm(
  account: Account,
  argv: readonly string[] = [qemuProgram, ...probeArguments],
  timeoutMs = probeTimeoutMs,
): Promise<KvmVerdict> {
  const { promise, resolve } = Promise.withResolvers<KvmVerdict>()
  const [file, ...args] = argv as [string, ...string[]]
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: '/', uid: account.uid, gid: account.gid })
  const finish = (verdict: KvmVerdict): void => {
    clearTimeout(timer)
    child.kill('SIGKILL')
    // A process that hangs in the kernel may not even die: this must not wait for it.
    child.unref()
    child.stdout.destroy()
    child.stderr.destroy()
    resolve(verdict)
  }
  const timer = setTimeout(
    () => finish({ works: false, why: `a guest hung in ${kvmDevice} for ${timeoutMs / 1000} s`, hung: true }),
    timeoutMs,
  )
  let said = ''
  let complaint = ''
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('latin1')
    if (said.includes(lastWords)) finish({ works: true, why: '' })
  })
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString('utf8')))
  child.on('error', (error: NodeJS.ErrnoException) =>
    finish({
      works: false,
      why: error.code === 'ENOENT' ? `${file} is not there; install it: apt-get install qemu-system-x86` : error.message,
    }),
  )
  child.on('close', (code) => {
    const last = complaint
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^qemu-system-\S+: /, '')
    finish({ works: false, why: last || `QEMU ended with ${code}` })
  })
  return promise
}

const probeArguments = [
  ...bareArguments,
  '-machine',
  'pc',
  ...accelerationArguments('kvm'),
  '-m',
  '32M',
  '-chardev',
  'stdio,id=words',
  '-device',
  'isa-debugcon,iobase=0x402,chardev=words',
]
