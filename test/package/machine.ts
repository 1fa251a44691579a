/**
 * A machine with Debian and systemd: a container that systemd-nspawn boots, with its own network, and an eBPF file
 * system of its own. Its root is made once from Debian's packages, and kept in build/package.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { OwnCgroups } from './own-cgroups.ts'

const root = join(import.meta.dirname, '../..')
/** What the package needs, and what the tests use. */
const packages =
  'systemd,systemd-sysv,dbus,iproute2,iputils-ping,libbpf1,libatomic1,libstdc++6,udev,passwd,procps,openssh-server,openssh-client'
const archive = join(root, `build/package/root-${createHash('sha256').update(packages).digest('hex').slice(0, 8)}.tar`)

/** Make the root if it is missing: some minutes, from the mirror that this machine uses. */
export function ensureRoot(): void {
  if (existsSync(archive)) return
  mkdirSync(join(root, 'build/package'), { recursive: true })
  const half = archive.replace(/\.tar$/, '-half.tar')
  execFileSync('mmdebstrap', ['--variant=minbase', `--include=${packages}`, 'bookworm', half], { stdio: ['ignore', 'ignore', 'inherit'] })
  renameSync(half, archive)
}

export interface MachineOptions {
  /** Its name, and its host name. */
  readonly name?: string
  /** A bridge of this network namespace, which the machine's interface host0 is plugged into. */
  readonly bridge?: string
  /** Writes files into its root before it boots. */
  readonly prepare?: (root: string) => void
}

export class PackageMachine implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), 'vpc-machine-'))
  readonly root = join(this.#directory, 'root')
  readonly #bpffs = join(this.#directory, 'bpffs')
  #container: ChildProcess | undefined
  #leader = 0
  readonly #name: string
  readonly #cgroups: OwnCgroups
  readonly #network: readonly string[]

  private constructor({ name = 'vpc-package', bridge }: MachineOptions) {
    this.#name = name
    this.#cgroups = new OwnCgroups(basename(this.#directory))
    this.#network = bridge === undefined ? ['--private-network'] : ['--private-network', `--network-bridge=${bridge}`]
  }

  /** Unpack and boot it. */
  static async boot(options: MachineOptions = {}): Promise<PackageMachine> {
    const machine = new PackageMachine(options)
    try {
      for (const path of [machine.root, machine.#bpffs]) mkdirSync(path)
      execFileSync('tar', ['-xf', archive, '-C', machine.root])
      options.prepare?.(machine.root)
      execFileSync('mount', ['-t', 'bpf', 'bpf', machine.#bpffs])
      await machine.start()
      return machine
    } catch (error) {
      await machine[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Boot it, also again after `stop`. */
  async start(): Promise<void> {
    const options = [
      ...this.#network,
      '--capability=all',
      '--system-call-filter=bpf perf_event_open keyctl pidfd_getfd kcmp',
      '--register=no',
      '--keep-unit',
    ]
    const [program, ...words] = this.#cgroups.run(
      'systemd-nspawn',
      '--quiet',
      '--boot',
      `--directory=${this.root}`,
      `--machine=${this.#name}`,
      `--bind=${this.#bpffs}:/sys/fs/bpf`,
      ...options,
    )
    const container = spawn(program!, words, { stdio: ['ignore', 'ignore', 'inherit'] })
    this.#container = container
    await this.#until('it has booted', () => {
      if (container.exitCode !== null) throw new Error(`systemd-nspawn ended with status ${container.exitCode}`)
      const [leader] = childrenOf(container.pid!)
      if (leader === undefined) return false
      this.#leader = leader
      return ['running', 'degraded'].includes(this.try('systemctl', 'is-system-running').stdout.trim())
    })
  }

  /** Power it off. */
  async stop(): Promise<void> {
    const container = this.#container
    if (container === undefined || container.exitCode !== null) return
    const ended = new Promise((resolve) => container.once('exit', resolve))
    if (this.#leader !== 0) this.try('systemctl', 'poweroff')
    const late = setTimeout(() => container.kill('SIGKILL'), 60_000)
    await ended
    clearTimeout(late)
  }

  /** What a shell script prints there. Throws, with all that it printed, when it fails. */
  sh(script: string): string {
    const { status, stdout, stderr } = this.try('sh', '-ec', script)
    if (status !== 0) throw new Error(`status ${status}: ${script}\n${stdout}${stderr}`)
    return stdout
  }

  /** Status and output of a program there. */
  try(...words: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    const environment = [
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'HOME=/root',
      'LC_ALL=C.UTF-8',
      'DEBIAN_FRONTEND=noninteractive',
    ]
    try {
      const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 } as const
      const stdout = execFileSync('nsenter', ['-t', String(this.#leader), '-a', '-r', '-w', ...environment, ...words], {
        ...options,
        stdio: 'pipe',
      })
      return { status: 0, stdout, stderr: '' }
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string }
      return { status, stdout: String(stdout), stderr: String(stderr) }
    }
  }

  /** Wait until a condition holds. */
  async until(what: string, holds: () => boolean): Promise<void> {
    await this.#until(what, holds)
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + 120_000
    while (!holds()) {
      if (performance.now() > deadline) throw new Error(`not within two minutes: ${what}`)
      await sleep(100)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    await this.#cgroups.remove()
    try {
      execFileSync('umount', [this.#bpffs], { stdio: 'ignore' })
    } catch {
      // It was not mounted yet.
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** The children of a process. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
  )
}
