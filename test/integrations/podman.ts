/** A podman of a test's own, with CNI networks and OCI hooks. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Machine, Ran } from '../cli/machines.ts'
import { hookFiles } from '../../scripts/package/system-files.ts'
import { makeTarball } from './image.ts'

export const program = (name: string): string => fileURLToPath(new URL(`../../bin/${name}.mjs`, import.meta.url))

export class Podman {
  readonly directory: string
  readonly confDir: string
  readonly #machine: Machine

  constructor(machine: Machine) {
    this.#machine = machine
    this.directory = join(machine.directory, 'podman')
    this.confDir = join(this.directory, 'net.d')
    const [plugins, hooks] = [join(this.directory, 'cni'), join(this.directory, 'hooks.d')]
    for (const name of [this.confDir, plugins, hooks]) mkdirSync(name, { recursive: true })
    symlinkSync(program('vpc-cni'), join(plugins, 'vpc-cni'))
    for (const [name, text] of Object.entries(hookFiles(program('vpc-oci-hook'))))
      writeFileSync(join(hooks, name), text.replace('"vpc-oci-hook",', `"vpc-oci-hook", "--config=${this.hookConfig}",`))
    writeFileSync(
      join(this.directory, 'containers.conf'),
      `[network]
network_backend = "cni"
network_config_dir = "${this.confDir}"
cni_plugin_dirs = ["${plugins}"]
[engine]
hooks_dir = ["${hooks}"]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`,
    )
  }

  /** Where the hook finds the cloud and vpcd. */
  get hookConfig(): string {
    return join(this.directory, 'oci-hook.json')
  }

  importImage(): void {
    this.ok('import', makeTarball(this.directory), 'box')
  }

  run(...args: string[]): Ran {
    const places = [
      `--root=${this.directory}/root-dir`,
      `--runroot=${this.directory}/run`,
      `--tmpdir=${this.directory}/tmp`,
      '--storage-driver=overlay',
    ]
    const env = { PATH: process.env.PATH, CONTAINERS_CONF: join(this.directory, 'containers.conf'), HOME: this.directory }
    const { status, stdout, stderr } = spawnSync('nsenter', [`--net=/run/netns/${this.#machine.netns}`, 'podman', ...places, ...args], {
      encoding: 'utf8',
      env,
      timeout: 90_000,
    })
    return { code: status, out: stdout, err: stderr }
  }

  /** The same; it must succeed. Gives what it prints. */
  ok(...args: string[]): string {
    const { code, out, err } = this.run(...args)
    assert.equal(code, 0, `podman ${args.join(' ')}: ${out}${err}`)
    return out.trim()
  }
}
