/**
 * The Debian package: the published JavaScript with Node, in /usr/lib/vpc/program, and what a system needs around it.
 * All that starts a program goes through the link /usr/lib/vpc/now. While dpkg replaces files, the maintainer scripts
 * have it lead to a copy of the version before, so no command sees some of both.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { currentVersion } from '#object/store/versions.ts'
import { vpcProgram } from '#system/background.ts'
import { copyDependencies, readLock, runtimePlaces } from './dependencies.ts'
import { writeJavaScript } from './javascript.ts'
import { copyNative, type Architecture } from './native.ts'
import { hookFiles, systemFiles } from './system-files.ts'

const root = join(import.meta.dirname, '../..')
const packaging = join(root, 'packaging')

/** The version that runs, on a server. */
const now = '/usr/lib/vpc/now'

export interface DebOptions {
  readonly architecture: Architecture
  /** Debian's version, such as 0.1.0-1. */
  readonly version: string
  /** Where the package and its tree go. */
  readonly out: string
  /** Seconds since 1970 that every file has as its time. */
  readonly epoch: number
  /** How hard xz tries, from 0 to 9. */
  readonly level?: number
}

/** Build the package. Gives the path of the .deb. */
export async function buildDeb({ architecture, version, out, epoch, level = 6 }: DebOptions): Promise<string> {
  const tree = join(out, `tree-${architecture}`)
  rmSync(tree, { recursive: true, force: true })
  const library = join(tree, 'usr/lib/vpc/program')
  // A server needs no types.
  await writeJavaScript(library, { declarations: false })
  for (const name of ['vpc.mjs', 'vpc-cni.mjs', 'vpc-oci-hook.mjs', 'vpc-netavark.mjs']) startByNode(join(library, 'bin', name))
  copyDependencies(library)
  copyNative(library, architecture)
  addPrograms(tree)
  addSystemFiles(tree)
  addDocuments(tree, version, epoch)
  setModes(tree)
  addControl(tree, { architecture, version })
  setTimes(tree, epoch)
  const file = join(out, `vpc_${version}_${architecture}.deb`)
  const env = { ...process.env, SOURCE_DATE_EPOCH: String(epoch) }
  execFileSync('dpkg-deb', ['--root-owner-group', '-Zxz', `-z${level}`, '--threads-max=1', '--build', tree, file], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return file
}

const write = (tree: string, path: string, text: string | Uint8Array): void => {
  mkdirSync(dirname(join(tree, path)), { recursive: true })
  writeFileSync(join(tree, path), text)
}

/** What is below a directory. */
const entriesOf = (directory: string): { readonly path: string; readonly isFile: boolean; readonly isDirectory: boolean }[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => ({
    path: join(entry.parentPath, entry.name),
    isFile: entry.isFile(),
    isDirectory: entry.isDirectory(),
  }))

/** A checkout searches its Node by a shell; a package knows where it is. */
function startByNode(path: string): void {
  const text = readFileSync(path, 'utf8')
  writeFileSync(path, text.replace(/^#![^]*?\n\*\/\n/, `#!${now}/node_modules/.bin/node\n`))
}

/** What starts the programs, and where earlier packages had those that other software starts by their path. */
export function addPrograms(tree: string): void {
  mkdirSync(join(tree, 'usr/bin'), { recursive: true })
  symlinkSync('../lib/vpc/now/bin/vpc.mjs', join(tree, 'usr/bin/vpc'))
  mkdirSync(join(tree, 'usr/lib/cni'), { recursive: true })
  symlinkSync('../vpc/now/bin/vpc-cni.mjs', join(tree, 'usr/lib/cni/vpc-cni'))
  mkdirSync(join(tree, 'usr/lib/netavark'), { recursive: true })
  symlinkSync('../vpc/now/bin/vpc-netavark.mjs', join(tree, 'usr/lib/netavark/vpc'))
  for (const [name, text] of Object.entries(hookFiles(`${now}/bin/vpc-oci-hook.mjs`)))
    write(tree, `usr/share/containers/oci/hooks.d/${name}`, text)
  // A container keeps the path of its hook until it ends, and an administrator's link to a plugin stays.
  mkdirSync(join(tree, 'usr/lib/vpc/bin'), { recursive: true })
  for (const name of ['vpc-cni.mjs', 'vpc-oci-hook.mjs', 'vpc-netavark.mjs'])
    symlinkSync(`../now/bin/${name}`, join(tree, 'usr/lib/vpc/bin', name))
}

function addSystemFiles(tree: string): void {
  for (const [path, text] of Object.entries(systemFiles)) write(tree, path, text)
  cpSync(join(packaging, 'systemd'), join(tree, 'lib/systemd/system'), { recursive: true })
  // It does nothing where no machine starts with its host, so nobody needs to enable it.
  const wants = join(tree, 'lib/systemd/system/multi-user.target.wants')
  mkdirSync(wants)
  symlinkSync('../vpc-vm.service', join(wants, 'vpc-vm.service'))
  cpSync(join(packaging, 'etc'), join(tree, 'etc/vpc'), { recursive: true })
  // libvirt looks there, also when it is installed later.
  cpSync(join(packaging, 'libvirt/qemu-hook'), join(tree, 'etc/libvirt/hooks/qemu.d/vpc'), { recursive: true })
  cpSync(join(root, 'integrations/ansible'), join(tree, 'usr/share/vpc/ansible'), { recursive: true })
  cpSync(join(packaging, 'lintian-overrides'), join(tree, 'usr/share/lintian/overrides/vpc'), { recursive: true })
}

function addDocuments(tree: string, version: string, epoch: number): void {
  const vpc = (...words: string[]): Buffer => execFileSync(vpcProgram[0], [vpcProgram[1], ...words])
  vpc('doc', 'man', `--man-dir=${join(tree, 'usr/share/man')}`)
  for (const { path } of entriesOf(join(tree, 'usr/share/man')).filter(({ isFile }) => isFile)) {
    writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }))
    rmSync(path)
  }
  write(tree, 'usr/share/bash-completion/completions/vpc', vpc('shell', 'autocomplete', 'bash'))
  write(tree, 'usr/share/zsh/vendor-completions/_vpc', vpc('shell', 'autocomplete', 'zsh'))
  write(tree, 'usr/share/fish/vendor_completions.d/vpc.fish', vpc('shell', 'autocomplete', 'fish'))
  const doc = 'usr/share/doc/vpc'
  for (const name of readdirSync(join(root, 'docs')))
    if (name.endsWith('.md')) write(tree, `${doc}/${name}`, readFileSync(join(root, 'docs', name)))
  write(tree, `${doc}/copyright`, copyright())
  const date = new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')
  const entry = `vpc (${version}) unstable; urgency=medium\n\n  * See the history of the project.\n\n -- ${maintainer}  ${date}\n`
  write(tree, `${doc}/changelog.${version.includes('-') ? 'Debian.' : ''}gz`, gzipSync(entry, { level: 9 }))
}

