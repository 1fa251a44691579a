/** The root of a Debian 13, whose podman runs plugins of netavark. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

const checkout = join(import.meta.dirname, '../../..')
/** Made once. */
export const rootArchive = join(checkout, 'build/integrations/trixie.tar')

/** Unpack it below a directory, with this machine's /run, /sys, /proc and /dev, and the checkout. */
export function unpackRoot(directory: string): string {
  const root = join(directory, 'trixie')
  mkdirSync(root)
  // Programs in it make mounts private from / on: it must be a mount itself.
  execFileSync('mount', ['--bind', root, root])
  execFileSync('tar', ['-xf', rootArchive, '-C', root, '--exclude=./dev/*'])
  for (const path of ['/run', '/sys', '/proc', '/dev', checkout]) {
    mkdirSync(join(root, path), { recursive: true })
    execFileSync('mount', ['--rbind', path, join(root, path)])
  }
  return root
}
