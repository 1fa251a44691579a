/** `vpc vm create`. */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { accelerations, compareDefinitions, diskFormats, type VmDefinition } from '#vm/definition.ts'
import { cloudInitOf } from '#vm/cloud-init.ts'
import { checkDisk, formatOfName } from '#vm/disk-image.ts'
import { createVm } from '#vm/life.ts'
import { command } from '../../command.ts'
import { Failure, usageFailure } from '../../failure.ts'
import { idOf } from '../../kinds.ts'
import { choice, flag, integer, text, type OptionValues } from '../../option.ts'
import { alreadySo, done } from '../../outcome.ts'
import { tellingVmErrors } from '../../vm-failure.ts'
import { directoryOf, freshVmId, vmDir } from '../../vm-options.ts'
import { viewVm } from '../../vm-view.ts'

const options = {
  vmId: freshVmId,
  memory: integer('memory in MiB', 'MIB', 16, 1 << 22)
    .short('m')
    .default(512),
  cpus: integer('processors', 'N', 1, 255).short('c').default(1),
  kernel: text('kernel to boot, instead of the one on the disk', 'FILE', 'file'),
  initrd: text('initial RAM disk for the kernel', 'FILE', 'file'),
  append: text("the kernel's command line", 'TEXT'),
  disk: text('disk image; the guest writes to it', 'FILE', 'file').short('d'),
  diskFormat: choice('format of the image', diskFormats).defaultsTo("by the name's ending"),
  vmnicId: idOf('vmnic', 'vmnic that the guest gets; repeat it for more').short('N').repeated,
  userData: text("cloud-init's user-data", 'FILE', 'file'),
  metaData: text("cloud-init's meta-data, instead of --hostname and --ssh-key", 'FILE', 'file'),
  networkConfig: text("cloud-init's network-config", 'FILE', 'file'),
  hostname: text('name that cloud-init gives the guest', 'NAME'),
  sshKey: text('file with a public key that may log in, by cloud-init; repeat it for more', 'FILE', 'file').repeated,
  user: text('unprivileged user that QEMU runs as', 'NAME').short('u').defaultsTo('a number of its own, which no other machine has'),
  accel: choice('KVM, emulation, or KVM where it works', accelerations).default('auto'),
  protect: flag('refuse to destroy it until vpc vm set --unprotect'),
  vmDir,
}

export default command({
  path: 'vm create',
  summary: 'create a virtual machine',
  description: `Starts nothing: vpc vm run does that. The machine gets its vmnics, which must exist by then, as virtio
    network devices. Give it a kernel, a disk image to boot from, or both.

    The cloud-init options make a NoCloud disk with label cidata, from which the guest's cloud-init takes its first
    configuration. If the machine exists with the same settings, nothing changes.`,
  options,
  examples: [
    {
      line: 'vpc vm create --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a01 --disk=debian.qcow2 --memory=1024 --vmnic-id=07f95a11-6788-2ae7-c306-ba95cff1db38 --hostname=web1 --ssh-key=id.pub',
      does: 'a machine from a cloud image',
    },
    {
      line: 'vpc vm create --vm-id=5ba4dbe7-e0b2-4e7c-8bd7-5d2f0d2a6a02 --kernel=vmlinuz --initrd=initrd.gz --append=console=ttyS0',
      does: 'a machine from a kernel',
    },
  ],
  async run(given, { output }) {
    const directory = directoryOf(given)
    const definition = await tellingVmErrors(() => definitionOf(given))
    if (directory.exists()) {
      const differences = compareDefinitions(definition, directory.definition())
      const wayOut = `destroy it first with vpc vm destroy --vm-id=${definition.id}`
      if (differences.length > 0)
        throw new Failure('conflict', `machine ${definition.id} exists with other settings; ${wayOut}`, { code: 'EEXIST', differences })
      return alreadySo(output, `machine ${definition.id} exists`, { vm: await viewVm(directory) })
    }
    await tellingVmErrors(() => createVm(directory, definition))
    done(output, `created machine ${definition.id}; start it with vpc vm run --vm-id=${definition.id}`, { vm: await viewVm(directory) })
  },
})

type Given = OptionValues<typeof options>

function definitionOf(given: Given): VmDefinition {
  const { vmId: id, memory, cpus, kernel, initrd, append, disk, vmnicId, user, accel, protect } = given
  if (kernel === undefined && disk === undefined) throw usageFailure('vm create needs --kernel or --disk, to have something to boot')
  if (kernel === undefined && (initrd ?? append) !== undefined) throw usageFailure('--initrd and --append are of use with --kernel alone')
  if (new Set(vmnicId).size < vmnicId.length) throw usageFailure('a vmnic can be given once')
  return {
    id,
    memoryMib: memory,
    cpus,
    kernel: fileOf('kernel', kernel),
    initrd: fileOf('initrd', initrd),
    append: append ?? null,
    disk: fileOf('disk', disk),
    diskFormat: disk === undefined ? null : diskFormatOf(disk, given.diskFormat),
    cloudInit: cloudInitOf({
      id,
      userData: contentOf('user-data', given.userData),
      metaData: contentOf('meta-data', given.metaData),
      networkConfig: contentOf('network-config', given.networkConfig),
      hostname: given.hostname,
      sshKeys: given.sshKey.flatMap((path) =>
        contentOf('ssh-key', path)!
          .split('\n')
          .filter((line) => /^(ssh|ecdsa|sk)-/.test(line)),
      ),
    }),
    vmnics: vmnicId,
    user: user ?? null,
    acceleration: accel,
    protected: protect,
  }
}

function diskFormatOf(path: string, asked: (typeof diskFormats)[number] | undefined): (typeof diskFormats)[number] {
  const format = asked ?? formatOfName(path)
  if (format === undefined) throw usageFailure(`what ${path} is cannot be told by its name; say it with --disk-format`)
  checkDisk(path, format)
  return format
}

function fileOf(option: string, path: string | undefined): string | null {
  if (path === undefined) return null
  if (!existsSync(path)) throw usageFailure(`--${option}: there is no file ${path}`)
  return resolve(path)
}

const contentOf = (option: string, path: string | undefined): string | undefined =>
  path === undefined ? undefined : readFileSync(fileOf(option, path)!, 'utf8')
