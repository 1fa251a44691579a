/**
 * A machine for the demo: namespaces of its own for network, mounts and host name, so that every path is what it is on
 * a real machine, and nothing of this one is touched.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('../bin', import.meta.url))

/** What a command said, and its exit code. */
export interface Said {
  readonly code: number | null
  readonly text: string
}

// Mounts of this machine come in, and none goes out. Namespaces have their names in /run/netns, on all machines.
const enter = `
set -e
mount -t tmpfs none /mnt
mkdir /mnt/netns
mount --rbind /run/netns /mnt/netns
mount -t tmpfs none /run
mkdir /run/netns
mount --rbind /mnt/netns /run/netns
mount -t tmpfs none /var/lib
mount -t tmpfs none /var/log
mount -t bpf none /sys/fs/bpf
hostname "$1"
echo ready
exec sleep infinity`

/** Run a program of this machine to its end. */
export function run(argv: readonly string[]): Said {
  const { status, stdout, stderr } = spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8' })
  return { code: status, text: `${stdout}${stderr}` }
}

/** The same; throws when it fails. */
export function must(...argv: readonly string[]): string {
  const { code, text } = run(argv)
  if (code === 0) return text
  throw new Error(`${argv.join(' ')}: ${text}`)
}

export class Machine {
  readonly name: string
  readonly netns: string
  readonly #directory: string
  readonly #holder: ChildProcess

  private constructor(name: string, netns: string, directory: string, holder: ChildProcess) {
    this.name = name
    this.netns = netns
    this.#directory = directory
    this.#holder = holder
  }

  /** Make one; `directory` is for its own things. */
  static async start(name: string, netns: string, directory: string): Promise<Machine> {
    must('ip', 'netns', 'add', netns)
    must('ip', '-n', netns, 'link', 'set', 'lo', 'up')
    const words = ['--mount', '--uts', '--propagation', 'slave', 'sh', '-c', enter, 'sh', name]
    const holder = spawn('nsenter', [`--net=/run/netns/${netns}`, 'unshare', ...words], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ready = await Promise.race([once(holder.stdout!, 'data'), once(holder, 'exit').then(() => undefined)])
    if (ready === undefined) throw new Error(`cannot make machine ${name}: its namespaces were refused`)
    return new Machine(name, netns, directory, holder)
  }

  /** A shell command there, as root. */
  sh(line: string): Said {
    const { status, stdout, stderr } = spawnSync('nsenter', this.#words(line), { encoding: 'utf8', env: this.#env() })
    return { code: status, text: `${stdout}${stderr}`.trimEnd() }
  }

  /** The same, in the background, in a process group of its own: its standard output. */
  background(line: string): ChildProcess {
    return spawn('nsenter', this.#words(line), { detached: true, env: this.#env(), stdio: ['ignore', 'pipe', 'ignore'] })
  }

  /** What nsenter is told. */
  get into(): string[] {
    const at = `/proc/${this.#holder.pid}/ns`
    return [`--net=/run/netns/${this.netns}`, `--mount=${at}/mnt`, `--uts=${at}/uts`]
  }

  #words = (line: string): string[] => [...this.into, 'sh', '-c', line]

  #env = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    XDG_CONFIG_HOME: join(this.#directory, 'config'),
    VPC_API: '',
    VPC_TOKEN: '',
    VPC_SOCKET: '',
  })

  /** Take everything away. */
  end(): void {
    this.sh('vpc down --purge')
    this.#holder.kill('SIGKILL')
    run(['ip', 'netns', 'del', this.netns])
  }
}
