/**
 * A test machine: QEMU without KVM, one virtual CPU, a kernel of packages.ts, this machine's files as its root (what it
 * writes is gone with it), NICs on taps, and a shell on its serial port. It ends with `await using`, and with the
 * process that started it.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { GuestShell } from '../vm/guest-shell.ts'
import { initramfsFor, initWords } from './initramfs.ts'
import type { Kernel } from './packages.ts'

/** A NIC: QEMU's model and the tap that it is joined to. */
export interface Nic {
  readonly model: 'virtio-net-pci' | 'vmxnet3' | 'e1000e'
  readonly tap: string
  readonly mac: string
  /** Further properties of QEMU's device, as `guest_tso4=off`. */
  readonly properties?: string
}

export interface MachineOptions {
  readonly name: string
  readonly kernel: Kernel
  readonly nics?: readonly Nic[]
  readonly memoryMiB?: number
}

const servers = ['/usr/lib/qemu/virtiofsd', '/usr/libexec/virtiofsd']
/** One of them stops a machine whose kernel panics. */
const commandLine = 'panic=-1 oops=panic net.ifnames=0 ipv6.autoconf=0 random.trust_cpu=on mitigations=off'

function fileServer(socket: string): ChildProcess {
  const program = servers.find((path) => existsSync(path))
  if (program === undefined) throw new Error(`there is no virtiofsd (${servers.join(', ')}): apt-get install qemu-system-common`)
  const args = program.includes('/lib/')
    ? ['-o', 'source=/,cache=always,sandbox=chroot']
    : ['--shared-dir=/', '--cache=always', '--sandbox=chroot']
  return spawn(program, [`--socket-path=${socket}`, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
}

const nicArguments = ({ model, tap, mac, properties }: Nic, index: number): string =>
  `-netdev tap,id=n${index},ifname=${tap},script=no,downscript=no,vhost=off ` +
  `-device ${model},netdev=n${index},mac=${mac}${properties ? `,${properties}` : ''}`

/** What differs by processor: QEMU's program, the machine, and where the shell's port (ttyS0) and the log's are. */
const processors = {
  amd64: {
    program: 'qemu-system-x86_64',
    // Without cmpxchg16b, which damages the processor's flags under this emulation now and then.
    machine: '-machine pc,memory-backend=memory -cpu qemu64,-cx16',
    ports: (log: string) => `-serial stdio -serial file:${log}`,
    // The kernel tries its timer for a moment, and panics when a busy machine gives QEMU no time in it.
    words: 'console=ttyS1 no_timer_check',
  },
  arm64: {
    program: 'qemu-system-aarch64',
    machine: '-machine virt,memory-backend=memory -cpu cortex-a72',
    // This machine has one port of its own.
    ports: (log: string) => `-serial file:${log} -chardev stdio,id=shell -device pci-serial,chardev=shell`,
    words: 'console=ttyAMA0',
  },
} as const

/** What one command may take: a machine without KVM is slow, and slower beside others. */
const patienceMs = 180_000

/** QEMU's arguments. The shell has one serial port, the kernel's log another. */
function qemuArguments({ name, kernel, nics = [], memoryMiB = 768 }: MachineOptions, directory: string): string[] {
  const { machine, ports, words } = processors[kernel.architecture]
  const memory = `memory-backend-memfd,id=memory,size=${memoryMiB}M,share=on`
  return [
    `-name ${name} -nodefaults -display none -no-reboot -accel tcg,thread=single -smp 1`,
    `${machine} -m ${memoryMiB}M -object ${memory}`,
    `-chardev socket,id=files,path=${join(directory, 'files')} -device vhost-user-fs-pci,chardev=files,tag=root`,
    `${ports(join(directory, 'log'))} -device virtio-rng-pci`,
    `-kernel ${kernel.image} -initrd ${initramfsFor(kernel)}`,
    ...nics.map(nicArguments),
  ]
    .flatMap((words) => words.split(' '))
    .concat('-append', `${words} ${commandLine} host=${name} modules=${kernel.modules} ${initWords(kernel)}`)
}

const consoleOf = ({ stdin, stdout }: ChildProcess): Duplex =>
  Object.assign(stdout!, { write: stdin!.write.bind(stdin) }) as unknown as Duplex

/** One machine that runs. */
export class Machine implements AsyncDisposable {
  readonly name: string
  readonly kernel: Kernel
  readonly shell: GuestShell
  readonly #directory: string
  readonly #processes: ChildProcess[]

  private constructor({ name, kernel }: MachineOptions, directory: string, processes: ChildProcess[]) {
    this.name = name
    this.kernel = kernel
    this.#directory = directory
    this.#processes = processes
    const qemu = processes[0]!
    this.shell = new GuestShell(consoleOf(qemu))
  }

  /** Start one and wait for its shell. */
  static async boot(options: MachineOptions): Promise<Machine> {
    const directory = mkdtempSync(join(tmpdir(), `vpc-kernels-${options.name}-`))
    const files = fileServer(join(directory, 'files'))
    let words = ''
    files.stderr!.on('data', (chunk: Buffer) => (words += chunk.toString()))
    await until(
      () => existsSync(join(directory, 'files')),
      10_000,
      () => `virtiofsd does not listen: ${words}`,
    )
    const qemu = spawn(processors[options.kernel.architecture].program, qemuArguments(options, directory), {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    qemu.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
    qemu.stdin.on('error', () => {}) // its end shows as the end of its console
    const machine = new Machine(options, directory, [qemu, files])
    try {
      await machine.shell.ready(300_000)
      return machine
    } catch (error) {
      const message = `machine ${options.name} (Linux ${options.kernel.release}) did not start: ${(error as Error).message}; QEMU: ${words}; its log:\n${machine.log()}`
      await machine[Symbol.asyncDispose]()
      throw new Error(message, { cause: error })
    }
  }

  /** The end of the kernel's log. */
  log(): string {
    const path = join(this.#directory, 'log')
    return existsSync(path) ? readFileSync(path, 'latin1').slice(-4000) : ''
  }

  /** Run a command that must succeed, and return its output. */
  async must(command: string, timeoutMs = patienceMs): Promise<string> {
    try {
      return (await this.shell.must(command, timeoutMs)).trim()
    } catch (error) {
      throw new Error(`${this.name} (Linux ${this.kernel.release}): ${(error as Error).message}`, { cause: error })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Wait until something holds. */
export async function until(holds: () => boolean, timeoutMs: number, failure: () => string): Promise<void> {
  const end = Date.now() + timeoutMs
  while (!holds()) {
    if (Date.now() > end) throw new Error(failure())
    await setTimeout(20)
  }
}
