/** The parts of a package that are for one processor: Node and koffi's library, as package-lock.json names them. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readLock } from './dependencies.ts'

const root = join(import.meta.dirname, '../..')

/** Debian's names of processors, and npm's. */
export const architectures = { amd64: 'x64', arm64: 'arm64' } as const
export type Architecture = keyof typeof architectures

/** The architecture of this machine. Throws for another than those that vpcd runs on. */
export function architectureHere(): Architecture {
  const found = Object.entries(architectures).find(([, npm]) => npm === process.arch)
  if (found === undefined)
    throw new Error(`there is no package for ${process.arch}; they are for ${Object.keys(architectures).join(' and ')}`)
  return found[0] as Architecture
}

/** Copy both below a directory; Node stands where bin/vpc.mjs looks, without its symbols. */
export function copyNative(directory: string, architecture: Architecture): void {
  const [program, koffi] = nativePackages(architecture)
  const node = join(directory, 'node_modules/.bin/node')
  mkdirSync(dirname(node), { recursive: true })
  withPackage(program, (from) => cpSync(join(from, 'bin/node'), node))
  strip(node)
  chmodSync(node, 0o755)
  // Debian's C library is not musl.
  const isWanted = (path: string): boolean => !path.includes('/musl_')
  withPackage(koffi, (from) => cpSync(from, join(directory, 'node_modules', koffi), { recursive: true, filter: isWanted }))
}

/** LLVM's works for every processor. */
function strip(path: string): void {
  const tool = ['/usr/bin/llvm-strip', '/usr/bin/llvm-strip-14'].find(existsSync)
  if (tool === undefined) throw new Error('there is no llvm-strip; install the package llvm')
  execFileSync(tool, ['--strip-unneeded', path])
}

/** Packages of npm for other processors, which npm does not install here. */
const store = join(root, 'build/package/npm')

/** Fetch what a package for this architecture needs, so that it can be built without a network. */
export function fetchNative(architecture: Architecture): void {
  for (const name of nativePackages(architecture)) withPackage(name, () => {})
}

const nativePackages = (architecture: Architecture): [node: string, koffi: string] => [
  `node-linux-${architectures[architecture]}`,
  `@koromix/koffi-linux-${architectures[architecture]}`,
]

/** The installed package, or, for another processor, what the registry has, with the digest of the lock file. */
function withPackage(name: string, use: (directory: string) => void): void {
  const installed = join(root, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return use(installed)
  const scratch = mkdtempSync(join(tmpdir(), 'vpc-package-'))
  try {
    execFileSync('tar', ['-xf', archiveOf(name), '-C', scratch])
    use(join(scratch, 'package'))
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

/** The archive of the locked version, fetched once. Throws when it is another than the lock file says. */
function archiveOf(name: string): string {
  const locked = readLock()[`node_modules/${name}`]
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`)
  const file = join(store, `${name.replaceAll(/[@/]/g, '-').replace(/^-/, '')}-${locked.version}.tgz`)
  mkdirSync(store, { recursive: true })
  if (!existsSync(file)) execFileSync('npm', ['pack', '--silent', '--pack-destination', store, `${name}@${locked.version}`])
  const digest = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`
  if (digest === locked.integrity) return file
  rmSync(file)
  throw new Error(`${name} of the registry has digest ${digest}, not ${locked.integrity} as in package-lock.json`)
}
