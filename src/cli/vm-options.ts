/** The options of `vpc vm`: which machine, where machines are kept, and how long to wait. */
import { randomUUID } from 'node:crypto'
import { failure, success, type Result } from '#wire/result.ts'
import { ImageStore, resolveImageDirectory } from '#vm/image-store.ts'
import { resolveVmDirectory, VmDirectory, vmsOfName, vmsOfPrefix } from '#vm/vm-directory.ts'
import { Failure, usageFailure } from './failure.ts'
import { integer, text, valueOption } from './option.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => uuid.test(text.toLowerCase())

/** The id of a machine. */
export function parseUuid(value: string): Result<string> {
  const id = value.toLowerCase()
  return uuid.test(id) ? success(id) : failure(`'${value}' is not a UUID, such as ${randomUUID()}`)
}

/** Machines are not objects of vpcd: any UUID is valid. */
export const vmId = valueOption('the virtual machine', { placeholder: 'ID', parse: parseUuid }).short('i')

/** A machine of this host may be named, instead of `--vm-id`. */
export const vmName = { name: 'NAME', help: 'its name, its id or eight digits of that, instead of --vm-id', isOptional: true }

/** For a machine without a name. */
export const freshVmId = vmId.help('id to give it, any UUID').defaultsTo('a new one')

export { vmDir } from './vm-dir.ts'

export const imageDir = text('directory that holds the images', 'DIR', 'directory').defaultsTo('VPC_IMAGE_DIR, else /var/lib/vpc/images')

/** The images of this host, for root alone. */
export function imagesOf(directory: string | undefined): ImageStore {
  const path = resolveImageDirectory(directory)
  if (process.geteuid!() === 0) return new ImageStore(path)
  throw new Failure('denied', `images are root's alone, as is ${path}; run this as root`, { code: 'EPERM' })
}

/** An option in seconds. */
export const seconds = (help: string, fallback: number): ReturnType<typeof wholeSeconds> => wholeSeconds(help, fallback)
const wholeSeconds = (help: string, fallback: number) => integer(help, 'SECONDS', 0, 86_400).default(fallback)

/**
 * The directory of all machines. Throws a failure unless the user is root: taps, users and other people's consoles are
 * at stake.
 */
export function baseOf(vmDir: string | undefined): string {
  const path = resolveVmDirectory(vmDir)
  if (process.geteuid!() === 0) return path
  throw new Failure('denied', `virtual machines are root's alone, as is ${path}; run this as root`, { code: 'EPERM' })
}

/** The directory of the command's machine, by its id or its name. */
export function directoryOf(
  { vmDir, vmId: id }: { readonly vmDir: string | undefined; readonly vmId: string | undefined },
  name: string | undefined,
): VmDirectory {
  const base = baseOf(vmDir)
  if ((id === undefined) === (name === undefined)) throw usageFailure('name the virtual machine: its NAME, or --vm-id')
  if (id !== undefined) return new VmDirectory(base, id)
  const found = machineNamed(base, name!)
  if (found !== undefined) return found
  throw new Failure('failed', `there is no virtual machine ${name} below ${base}; \`vpc vm list\` shows which there are`, {
    code: 'ENOENT',
  })
}

/** The machine of a name, of an id, or of how its id begins. Throws a usage failure when that stands for several. */
export function machineNamed(base: string, text: string): VmDirectory | undefined {
  if (uuid.test(text)) return new VmDirectory(base, text)
  const ofName = vmsOfName(base, text)
  const found = ofName.length > 0 ? ofName : vmsOfPrefix(base, text)
  if (found.length < 2) return found[0]
  throw usageFailure(`${text} is ambiguous: it stands for machines ${found.map(({ id }) => id).join(', ')}`)
}

/** The machine whose id begins so, or is that, if no cloud knows it. */
export function machineOfThisHost(base: string, text: string): VmDirectory | undefined {
  const found = /^[\da-f]{8}[\da-f-]*$/i.test(text) ? machineNamed(base, text.toLowerCase()) : undefined
  return found?.exists() === true && found.definition().name === null ? found : undefined
}
