/**
 * systemd-resolved for a guest of the tests, unpacked from Debian's package and not installed: the package would take
 * this machine's own /etc/resolv.conf. It is kept in build/resolved. As a program it fetches it, before tests run
 * without a network.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const installed = '/lib/systemd/systemd-resolved'
const kept = fileURLToPath(new URL('../../build/resolved', import.meta.url))

function run(command: string, args: readonly string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

/** The program. It uses a library of this machine's systemd, so it is of the same upstream version. */
export function resolvedProgram(): string {
  if (existsSync(installed)) return installed
  const program = join(kept, installed)
  if (existsSync(program)) return program
  mkdirSync(join(kept, '..'), { recursive: true })
  const work = mkdtempSync(`${kept}.`)
  try {
    run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', 'systemd-resolved'], work)
    run('dpkg-deb', ['-x', globSync('*.deb', { cwd: work })[0]!, 'tree'], work)
    rmSync(kept, { recursive: true, force: true })
    renameSync(join(work, 'tree'), kept)
  } finally {
    rmSync(work, { recursive: true })
  }
  return program
}

if (import.meta.main) console.log(resolvedProgram())
