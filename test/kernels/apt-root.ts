/**
 * An apt root of its own: the lists of Debian suites of one architecture, below build/kernels. Nothing is installed.
 * The mirror is the one that the machine's own sources name.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Architecture = 'amd64' | 'arm64'

/** Debian's name of this machine's architecture. */
export const hostArchitecture: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** Where kernels and roots are kept; VPC_KERNEL_DIR names another place, which several checkouts can share. */
export const store = process.env['VPC_KERNEL_DIR'] ?? fileURLToPath(new URL('../../build/kernels', import.meta.url))
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** Names a Debian mirror where the machine's own sources name none. */
export const mirrorVariable = 'VPC_DEBIAN_MIRROR'

/** Why there is no kernel to test with, and what to do about it. */
export class NoKernel extends Error {
  override readonly name = 'NoKernel'
}

/** Run a program to its end, and return its output. */
export function run(command: string, args: readonly string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 })
}

/** The first lines of what a failed command said. */
export function wordsOf(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string }
  return (stderr?.trim() || message).split('\n').slice(0, 3).join('; ')
}

/** The Debian mirror that the machine itself uses. */
export function mirror(): string {
  const named = process.env[mirrorVariable]
  if (named) return named
  const format = ['indextargets', '--format', '$(ORIGIN)|$(LABEL)|$(SITE)', 'Created-By: Packages']
  const found = run('apt-get', format).match(/^Debian\|Debian\|(.+)$/m)?.[1]
  if (found === undefined)
    throw new NoKernel(`the sources of this machine name no Debian mirror to fetch kernels from; name one in ${mirrorVariable}`)
  return found
}

export interface AptRoot {
  readonly architecture: Architecture
  readonly suites: readonly string[]
  /** With the lists of source packages, too. */
  readonly hasSources?: boolean
}

/** An apt root of one architecture, its lists fetched; gives the path of its configuration. */
export function aptRoot({ architecture, suites, hasSources = false }: AptRoot): string {
  const kinds = hasSources ? ['deb', 'deb-src'] : ['deb']
  const directory = join(store, `apt-${architecture}-${suites.join('-')}${hasSources ? '-sources' : ''}`)
  const config = join(directory, 'apt.conf')
  for (const name of ['lists/partial', 'cache/archives/partial', 'state']) mkdirSync(join(directory, name), { recursive: true })
  writeFileSync(join(directory, 'state/status'), '')
  const sources = suites.flatMap((suite) => kinds.map((kind) => `${kind} [signed-by=${keyring}] ${mirror()} ${suite} main\n`))
  writeFileSync(join(directory, 'sources.list'), sources.join(''))
  const settings = {
    'Dir::Etc::sourcelist': join(directory, 'sources.list'),
    'Dir::Etc::sourceparts': '-',
    'Dir::State': join(directory, 'state'),
    'Dir::State::lists': join(directory, 'lists'),
    'Dir::State::status': join(directory, 'state/status'),
    'Dir::Cache': join(directory, 'cache'),
    'APT::Architecture': architecture,
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`)
  writeFileSync(config, [...lines, `APT::Architectures { "${architecture}"; };`, ''].join('\n'))
  run('apt-get', ['-q', '-c', config, '-o', 'APT::Update::Error-Mode=any', 'update'])
  return config
}