const maintainer = 'The vpc project <vpc@localhost>'

function copyright(): string {
  const lock = readLock()
  const used = runtimePlaces(lock).map((place) => {
    const { license = 'unknown', version } = JSON.parse(readFileSync(join(root, place, 'package.json'), 'utf8')) as {
      license?: string
      version: string
    }
    return `  ${place.replace(/^.*node_modules\//, '')} ${version}: ${license}`
  })
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: vpc

Files: *
Copyright: the authors of vpc
License: BSD-2-Clause

License: BSD-2-Clause
${readFileSync(join(root, 'LICENSE'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => (line.trim() === '' ? ' .' : ` ${line}`))
  .join('\n')}

Comment: the package contains Node.js (MIT and others) and these packages, whose licenses are beside them
 in /usr/lib/vpc/program/node_modules:
${used.join('\n')}
`
}

/** What a checkout's umask made of modes is not what a package has. */
function setModes(tree: string): void {
  for (const { path, isFile, isDirectory } of entriesOf(tree)) {
    if (isDirectory) chmodSync(path, 0o755)
    else if (isFile) chmodSync(path, isProgram(path.slice(tree.length + 1)) ? 0o755 : 0o644)
  }
}

const isProgram = (path: string): boolean =>
  /^(usr\/lib\/vpc\/program\/(bin\/vpc|node_modules\/\.bin\/|src\/lab\/take-lease$)|etc\/libvirt\/)/.test(path)

function addControl(tree: string, { architecture, version }: Pick<DebOptions, 'architecture' | 'version'>): void {
  const files = filesOf(tree)
  const kib = Math.ceil(files.reduce((sum, path) => sum + lstatSync(join(tree, path)).size, 0) / 1024)
  write(
    tree,
    'DEBIAN/control',
    `Package: vpc
Version: ${version}
Architecture: ${architecture}
Maintainer: ${maintainer}
Installed-Size: ${kib}
Section: net
Priority: optional
Depends: libc6 (>= 2.34), libstdc++6, libatomic1, libbpf1, passwd, systemd (>= 247) | systemd-standalone-sysusers
Recommends: iproute2
Suggests: qemu-system-x86 | qemu-system-arm, prometheus
Description: private cloud networks for virtual machines and containers
 Isolated networks with subnets, addresses by DHCP, routers, NAT and security
 groups, carried between hosts by eBPF programs: the daemon of a host, the agent
 and the API of a cloud, its console, and the command vpc.
`,
  )
  write(
    tree,
    'DEBIAN/conffiles',
    files
      .filter((path) => path.startsWith('etc/'))
      .map((path) => `/${path}\n`)
      .join(''),
  )
  const sums = files.filter((path) => !path.startsWith('etc/') && lstatSync(join(tree, path)).isFile())
  write(
    tree,
    'DEBIAN/md5sums',
    sums
      .map(
        (path) =>
          `${createHash('md5')
            .update(readFileSync(join(tree, path)))
            .digest('hex')}  ${path}\n`,
      )
      .join(''),
  )
  cpSync(join(packaging, 'debian'), join(tree, 'DEBIAN'), { recursive: true })
  const preinst = join(tree, 'DEBIAN/preinst')
  writeFileSync(preinst, readFileSync(preinst, 'utf8').replace('@JOURNAL_VERSION@', String(currentVersion)))
  for (const name of ['preinst', 'postinst', 'prerm', 'postrm']) chmodSync(join(tree, 'DEBIAN', name), 0o755)
}

const filesOf = (tree: string): string[] =>
  entriesOf(tree)
    .filter(({ isDirectory }) => !isDirectory)
    .map(({ path }) => path.slice(tree.length + 1))
    .filter((path) => !path.startsWith('DEBIAN/'))
    .sort()

function setTimes(tree: string, epoch: number): void {
  for (const { path } of entriesOf(tree)) lutimesSync(path, epoch, epoch)
  lutimesSync(tree, epoch, epoch)
}
