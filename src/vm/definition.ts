/** The definition of a virtual machine: chosen when it is created, kept as JSON, read at every start. */
import type { Id } from '#abi/id.ts'

/** Ways to run a guest. `auto`: KVM where a probe says that it works, else emulation. */
export const accelerations = ['auto', 'kvm', 'tcg'] as const
export type Acceleration = (typeof accelerations)[number]

export const diskFormats = ['raw', 'qcow2'] as const
export type DiskFormat = (typeof diskFormats)[number]

/** Where cloud-init looks: on a disk that comes with the machine, or at the metadata service of its subnet. */
export const seeds = ['disk', 'metadata'] as const
export type Seed = (typeof seeds)[number]

/** cloud-init's NoCloud data, each a whole file's text; null where there is none. */
export interface CloudInit {
  readonly userData: string | null
  readonly metaData: string
  readonly networkConfig: string | null
}

export interface VmDefinition {
  /** A UUID; virtual machines are not objects of vpcd, so no byte of it says a type. */
  readonly id: string
  /** A name for commands of this host; null: it has none. A machine of a cloud has the name of the cloud's vm. */
  readonly name: string | null
  readonly memoryMib: number
  readonly cpus: number
  /** Absolute paths. Without a kernel the disk is booted from. */
  readonly kernel: string | null
  readonly initrd: string | null
  readonly append: string | null
  readonly disk: string | null
  /** The image that the disk is a copy of, for this machine alone; null: it is not a copy, and outlives the machine. */
  readonly image: string | null
  readonly diskFormat: DiskFormat | null
  /** The copy of an image is grown to so many bytes; null: it is as large as the image. */
  readonly diskBytes: number | null
  readonly seed: Seed
  readonly cloudInit: CloudInit | null
  readonly vmnics: readonly Id[]
  /** User of QEMU; null: a user of the machine's own (src/vm/machine-user.ts). */
  readonly user: string | null
  readonly acceleration: Acceleration
  /** Termination protection: it cannot be destroyed. */
  readonly protected: boolean
  /** It starts with its host (`vpc vm run --autostart`). */
  readonly autostart: boolean
}

export interface DefinitionDifference {
  readonly setting: keyof VmDefinition
  readonly asked: string
  readonly is: string
}

/** The settings in which two definitions differ. Long texts are shown by their length. */
export function compareDefinitions(asked: VmDefinition, is: VmDefinition): DefinitionDifference[] {
  const settings = Object.keys(asked) as (keyof VmDefinition)[]
  return settings
    .filter((setting) => JSON.stringify(asked[setting]) !== JSON.stringify(is[setting]))
    .map((setting) => ({ setting, asked: textOf(asked[setting]), is: textOf(is[setting]) }))
}

function textOf(value: VmDefinition[keyof VmDefinition]): string {
  if (value === null) return 'none'
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ')
  if (typeof value !== 'object') return String(value)
  const { userData, metaData, networkConfig } = value as CloudInit
  const size = (text: string | null): string => (text === null ? 'none' : `${text.length} characters`)
  return `user-data ${size(userData)}, meta-data ${size(metaData)}, network-config ${size(networkConfig)}`
}
