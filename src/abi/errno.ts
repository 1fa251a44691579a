/** Error numbers by name, and back: those of vpc_open, vpc_ctl and the kernel. */
import { constants } from 'node:os'

export const errno = constants.errno
export type ErrnoName = keyof typeof errno

const names = new Map<number, string>()
// EAGAIN and EOPNOTSUPP share their numbers with EWOULDBLOCK and ENOTSUP: the names that manual pages use win.
for (const [name, value] of Object.entries(errno))
  if (!names.has(value) || name === 'EAGAIN' || name === 'EOPNOTSUPP') names.set(value, name)

/** The name of an error number: `EEXIST` for 17, `E512` for one without a name. */
export const errnoName = (value: number): string => names.get(value) ?? `E${value}`
