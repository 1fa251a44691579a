/**
 * Two machines with Debian and systemd on one wire, h1 and h2, which reach each other by ssh: as a person has them who
 * installs the package.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PackageMachine } from './machine.ts'

export const addresses: Readonly<Record<string, string>> = { h1: '203.0.113.1', h2: '203.0.113.2' }

const bridge = 'wire'

/** Boot both. The bridge between them is in this network namespace, and goes with it. */
export async function bootTwo(): Promise<Readonly<Record<'h1' | 'h2', PackageMachine>>> {
  execFileSync('ip', ['link', 'add', bridge, 'type', 'bridge'])
  execFileSync('ip', ['link', 'set', bridge, 'up'])
  const [one, other] = await Promise.allSettled(
    ['h1', 'h2'].map((name) => PackageMachine.boot({ name, bridge, prepare: (root) => prepare(name, root) })),
  )
  if (one?.status === 'fulfilled' && other?.status === 'fulfilled') {
    trustEachOther([one.value.root, other.value.root])
    return { h1: one.value, h2: other.value }
  }
  for (const each of [one, other]) if (each?.status === 'fulfilled') await each.value[Symbol.asyncDispose]()
  throw [one, other].find((each) => each?.status === 'rejected')?.reason
}

/** A name, an address that is there at each boot, and where the other one is. */
function prepare(name: string, root: string): void {
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  write('etc/hostname', `${name}\n`)
  write(
    'etc/hosts',
    `127.0.0.1 localhost\n${Object.entries(addresses)
      .map(([each, address]) => `${address} ${each}\n`)
      .join('')}`,
  )
  const other = Object.entries(addresses).find(([each]) => each !== name)![1]
  write('etc/systemd/network/10-wire.network', `[Match]\nName=host0\n[Network]\nAddress=${addresses[name]}/24\nGateway=${other}\n`)
  for (const [unit, target] of [
    ['systemd-networkd', 'multi-user.target.wants'],
    ['systemd-networkd-wait-online', 'network-online.target.wants'],
  ] as const) {
    mkdirSync(join(root, 'etc/systemd/system', target), { recursive: true })
    symlinkSync(`/lib/systemd/system/${unit}.service`, join(root, 'etc/systemd/system', target, `${unit}.service`))
  }
}

/** Each logs in to the other as root, with a key. */
function trustEachOther(roots: readonly string[]): void {
  const ssh = (root: string): string => join(root, 'root/.ssh')
  for (const root of roots) {
    mkdirSync(ssh(root), { recursive: true, mode: 0o700 })
    rmSync(join(ssh(root), 'id_ed25519'), { force: true })
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(ssh(root), 'id_ed25519')])
  }
  const read = (path: string): string => readFileSync(path, 'utf8')
  const keys = roots.map((root) => read(join(ssh(root), 'id_ed25519.pub'))).join('')
  const known = roots.map((root, i) => `h${i + 1} ${read(join(root, 'etc/ssh/ssh_host_ed25519_key.pub'))}`).join('')
  for (const root of roots) {
    writeFileSync(join(ssh(root), 'authorized_keys'), keys)
    writeFileSync(join(ssh(root), 'known_hosts'), known)
    chmodSync(join(ssh(root), 'authorized_keys'), 0o600)
  }
}
