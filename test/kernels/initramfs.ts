/**
 * The first root of a test machine: busybox and the modules by which it mounts the machine's own file system (virtiofs,
 * read-only) and a tmpfs above it. The second root is this very machine's, with the checkout where it is. For another
 * processor it is that of foreign-root.ts. test/kernels/guest-init goes on there.
 */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync, zstdDecompressSync } from 'node:zlib'
import { fileURLToPath } from 'node:url'
import { store } from './apt-root.ts'
import { foreignRoot } from './foreign-root.ts'
import type { Kernel } from './packages.ts'

const recipe = fileURLToPath(import.meta.url)
const checkout = join(import.meta.dirname, '../..')

/** What must be loaded before the second root is there; those that are built in are left out. */
const wanted = ['virtio_pci', 'virtiofs', 'overlay']

/** What the kernel's command line says to the first root: the kernel hands words with `=` to init as variables. */
export function initWords(kernel: Kernel): string {
  const root = foreignRoot(kernel.architecture)
  const words = root ? { files: root.files, above: root.nodeModules, store } : { files: '/' }
  const all = Object.entries({ checkout, ...words })
  return all.map(([name, value]) => `${name}=${value}`).join(' ')
}

/** The first program. `$above` is there for another processor: what is made for it lies above node_modules. */
const init = (modules: readonly string[]): string => `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
${modules.map((module) => `insmod /modules/${module}`).join('\n')}
overlay() {
	mkdir -p $2 /upper/$1 /upper/$1.work
	mount -t overlay -o lowerdir=$3,upperdir=/upper/$1,workdir=/upper/$1.work overlay $2 || poweroff -f
}
mkdir /lower /upper
mount -t virtiofs -o ro root /lower || poweroff -f
mount -t tmpfs -o size=75% upper /upper
overlay files /root /lower$files
if [ -n "$above" ]; then
	overlay checkout /root$checkout /lower$checkout
	overlay modules /root$checkout/node_modules /lower$above:/lower$checkout/node_modules
	# Modules and documents are here, in the checkout or elsewhere.
	mkdir -p /root$store && mount --bind /lower$store /root$store || poweroff -f
fi
umount /proc /sys
exec switch_root /root /bin/sh $checkout/test/kernels/guest-init $checkout
`

/** The files of a module and of all that it needs, in the order in which they must be loaded. */
function closure(dependencies: ReadonlyMap<string, readonly string[]>, name: string): string[] {
  const found = [...dependencies].find(([path]) => basename(path).split('.')[0] === name)
  return found ? [...[...found[1]].reverse(), found[0]] : []
}

/** modules.dep: a module's file, and the files that it needs, the nearest first. */
function readDependencies(modules: string): Map<string, string[]> {
  const lines = readFileSync(join(modules, 'modules.dep'), 'utf8').trim().split('\n')
  return new Map(
    lines.map((line) => line.split(': ', 2)).map(([path, needs = '']) => [path!.replace(/:$/, ''), needs.split(' ').filter(Boolean)]),
  )
}

function unpackModule(path: string): Buffer {
  if (path.endsWith('.xz')) return execFileSync('xz', ['-dc', path], { maxBuffer: 1 << 26 })
  const bytes = readFileSync(path)
  return path.endsWith('.zst') ? zstdDecompressSync(bytes) : bytes
}

function build(kernel: Kernel, tree: string): Buffer {
  const busybox = join(foreignRoot(kernel.architecture)?.files ?? '/usr', 'bin/busybox')
  const dependencies = readDependencies(kernel.modules)
  const files = [...new Set(wanted.flatMap((name) => closure(dependencies, name)))]
  for (const directory of ['bin', 'proc', 'sys', 'dev', 'root', 'modules']) mkdirSync(join(tree, directory), { recursive: true })
  copyFileSync(busybox, join(tree, 'bin/busybox'))
  chmodSync(join(tree, 'bin/busybox'), 0o755)
  symlinkSync('busybox', join(tree, 'bin/sh'))
  for (const file of files) writeFileSync(join(tree, 'modules', plainName(file)), unpackModule(join(kernel.modules, file)))
  writeFileSync(join(tree, 'init'), init(files.map(plainName)))
  chmodSync(join(tree, 'init'), 0o755)
  return gzipSync(execFileSync('sh', ['-c', 'find . | busybox cpio -o -H newc 2>/dev/null'], { cwd: tree, maxBuffer: 1 << 28 }), {
    level: 1,
  })
}

const mtime = (path: string): number => statSync(path).mtimeMs
const plainName = (file: string): string => basename(file).replace(/\.(xz|zst)$/, '')

/** The initramfs of a kernel, kept beside it until its recipe changes. */
export function initramfsFor(kernel: Kernel): string {
  const path = `${kernel.image}.initrd`
  if (existsSync(path) && mtime(path) > Math.max(mtime(recipe), mtime(kernel.image))) return path
  const tree = mkdtempSync(`${path}.`)
  try {
    writeFileSync(`${tree}.gz`, build(kernel, tree))
    renameSync(`${tree}.gz`, path)
  } finally {
    rmSync(tree, { recursive: true })
  }
  return path
}
