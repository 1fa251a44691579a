/** Incus, of Debian's backports: its packages are unpacked below build/kernels, and nothing is installed. */
import assert from 'node:assert/strict'
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'
import { store } from '../../kernels/apt-root.ts'
import { until } from '../../cli/machines.ts'
import { makeRoot } from '../image.ts'

/** Where its packages are unpacked. */
export const incusRoot = join(store, 'incus-6.0')
export const incusPackages = 'incus-base incus-client libcowsql0 libraft0 squashfs-tools squashfs-tools-ng libsquashfs1 attr uidmap rsync'

export class Incus {
  readonly #netns: string
  readonly #directory: string
  readonly #env: NodeJS.ProcessEnv
  readonly #daemon: ChildProcess

  private constructor(netns: string, directory: string) {
    this.#netns = netns
    this.#directory = directory
    const usr = join(incusRoot, 'usr')
    this.#env = {
      ...process.env,
      PATH: `${join(usr, 'bin')}:${process.env.PATH}`,
      LD_LIBRARY_PATH: globSync(join(incusRoot, '{usr/,}lib/*-linux-gnu')).join(':'),
      INCUS_DIR: directory,
      HOME: directory,
    }
    const words = [`--net=/run/netns/${netns}`, join(usr, 'libexec/incus/incusd'), '--group', 'root']
    this.#daemon = spawn('nsenter', words, { env: this.#env, stdio: 'ignore' })
  }

  /** Start the daemon in a network namespace, with an image `busybox` and a pool of storage, below a directory. */
  static async start(netns: string, directory: string): Promise<Incus> {
    mkdirSync(directory)
    // It looks for interfaces in /sys, which shows those of the namespace that it was mounted in.
    const sys = join(directory, 'sys')
    const parts = ['class/net', 'devices/virtual/net'].map((part) => `mount --bind ${sys}/${part} /sys/${part}`)
    mkdirSync(sys)
    execFileSync('nsenter', [`--net=/run/netns/${netns}`, 'sh', '-ec', [`mount -t sysfs sysfs ${sys}`, ...parts].join('\n')])
    const incus = new Incus(netns, directory)
    try {
      await until('Incus answers', () => {
        assert.equal(incus.#daemon.exitCode, null, 'incusd has ended')
        return incus.run('query', '/1.0').status === 0
      })
      incus.ok('storage', 'create', 'default', 'dir')
      incus.ok('profile', 'device', 'add', 'default', 'root', 'disk', 'path=/', 'pool=default')
      incus.ok('image', 'import', incus.#image(), '--alias', 'busybox')
    } catch (error) {
      await incus[Symbol.asyncDispose]()
      throw error
    }
    return incus
  }

  #image(): string {
    const made = join(this.#directory, 'made')
    const rootfs = join(made, 'rootfs')
    mkdirSync(made)
    execFileSync('mv', [makeRoot(join(this.#directory, 'made')), rootfs])
    writeFileSync(join(rootfs, 'sbin/init'), '#!/bin/sh\nexec sleep 100000\n', { mode: 0o755 })
    writeFileSync(join(made, 'metadata.yaml'), `architecture: ${arch() === 'arm64' ? 'aarch64' : 'x86_64'}\ncreation_date: 1700000000\n`)
    const tarball = join(this.#directory, 'image.tar')
    execFileSync('tar', ['-C', made, '-cf', tarball, 'metadata.yaml', 'rootfs'])
    return tarball
  }

  /** Run `incus ARGS`. */
  run(...args: string[]): { status: number | null; out: string } {
    const words = [`--net=/run/netns/${this.#netns}`, 'timeout', '60', 'incus', ...args]
    const { status, stdout, stderr } = spawnSync('nsenter', words, { encoding: 'utf8', env: this.#env })
    return { status, out: `${stdout}${stderr}` }
  }

  /** The same; it must succeed. */
  ok(...args: string[]): string {
    const { status, out } = this.run(...args)
    assert.equal(status, 0, `incus ${args.join(' ')}: ${out}`)
    return out
  }

  /** A container that does not run yet. */
  create(name: string): void {
    this.ok('create', 'busybox', name, '--config=security.privileged=true')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const names = this.run('list', '--format=csv', '--columns=n').out.split('\n').filter(Boolean)
    if (names.length > 0) this.run('delete', '--force', ...names)
    if (this.#daemon.exitCode === null) {
      const ended = once(this.#daemon, 'exit')
      this.#daemon.kill('SIGKILL')
      await ended
    }
    const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n')
    const own = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${this.#directory}/`))
    for (const path of own.toReversed()) spawnSync('umount', ['--lazy', path])
  }
}
