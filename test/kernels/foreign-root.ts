/**
 * The files of a test machine whose processor is not this machine's: a tree of Debian's packages, and for node_modules
 * Node and koffi for that processor, from npm's packages with the checksums of package-lock.json. Nothing of it runs
 * here, so no package's script does either. Kept below build/kernels until its recipe changes.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { aptRoot, hostArchitecture, NoKernel, run, store, wordsOf, type Architecture } from './apt-root.ts'

const checkout = join(import.meta.dirname, '../..')
const lock = readFileSync(join(checkout, 'package-lock.json'), 'utf8')
/** Changes with what the files are made from. */
const recipe = createHash('sha256')
  .update(readFileSync(import.meta.filename))
  .update(lock)
  .digest('hex')
  .slice(0, 12)
const suites = ['bookworm']

/** What vpcd, `vpc lab` and the exchange run; their libraries come by themselves. */
const packages = `
  bash busybox-static coreutils dash grep hostname sed util-linux mount kmod
  ethtool iproute2 iputils-ping tcpdump python3-minimal libatomic1 libbpf1 libstdc++6`
/** Node's name of an architecture. */
const nodeNames: Readonly<Record<Architecture, string>> = { amd64: 'x64', arm64: 'arm64' }

/** The other architecture: the one that the long form emulates. */
export const foreignArchitecture: Architecture = hostArchitecture === 'arm64' ? 'amd64' : 'arm64'

export interface ForeignRoot {
  /** Takes the place of `/`. */
  readonly files: string
  /** Lies above the checkout's node_modules, for what in there is made for one processor. */
  readonly nodeModules: string
}

/** Debian's packages and what they depend on, unpacked. An apt root without a status takes each as missing. */
function unpackPackages(architecture: Architecture, into: string): void {
  const config = aptRoot({ architecture, suites })
  const archives = mkdtempSync(join(store, 'archives.'))
  try {
    mkdirSync(join(archives, 'partial'))
    const options = ['-q', '-y', '-c', config, '-o', `Dir::Cache::archives=${archives}`, '--no-install-recommends']
    run('apt-get', [...options, '--download-only', 'install', ...packages.trim().split(/\s+/)])
    for (const archive of globSync('*.deb', { cwd: archives })) run('dpkg-deb', ['-x', join(archives, archive), into])
  } finally {
    rmSync(archives, { recursive: true })
  }
}

/** What Debian's packages make when they are configured, as far as a test machine needs it. */
function makeTree(into: string): void {
  for (const name of ['dev', 'proc', 'sys', 'run', 'tmp', 'root', 'etc', 'var/tmp']) mkdirSync(join(into, name), { recursive: true })
  writeFileSync(join(into, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\ntcpdump:x:100:65534::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n')
  writeFileSync(join(into, 'etc/group'), 'root:x:0:\nnogroup:x:65534:\n')
}

interface Lock {
  readonly packages: Readonly<Record<string, { readonly version: string; readonly integrity: string }>>
}

/** A package of package-lock.json for another processor, which npm itself does not install. */
function unpackFromNpm(name: string, into: string): void {
  const { packages: locked } = JSON.parse(lock) as Lock
  const entry = locked[`node_modules/${name}`]
  if (entry === undefined) throw new NoKernel(`package-lock.json has no ${name}, which the other architecture needs`)
  const work = mkdtempSync(join(store, 'npm.'))
  try {
    run('npm', ['pack', '--silent', '--pack-destination', work, `${name}@${entry.version}`])
    const [archive] = globSync(join(work, '*.tgz'))
    const sum = `sha512-${createHash('sha512').update(readFileSync(archive!)).digest('base64')}`
    if (sum !== entry.integrity) throw new NoKernel(`${name} ${entry.version} from npm has another checksum than package-lock.json`)
    mkdirSync(join(into, name), { recursive: true })
    const unneeded = ['include', 'share', 'lib'].map((folder) => `--exclude=package/${folder}`)
    run('tar', ['-xzf', archive!, '--strip-components=1', '-C', join(into, name), ...unneeded])
  } finally {
    rmSync(work, { recursive: true })
  }
}

function build(architecture: Architecture, into: string): void {
  const node = `node-linux-${nodeNames[architecture]}`
  makeTree(join(into, 'files'))
  unpackPackages(architecture, join(into, 'files'))
  for (const name of [node, `@koromix/koffi-linux-${nodeNames[architecture]}`]) unpackFromNpm(name, join(into, 'node_modules'))
  mkdirSync(join(into, 'node_modules/.bin'))
  symlinkSync(`../${node}/bin/node`, join(into, 'node_modules/.bin/node'))
}

/** The files for an architecture; none for this machine's own. Throws NoKernel when they can't be fetched. */
export function foreignRoot(architecture: Architecture): ForeignRoot | undefined {
  if (architecture === hostArchitecture) return undefined
  const directory = join(store, `root-${architecture}-${recipe}`)
  if (!existsSync(directory)) {
    console.error(`kernels: fetching the files of a machine of ${architecture}`)
    mkdirSync(store, { recursive: true })
    const work = mkdtempSync(`${directory}.`)
    try {
      build(architecture, work)
      renameSync(work, directory)
    } catch (error) {
      rmSync(work, { recursive: true })
      if (error instanceof NoKernel) throw error
      throw new NoKernel(`the files of a machine of ${architecture} could not be fetched: ${wordsOf(error)}`, { cause: error })
    }
  }
  return { files: join(directory, 'files'), nodeModules: join(directory, 'node_modules') }
}
