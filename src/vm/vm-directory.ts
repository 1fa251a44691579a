/**
 * The directories of virtual machines: one for each, for root alone. Instances of vpc on one computer have different
 * base directories.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { syncDirectory } from '#system/whole-file.ts'
import { makeDirectory } from '#launch/directory.ts'
import { lockFileSoon } from '#launch/lock.ts'
import type { VmDefinition } from './definition.ts'
import { VmError } from './vm-error.ts'
import type { VmState } from './vm-state.ts'

export const defaultVmDirectory = '/var/lib/vpc/vm'

/** What a definition of an earlier version leaves out. */
const absent = { name: null, image: null, diskBytes: null, seed: 'disk', autostart: false } as const

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The base directory: the given one, else VPC_VM_DIR, else the default. */
export const resolveVmDirectory = (asked: string | undefined): string => resolve(asked ?? process.env['VPC_VM_DIR'] ?? defaultVmDirectory)

/** One virtual machine's directory and its files. */
export class VmDirectory {
  readonly id: string
  readonly path: string

  constructor(base: string, id: string) {
    this.id = id
    this.path = join(base, id)
  }

  /** The machine's definition. */
  get definitionFile(): string {
    return join(this.path, 'vm.json')
  }
  /** The state of the last or present run. */
  get stateFile(): string {
    return join(this.path, 'state.json')
  }
  /** The plan for a supervisor to start. */
  get planFile(): string {
    return join(this.path, 'plan.json')
  }
  /** Held by the supervisor. */
  get lockFile(): string {
    return join(this.path, 'lock')
  }
  /** The supervisor's own socket: one request a connection. */
  get controlSocket(): string {
    return join(this.path, 'control.sock')
  }
  /** The supervisor's socket for people who watch or type: the console's bytes. */
  get consoleSocket(): string {
    return join(this.path, 'console.sock')
  }
  /** QEMU's sockets; only the supervisor connects to them. */
  get qmpSocket(): string {
    return join(this.path, 'qmp.sock')
  }
  get serialSocket(): string {
    return join(this.path, 'serial.sock')
  }
  get consoleLog(): string {
    return join(this.path, 'console.log')
  }
  get qemuLog(): string {
    return join(this.path, 'qemu.log')
  }
  get supervisorLog(): string {
    return join(this.path, 'supervisor.log')
  }
  /** A file that QEMU gets: a copy of the kernel or initrd, or the cloud-init data. */
  bootFile(name: 'kernel' | 'initrd' | 'seed.iso'): string {
    return join(this.path, name)
  }
  /** The pipe through which a guest goes to another host, or comes from there. */
  get transferPipe(): string {
    return join(this.path, 'transfer.pipe')
  }
  /** The way of the disk's content to another host, or from there. */
  get diskSocket(): string {
    return join(this.path, 'disk.sock')
  }
  /** The machine's own copy of an image. */
  get ownDisk(): string {
    return join(this.path, 'disk')
  }

  /** Held while a command changes the definition. */
  get changeLock(): string {
    return join(this.path, 'change.lock')
  }

  /** The definition. Throws VmError ENOENT when there is no such machine, and `failed` when its file cannot be read. */
  definition(): VmDefinition {
    const definition = readJson<VmDefinition>(this.definitionFile)
    // Machines of earlier versions lack what came later.
    if (definition?.id === this.id) return { ...absent, ...definition }
    if (definition !== undefined)
      throw new VmError('failed', `${this.definitionFile} is not the definition of this machine; ${wayOut(this.path)}`)
    throw new VmError(
      'ENOENT',
      `there is no virtual machine ${this.id} below ${resolve(this.path, '..')}; \`vpc vm list\` shows which there are`,
    )
  }

  exists(): boolean {
    return existsSync(this.definitionFile)
  }

  /** Make the directory with a definition in it. The machine exists from the moment when the file has its name. */
  writeDefinition(definition: VmDefinition): void {
    makeDirectory(this.path)
    writeJson(this.definitionFile, definition)
  }

  /**
   * Change the definition. No other command can change it between reading and writing. Throws VmError ENOENT when there
   * is no such machine, and LaunchError EBUSY when another command holds the lock too long.
   */
  changeDefinition(change: (now: VmDefinition) => VmDefinition): void {
    this.definition()
    using _lock = lockFileSoon(this.changeLock, `machine ${this.id} is being changed by another command`)
    writeJson(this.definitionFile, change(this.definition()))
  }

  /** The state that a supervisor wrote last; undefined when the machine has never run. */
  state(): VmState | undefined {
    return readJson<VmState>(this.stateFile)
  }

  writeState(state: VmState): void {
    writeJson(this.stateFile, state)
  }

  /** Delete the machine. The definition goes first: without it the machine does not exist for other commands. */
  remove(): void {
    rmSync(this.definitionFile, { force: true })
    rmSync(this.path, { recursive: true, force: true })
  }
}

/** All virtual machines below a directory, by id. */
export function allVms(base: string): VmDirectory[] {
  const names = existsSync(base) ? readdirSync(base).filter((name) => uuid.test(name)) : []
  return names
    .toSorted()
    .map((id) => new VmDirectory(base, id))
    .filter((directory) => directory.exists())
}

/** The machines of a name: one at most of each account of a cloud. */
export const vmsOfName = (base: string, name: string): VmDirectory[] => allVms(base).filter((directory) => nameOf(directory) === name)

/**
 * The machines whose ids begin so, by eight digits or more: a name such as `cafe` of a machine that has moved away must
 * not stand for one that stayed.
 */
export const vmsOfPrefix = (base: string, text: string): VmDirectory[] =>
  /^[\da-f]{8}[\da-f-]*$/i.test(text) ? allVms(base).filter(({ id }) => id.startsWith(text.toLowerCase())) : []

/** A machine whose file cannot be read has no name. */
function nameOf(directory: VmDirectory): string | null {
  try {
    return directory.definition().name
  } catch (error) {
    if (error instanceof VmError) return null
    throw error
  }
}

/**
 * Read a file of JSON; undefined when it is not there. Throws VmError `failed`, with the way out, when it is not JSON.
 */
export function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (error instanceof SyntaxError)
      throw new VmError('failed', `${path} is not JSON (${error.message}); ${wayOut(dirname(path))}`, { cause: error })
    throw error
  }
}

const wayOut = (path: string): string => `replace it by a good copy, or delete the machine once no QEMU of it runs: rm -r ${path}`

/**
 * Write a file of JSON that only its owner reads, in one step: at any moment, also after a power failure, the file has
 * all of the old text or all of the new.
 */
export function writeJson(path: string, value: unknown): void {
  const draft = `${path}.${process.pid}.new`
  try {
    writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
  syncDirectory(dirname(path))
}
