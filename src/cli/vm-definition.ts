/** The options of `vpc vm create`, and the definition of a machine that they make. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { accelerations, compareDefinitions, diskFormats, seeds, type DiskFormat, type Seed, type VmDefinition } from '#vm/definition.ts'
import { cloudInitOf } from '#vm/cloud-init.ts'
import { checkDisk, formatOfName, looksQcow2, virtualBytes } from '#vm/disk-image.ts'
import { isImageName } from '#vm/image-store.ts'
import type { VmDirectory } from '#vm/vm-directory.ts'
import type { Id } from '#abi/id.ts'
import { Failure, usageFailure } from './failure.ts'
import { imageDir, imagesOf } from './vm-options.ts'
import { choice, flag, integer, text, type OptionValues } from './option.ts'

/** What a machine is made of, whether a cloud knows it or not. */
export const machineOptions = {
  memory: integer('memory in MiB', 'MIB', 16, 1 << 22)
    .short('m')
    .default(512),
  cpus: integer('processors', 'N', 1, 255).short('c').default(1),
  kernel: text('kernel to boot, instead of the one on the disk', 'FILE', 'file'),
  initrd: text('initial RAM disk for the kernel', 'FILE', 'file'),
  append: text("the kernel's command line", 'TEXT'),
  disk: text('disk image; the guest writes to it', 'FILE', 'file').short('d'),
  image: text('image to copy, by its name or file: the guest writes to the copy, which goes with the machine', 'IMAGE', 'file'),
  imageDir,
  diskSize: integer('grow the copy of the image to so many GiB; the guest grows its file system', 'GIB', 1, 1 << 20).defaultsTo(
    "the image's size",
  ),
  diskFormat: choice('format of the image', diskFormats).defaultsTo("by the name's ending"),
  seed: choice('where cloud-init looks: on a disk, or at the metadata service of the subnet', seeds).defaultsTo(
    'metadata for an image with a name, else disk',
  ),
  userData: text("cloud-init's user-data", 'FILE', 'file'),
  metaData: text("cloud-init's meta-data, instead of --hostname and --ssh-key", 'FILE', 'file'),
  networkConfig: text("cloud-init's network-config", 'FILE', 'file'),
  hostname: text('name that cloud-init gives the guest', 'NAME'),
  sshKey: text('file with a public key that may log in, by cloud-init; repeat it for more', 'FILE', 'file').repeated,
  user: text('unprivileged user that QEMU runs as', 'NAME').short('u').defaultsTo('a number of its own, which no other machine has'),
  accel: choice('KVM, emulation, or KVM where it works', accelerations).default('auto'),
  protect: flag('refuse to destroy it until vpc vm set --unprotect'),
  autostart: flag('start it whenever this host starts'),
}

export type MachineValues = OptionValues<typeof machineOptions>

/** What the options do not say. */
export interface MachineIdentity {
  readonly id: string
  readonly name: string | null
  readonly vmnics: readonly Id[]
  /** Where its own copy of an image is. */
  readonly ownDisk: string
  /** cloud-init's network-config, unless the options have one. */
  readonly networkConfig?: string
}

/** The definition of a machine. Throws a Failure, and VmError for a disk that is none. */
export function definitionOf(given: MachineValues, identity: MachineIdentity): VmDefinition {
  const { memory, cpus, kernel, initrd, append, disk, image, user, accel, protect, autostart } = given
  if (disk !== undefined && image !== undefined) throw usageFailure('give --disk or --image, not both: the machine has one disk')
  const chosen = image === undefined ? undefined : chooseImage(image, given)
  const bootable = disk ?? chosen
  if (kernel === undefined && bootable === undefined)
    throw usageFailure('vm create needs --kernel, --disk or --image, to have something to boot')
  if (kernel === undefined && (initrd ?? append) !== undefined) throw usageFailure('--initrd and --append are of use with --kernel alone')
  const { id, name, vmnics, ownDisk } = identity
  const format = bootable === undefined ? null : diskFormatOf(bootable, given.diskFormat)
  const seed = seedOf(given, name !== null)
  return {
    id,
    name,
    memoryMib: memory,
    cpus,
    kernel: fileOf('kernel', kernel),
    initrd: fileOf('initrd', initrd),
    append: append ?? null,
    disk: chosen === undefined ? fileOf('disk', disk) : ownDisk,
    image: fileOf('image', chosen),
    diskFormat: format,
    diskBytes: diskBytesOf(given.diskSize, chosen, format),
    seed,
    cloudInit: seed === 'metadata' ? null : cloudInitFor(given, identity, bootable !== undefined),
    vmnics,
    user: user ?? null,
    acceleration: accel,
    protected: protect,
    autostart,
  }
}

/** The file of an image that is named, or is one. */
function chooseImage(word: string, { imageDir: directory }: MachineValues): string {
  if (!isImageName(word)) return word
  const found = imagesOf(directory).find(word)
  if (found !== undefined) return found.path
  throw usageFailure(`there is no image ${word}; \`vpc vm image list\` shows which there are, and ./${word} would be a file`)
}

const gib = 2 ** 30

