/** An image for containers, made of this machine's busybox: nothing is fetched. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { arch } from 'node:os'
import { join } from 'node:path'

const applets = [
  'sh',
  'sleep',
  'ping',
  'ip',
  'cat',
  'ls',
  'true',
  'false',
  'id',
  'nc',
  'wget',
  'httpd',
  'nslookup',
  'kill',
  'mount',
  'hostname',
]

/** The root of a container below a directory: busybox with its names, and the places that runtimes mount. */
export function makeRoot(directory: string): string {
  const root = join(directory, 'root')
  for (const name of ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'run', 'root', 'sbin', 'usr/bin', 'var'])
    mkdirSync(join(root, name), { recursive: true })
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'))
  chmodSync(join(root, 'bin/busybox'), 0o755)
  for (const name of applets) symlinkSync('busybox', join(root, 'bin', name))
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\n')
  return root
}

/** The same as a tarball, for `podman import` and `docker import`. Gives its path. */
export function makeTarball(directory: string): string {
  const tarball = join(directory, 'image.tar')
  execFileSync('tar', ['-C', makeRoot(directory), '-cf', tarball, '.'])
  return tarball
}

/** The same as an archive for `docker load` and `ctr images import`, with a name and a command. Gives its path. */
export function makeArchive(directory: string, name: string, command: readonly string[]): string {
  const work = join(directory, 'archive')
  mkdirSync(work, { recursive: true })
  const layer = makeTarball(work)
  const digest = createHash('sha256').update(readFileSync(layer)).digest('hex')
  const config = {
    architecture: arch() === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: { Cmd: command, Env: ['PATH=/bin'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
  }
  writeFileSync(join(work, 'config.json'), JSON.stringify(config))
  writeFileSync(join(work, 'manifest.json'), JSON.stringify([{ Config: 'config.json', RepoTags: [name], Layers: ['image.tar'] }]))
  const archive = join(directory, 'archive.tar')
  execFileSync('tar', ['-C', work, '-cf', archive, 'manifest.json', 'config.json', 'image.tar'])
  return archive
}
