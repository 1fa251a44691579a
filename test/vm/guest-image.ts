/**
 * A guest for tests, built from Debian's packages: the cloud kernel and an initramfs of busybox, the virtio modules,
 * iperf3 and a program that sends raw frames. Its shell listens on the serial console; `address=10.0.0.1/24` on the
 * kernel's command line configures its interface. Kept in build/guest until its recipe changes. As a program
 * (`npm run guest`) it says where the image is.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../../', import.meta.url))
const here = fileURLToPath(new URL('.', import.meta.url))

/** In the order in which they must be loaded. */
const modules = [
  'virtio_ring',
  'virtio',
  'virtio_pci_legacy_dev',
  'virtio_pci_modern_dev',
  'virtio_pci',
  'failover',
  'net_failover',
  'virtio_net',
  // Disks, and the power button.
  'virtio_blk',
  'cdrom',
  'isofs',
  'evdev',
  'button',
]

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
mkdir -p /dev/pts; mount -t devpts pts /dev/pts
for m in ${modules.join(' ')}; do insmod /modules/$m.ko; done
ip link set lo up
mkdir -p /etc/acpi/PWRF; printf '#!/bin/sh\\necho power button > /dev/ttyS0; sync; poweroff -f\\n' > /etc/acpi/PWRF/00000080
chmod +x /etc/acpi/PWRF/00000080; acpid -l /dev/null
stty -F /dev/ttyS0 -echo -onlcr 2>/dev/null
for word in $(cat /proc/cmdline); do
  case $word in address=*) ip link set eth0 up; ip addr add \${word#address=} dev eth0 ;; esac
done
echo GUEST-READY > /dev/ttyS0
export PS1= HOME=/ PATH=/bin
while true; do setsid sh -c 'exec sh < /dev/ttyS0 > /dev/ttyS0 2>&1'; done
`

export interface GuestImage {
  readonly kernel: string
  readonly initrd: string
}

function run(command: string, args: readonly string[], cwd?: string): string {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 })
}

/** Download Debian's cloud kernel and unpack it, without installing it: the machine's own boot stays as it is. */
function unpackKernel(into: string): string {
  const meta = `linux-image-cloud-${run('dpkg', ['--print-architecture']).trim()}`
  const found = /Depends: (linux-image-\S+)/.exec(run('apt-cache', ['depends', meta]))
  if (!found) throw new Error(`apt knows no ${meta}; run 'apt-get update' and try again`)
  // apt's own sandbox user cannot write here, which apt says in a warning and then does itself.
  run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', found[1]!], into)
  const tree = join(into, 'kernel')
  run('dpkg-deb', ['-x', globSync(join(into, '*.deb'))[0]!, tree])
  return tree
}

/** Copy a program and the libraries that it is linked with. */
function copyProgram(path: string, tree: string): void {
  const libraries = [...run('ldd', [path]).matchAll(/(?:=> )?(\/\S+) \(/g)].map((match) => match[1]!)
  for (const file of libraries) {
    mkdirSync(join(tree, dirname(file)), { recursive: true })
    copyFileSync(file, join(tree, file))
  }
  copyFileSync(path, join(tree, 'bin', path.split('/').at(-1)!))
}

function buildInitrd(tree: string, kernelTree: string): Buffer {
  for (const directory of ['bin', 'proc', 'sys', 'dev', 'modules', 'tmp', 'etc']) mkdirSync(join(tree, directory), { recursive: true })
  copyFileSync(run('sh', ['-c', 'command -v busybox']).trim(), join(tree, 'bin/busybox'))
  symlinkSync('busybox', join(tree, 'bin/sh'))
  for (const module of modules) {
    const [file] = globSync(join(kernelTree, `**/${module}.ko`))
    if (file === undefined) throw new Error(`Debian's cloud kernel has no module ${module}`)
    copyFileSync(file, join(tree, `modules/${module}.ko`))
  }
  copyProgram('/usr/bin/iperf3', tree)
  run('clang', ['-O1', '-static', '-o', join(tree, 'bin/send-frame'), join(here, 'send-frame.c')])
  writeFileSync(join(tree, 'init'), init)
  chmodSync(join(tree, 'init'), 0o755)
  const cpio = execFileSync('sh', ['-c', 'find . | busybox cpio -o -H newc 2>/dev/null'], { cwd: tree, maxBuffer: 1 << 28 })
  return gzipSync(cpio, { level: 1 })
}

/** The image, built when it is not there yet or its recipe has changed. Throws with the failing command's words. */
export function guestImage(): GuestImage {
  const recipe = createHash('sha256')
    .update(readFileSync(fileURLToPath(import.meta.url)))
    .update(readFileSync(join(here, 'send-frame.c')))
  const directory = join(root, 'build/guest', recipe.digest('hex').slice(0, 12))
  const image = { kernel: join(directory, 'vmlinuz'), initrd: join(directory, 'initrd.gz') }
  if (existsSync(image.initrd)) return image
  rmSync(dirname(directory), { recursive: true, force: true })
  mkdirSync(dirname(directory), { recursive: true })
  const work = mkdtempSync(`${directory}.`)
  const kernelTree = unpackKernel(work)
  copyFileSync(globSync(join(kernelTree, 'boot/vmlinuz-*'))[0]!, join(work, 'vmlinuz'))
  writeFileSync(join(work, 'initrd.gz'), buildInitrd(join(work, 'tree'), kernelTree))
  for (const left of ['tree', 'kernel', ...globSync('*.deb', { cwd: work })]) rmSync(join(work, left), { recursive: true })
  renameSync(work, directory)
  return image
}

if (import.meta.main) {
  for (const [name, path] of Object.entries({ vmlinuz: guestImage().kernel, 'initrd.gz': guestImage().initrd })) {
    const link = join(root, 'build/guest', name)
    rmSync(link, { force: true })
    symlinkSync(relative(dirname(link), path), link)
    console.log(relative(root, link))
  }
}

// Download before the tests run without a network.
if (import.meta.main) guestImage()