function diskBytesOf(size: number | undefined, image: string | undefined, format: DiskFormat | null): number | null {
  if (size === undefined) return null
  if (image === undefined) throw usageFailure('--disk-size goes with --image: a disk of your own keeps its size')
  const has = virtualBytes(image, format!)
  if (size * gib >= has) return size * gib
  throw usageFailure(`--disk-size: the image has ${Math.ceil(has / gib)} GiB already, and is made no smaller`)
}

/** Where cloud-init looks. Throws a Failure for options that only a disk can carry. */
export function seedOf(given: MachineValues, isOfCloud: boolean): Seed {
  const { seed, image, metaData, networkConfig, hostname, userData, sshKey } = given
  const onDisk = { 'meta-data': metaData, 'network-config': networkConfig, hostname }
  const ofPort = { 'user-data': userData, 'ssh-key': sshKey[0] }
  const needsDisk = Object.entries(isOfCloud ? onDisk : { ...onDisk, ...ofPort }).find(([, value]) => value !== undefined)
  if (seed !== 'metadata') return seed ?? (image !== undefined && isImageName(image) && needsDisk === undefined ? 'metadata' : 'disk')
  if (needsDisk === undefined) return 'metadata'
  const wayOut = isOfCloud ? 'leave one out' : 'leave one out, or set it at the port: vpc switch port set'
  throw usageFailure(`--${needsDisk[0]} is told by a disk alone, and --seed=metadata wants none; ${wayOut}`)
}

/** The public keys of files. Throws a Failure for a file without one, such as the private key. */
export const sshKeysOf = ({ sshKey }: MachineValues): string[] =>
  sshKey.flatMap((path) => {
    const keys = contentOf('ssh-key', path)!
      .split('\n')
      .filter((line) => /^(ssh|ecdsa|sk)-/.test(line))
    if (keys.length > 0) return keys
    throw usageFailure(`--ssh-key: ${path} has no public key, which begins with ssh- or ecdsa-; a pair of keys has it in NAME.pub`)
  })

/** cloud-init's user data, if there is any. */
export const userDataOf = ({ userData }: MachineValues): string | undefined => contentOf('user-data', userData)

/** A machine of a cloud that boots from a disk is told its name and its addresses, whatever else it is told. */
function cloudInitFor(given: MachineValues, { id, name, networkConfig }: MachineIdentity, hasDisk: boolean): VmDefinition['cloudInit'] {
  const metaData = contentOf('meta-data', given.metaData)
  const isTold = name !== null && metaData === undefined && hasDisk
  const cloudInit = cloudInitOf({
    id,
    userData: userDataOf(given),
    metaData,
    networkConfig: contentOf('network-config', given.networkConfig),
    hostname: given.hostname ?? (isTold ? name : undefined),
    sshKeys: sshKeysOf(given),
  })
  return cloudInit === null || networkConfig === undefined
    ? cloudInit
    : { ...cloudInit, networkConfig: cloudInit.networkConfig ?? networkConfig }
}

/** Of another kind, it becomes one that QEMU gets here. */
const unknownFormat = (path: string): Failure =>
  usageFailure(
    `what ${path} is cannot be told by its name; say it with --disk-format, or make it qcow2: qemu-img convert -O qcow2 ${path} NAME.qcow2`,
  )

function diskFormatOf(path: string, asked: (typeof diskFormats)[number] | undefined): (typeof diskFormats)[number] {
  const format = chosenFormat(path, asked)
  checkDisk(path, format)
  return format
}

/** The format that was asked for, else that of the name, unless the content is of another one. */
export function chosenFormat(path: string, asked: DiskFormat | undefined): DiskFormat {
  const format = asked ?? formatOfName(path)
  if (format === undefined) throw unknownFormat(path)
  if (asked === undefined && format === 'raw' && looksQcow2(path))
    throw usageFailure(
      `${path} has the name of a raw image, and the content of a qcow2, which a guest may have written; say which it is: --disk-format=raw if a guest has had it, qcow2 if it was downloaded`,
    )
  return format
}

function fileOf(option: string, path: string | undefined): string | null {
  if (path === undefined) return null
  if (!existsSync(path)) throw usageFailure(`--${option}: there is no file ${path}`)
  if (statSync(path).isDirectory()) throw usageFailure(`--${option}: ${path} is a directory`)
  return resolve(path)
}

const contentOf = (option: string, path: string | undefined): string | undefined =>
  path === undefined ? undefined : readFileSync(fileOf(option, path)!, 'utf8')

/** Throws a Failure unless a machine that exists is as asked. */
export function checkSame(directory: VmDirectory, definition: VmDefinition): void {
  const is = directory.definition()
  // What vpc vm set has said since then stays.
  const differences = compareDefinitions({ ...definition, autostart: definition.autostart || is.autostart }, is)
  if (differences.length === 0) return
  const who = definition.name ?? definition.id
  const wayOut = `destroy it first with vpc vm destroy ${definition.name ?? `--vm-id=${definition.id}`}`
  throw new Failure('conflict', `machine ${who} exists with other settings; ${wayOut}`, { code: 'EEXIST', differences })
}
