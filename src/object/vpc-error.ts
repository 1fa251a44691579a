/** Turns every error in an operation into the caller's. */
import { optionOf } from '#datapath/table-sizes.ts'
import { errno as numbers, type ErrnoName } from '#abi/errno.ts'
import { VpcError } from '#abi/vpc-error.ts'

export { VpcError } from '#abi/vpc-error.ts'

/** `cannot ASKED: WHY; REMEDY`. */
export function refusal(asked: string, errno: ErrnoName | number, why: string, remedy?: string): VpcError {
  return new VpcError(errno, `cannot ${asked}: ${why}${remedy === undefined ? '' : `; ${remedy}`}`)
}

/** A table of the datapath that takes no more: thrown by it with these fields. */
interface TableFull {
  readonly table: string
  readonly maxEntries: number
}

const isTableFull = (error: object): error is TableFull => 'table' in error && 'maxEntries' in error

/** SQLITE_FULL of sqlite3.h, with what it says besides. The journal is the only file of SQLite here. */
const isDiskFull = (error: object): boolean => 'errcode' in error && (Number(error.errcode) & 0xff) === 13

/** A failed system call, which carries its errno. */
const hasErrno = (error: object): error is { readonly errno: number } => 'errno' in error && typeof error.errno === 'number'

/**
 * Errnos by which the ABI says that an object is there or is not. The kernel means something else by them (a device's
 * name, a file), so they must not reach a caller that takes EEXIST for 'already so'.
 */
const notOfTheKernel: ReadonlyMap<number, ErrnoName> = new Map([
  [numbers.EEXIST, 'EBUSY'],
  [numbers.ENOENT, 'EIO'],
  [numbers.EISCONN, 'EBUSY'],
  [numbers.ENOTCONN, 'EIO'],
  [numbers.ESTALE, 'EIO'],
])

/** Turn anything that was thrown into the caller's error. A VpcError stays as it is. */
export function toVpcError(asked: string, error: unknown): VpcError {
  if (error instanceof VpcError) return error
  if (!(error instanceof Error)) return new VpcError('EIO', `cannot ${asked}: ${String(error)}`)
  const message = `cannot ${asked}: ${error.message}`
  if (isTableFull(error)) {
    const full = `cannot ${asked}: table ${error.table} is full, it takes ${error.maxEntries} entries; remove some, or start vpcd with ${optionOf(error.table)}`
    return new VpcError('ENOSPC', full, { cause: error })
  }
  if (isDiskFull(error)) {
    const full = `cannot ${asked}: the disk of the journal is full; nothing was changed; make room where the state directory is`
    return new VpcError('ENOSPC', full, { cause: error })
  }
  // The verifier's EACCES and EPERM are about the program, not about the caller.
  if (error.name === 'LoadError')
    return new VpcError(
      'EIO',
      `${message}; the kernel takes a program of vpcd no more: start vpcd with --log-level=debug, and see vpc doctor`,
      {
        cause: error,
      },
    )
  const errno = hasErrno(error) ? (notOfTheKernel.get(error.errno) ?? error.errno) : 'EIO'
  return new VpcError(errno, message, { cause: error })
}
