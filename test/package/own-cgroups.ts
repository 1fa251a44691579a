/**
 * Cgroups of a machine's own, in each hierarchy. The systemd of a container takes the cgroup that it starts in for the
 * root: two machines in one would each find the other's processes in its units, and could not end them.
 */
import { mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export class OwnCgroups {
  readonly #directories: readonly string[]

  /** Under a name that no other machine of this computer has. */
  constructor(name: string) {
    this.#directories = hierarchies().map((directory) => join(directory, name))
    for (const directory of this.#directories) mkdirSync(directory, { recursive: true })
  }

  /** The words that run a program in them. */
  run(...words: readonly string[]): string[] {
    const enter = this.#directories.map((directory) => `echo $$ >${directory}/cgroup.procs`)
    return ['sh', '-ec', [...enter, 'exec "$@"'].join('\n'), 'sh', ...words]
  }

  /** Remove them. A process that was killed a moment ago may still be in one. */
  async remove(): Promise<void> {
    for (const directory of this.#directories) {
      for (const end = performance.now() + 10_000; ; await sleep(50)) {
        try {
          removeAll(directory)
          break
        } catch (error) {
          if (performance.now() > end) throw error
        }
      }
    }
  }
}

/** Where this process is in each. A new cgroup of `cpuset` has no processors, so nothing could run there. */
function hierarchies(): string[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
  const own = readFileSync('/proc/self/cgroup', 'utf8')
    .trim()
    .split('\n')
    .map((line) => /^\d+:([^:]*):(.*)$/.exec(line)!)
  return mounts.flatMap(([, mount, type, options]) => {
    const words = options!.split(',')
    if (type !== 'cgroup2' && (type !== 'cgroup' || words.includes('cpuset'))) return []
    const found = own.find(([, controllers]) =>
      type === 'cgroup2' ? controllers === '' : controllers!.split(',').some((each) => words.includes(each)),
    )
    return found === undefined ? [] : [join(mount!, found[2]!)]
  })
}

/** From the leaves up: the files in a cgroup are the kernel's. */
function removeAll(directory: string): void {
  for (const each of readdirSync(directory, { withFileTypes: true })) if (each.isDirectory()) removeAll(join(directory, each.name))
  rmdirSync(directory)
}
