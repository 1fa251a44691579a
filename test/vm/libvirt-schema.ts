/**
 * libvirt's schema of domains, from Debian's package. libvirt itself is not installed: the test does not need its
 * daemon.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import { root } from '../sources.ts'

const inPackage = 'usr/share/libvirt/schemas/domain.rng'

/** The path of domain.rng, fetched when it is not there yet. */
export function libvirtSchema(): string {
  const directory = join(root, 'build/libvirt')
  const schema = join(directory, inPackage)
  if (existsSync(schema)) return schema
  mkdirSync(join(root, 'build'), { recursive: true })
  const work = mkdtempSync(`${directory}.`)
  try {
    execFileSync('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', 'libvirt0'], {
      cwd: work,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [archive] = globSync(join(work, '*.deb'))
    execFileSync('dpkg-deb', ['-x', archive!, work])
    rmSync(archive!)
    rmSync(directory, { recursive: true, force: true })
    renameSync(work, directory)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return schema
}

// Before the tests, which have no network.
if (import.meta.main) process.stdout.write(`${relative('', libvirtSchema())}\n`)
