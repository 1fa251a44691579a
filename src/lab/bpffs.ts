/**
 * A bpffs for each host of a lab: when it is unmounted, everything that was pinned in it goes, whatever state it was
 * in.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { must, run } from './program.ts'

/** Mount a bpffs on a directory, unless one is there. The directory is made when it is missing. */
export async function mountBpffs(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  if ((await mountsBelow(directory)).includes(directory)) return
  await must(['mount', '-t', 'bpf', '-o', 'mode=0700', 'vpc-lab', directory])
}

/** Unmount everything on or below a directory. Gives what could not be unmounted, with the reason. */
export async function unmountBelow(directory: string): Promise<string[]> {
  const problems: string[] = []
  for (const mount of (await mountsBelow(directory)).toReversed()) {
    if ((await run(['umount', mount])).code === 0) continue
    // Busy: somebody stands in it. Detached, it goes when they leave.
    const lazy = await run(['umount', '--lazy', mount])
    if (lazy.code !== 0) problems.push(`cannot unmount ${mount}: ${lazy.stderr.trim()}`)
  }
  return problems
}

/** Mount points on or below a directory, in the order in which they were mounted. */
async function mountsBelow(directory: string): Promise<string[]> {
  const mounts = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n').map((line) => line.split(' ')[4] ?? '')
  return mounts.filter((mount) => mount === directory || mount.startsWith(`${directory}/`))
}
