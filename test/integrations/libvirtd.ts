/** libvirt's daemon in a network namespace, without systemd, with files of its own in place of the machine's. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from '../sources.ts'

const qemuConf = `security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
remember_owner = 0
`
const libvirtdConf = `auth_unix_rw = "none"
auth_unix_ro = "none"
`

/** Changes of /etc and /var stay in this mount namespace, and go with it. */
function coverFiles(directory: string): void {
  for (const place of ['/etc', '/var']) {
    const [upper, work] = ['upper', 'work'].map((name) => join(directory, `${name}${place}`)) as [string, string]
    for (const each of [upper, work]) mkdirSync(each, { recursive: true })
    execFileSync('mount', ['-t', 'overlay', '-o', `lowerdir=${place},upperdir=${upper},workdir=${work}`, 'overlay', place])
  }
}

export interface LibvirtdOptions {
  readonly netns: string
  readonly directory: string
  /** Of the daemon, and so of its hooks. */
  readonly env: NodeJS.ProcessEnv
  /** Lines of /etc/vpc/libvirt.yaml. */
  readonly config: string
}

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export class Libvirtd {
  readonly #options: LibvirtdOptions
  #child: ChildProcess | undefined

  private constructor(options: LibvirtdOptions) {
    this.#options = options
  }

  /** Start it, with vpc's hook installed as the package does. */
  static async start(options: LibvirtdOptions): Promise<Libvirtd> {
    const { directory, config } = options
    // An overlay cannot lie on another one.
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', directory])
    coverFiles(directory)
    mkdirSync('/etc/libvirt/hooks/qemu.d', { recursive: true })
    mkdirSync('/etc/vpc', { recursive: true })
    writeFileSync('/etc/libvirt/qemu.conf', qemuConf)
    writeFileSync('/etc/libvirt/libvirtd.conf', libvirtdConf)
    writeFileSync('/etc/vpc/libvirt.yaml', config)
    copyFileSync(join(root, 'packaging/libvirt/qemu-hook'), '/etc/libvirt/hooks/qemu.d/vpc')
    const made = new Libvirtd(options)
    await made.run()
    return made
  }

  /** Have the daemon run, and wait until it answers. */
  async run(): Promise<void> {
    const { netns, env } = this.#options
    this.#child = spawn('nsenter', [`--net=/run/netns/${netns}`, 'libvirtd'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    for (const end = Date.now() + 30_000; this.virsh('list').code !== 0; await sleep(100)) {
      assert.equal(this.#child.exitCode, null, 'libvirtd has ended')
      assert.ok(Date.now() < end, 'libvirtd does not answer')
    }
  }

  /** End the daemon. Its guests run on. */
  async stop(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await ended
  }

  virsh(...args: string[]): Ran {
    const { status, stdout, stderr } = spawnSync('virsh', ['-q', '-c', 'qemu:///system', ...args], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      timeout: 60_000,
    })
    return { code: status, out: stdout.trim(), err: stderr.trim() }
  }

  /** The same; it must succeed. */
  ok(...args: string[]): string {
    const { code, out, err } = this.virsh(...args)
    assert.equal(code, 0, `virsh ${args.join(' ')}: ${out}${err}`)
    return out
  }

  /** What vpc's hook says when libvirt runs it. */
  hook(xml: string, ...words: string[]): Ran {
    const { netns, env } = this.#options
    const argv = [`--net=/run/netns/${netns}`, '/etc/libvirt/hooks/qemu.d/vpc', ...words]
    const { status, stdout, stderr } = spawnSync('nsenter', argv, { encoding: 'utf8', env, input: xml, timeout: 60_000 })
    return { code: status, out: stdout.trim(), err: stderr.trim() }
  }

  /** Process of a guest's QEMU. */
  pidOf(domain: string): number {
    return Number(readFileSync(`/run/libvirt/qemu/${domain}.pid`, 'utf8'))
  }

  /** Kill what is left. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (existsSync('/run/libvirt'))
      for (const domain of this.virsh('list', '--name').out.split('\n').filter(Boolean)) this.virsh('destroy', domain)
    await this.stop()
    for (const place of ['/etc', '/var', this.#options.directory]) execFileSync('umount', ['--lazy', place])
  }
}
