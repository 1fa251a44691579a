/** The options of `vpc vm`: which machine, where machines are kept, and how long to wait. */
import { randomUUID } from 'node:crypto'
import { failure, success, type Result } from '#wire/result.ts'
import { resolveVmDirectory, VmDirectory } from '#vm/vm-directory.ts'
import { Failure } from './failure.ts'
import { integer, text, valueOption } from './option.ts'

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

function parseUuid(value: string): Result<string> {
  const id = value.toLowerCase()
  return uuid.test(id) ? success(id) : failure(`'${value}' is not a UUID, such as ${randomUUID()}`)
}

/** Machines are no objects of vpcd: any UUID is valid. */
export const vmId = valueOption('the virtual machine', { placeholder: 'ID', parse: parseUuid }).short('i').required

/** For `vm create`: the error for a missing id proposes a fresh one. */
export const freshVmId = vmId.help('id to give it, any UUID').orElse(() => `choose an id, for example ${randomUUID()}`)

export const vmDir = text('directory that holds the virtual machines', 'DIR', 'directory').defaultsTo('VPC_VM_DIR, else /var/lib/vpc/vm')

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

/** The directory of the command's machine. */
export const directoryOf = (options: { readonly vmDir: string | undefined; readonly vmId: string }): VmDirectory =>
  new VmDirectory(baseOf(options.vmDir), options.vmId)
