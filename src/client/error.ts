/** Errors of the client library: vpcd's refusals, and a vpcd that cannot be reached. */
import { errno, type ErrnoName } from '#abi/errno.ts'
import { VpcError } from '#abi/vpc-error.ts'

export { VpcError } from '#abi/vpc-error.ts'

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  ECONNREFUSED: 'no vpcd listens on it',
  EACCES: 'this user may not use it',
  EPERM: 'this user may not use it',
  EAGAIN: 'vpcd is busy and takes no more connections',
  ETIMEDOUT: 'it has not answered anybody for a long time',
  ENAMETOOLONG: 'the path is too long for a socket, which takes 107 bytes',
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: 'run this as root or as a member of the group of the socket',
  EPERM: 'run this as root or as a member of the group of the socket',
  EAGAIN: 'try again, or raise its limit on connections',
  ETIMEDOUT: 'see whether it was stopped (ps, a frozen cgroup, a debugger), and look at its log',
  ENAMETOOLONG: 'give vpcd a shorter --run-dir',
}

const start = 'start it with `vpc daemon`, or set VPC_SOCKET to the socket of the one that runs'

/** No vpcd could be reached on `socketPath`. `code` says why: ENOENT, ECONNREFUSED, EACCES, EAGAIN, ENAMETOOLONG. */
export class DaemonUnreachable extends VpcError {
  readonly socketPath: string
  constructor(socketPath: string, code: string, options?: ErrorOptions) {
    const known = (code in errno ? code : 'ECONNREFUSED') as ErrnoName
    super(known, `cannot reach vpcd on ${socketPath}: ${reasons[code] ?? code}; ${remedies[code] ?? start}`, options)
    this.name = 'DaemonUnreachable'
    this.socketPath = socketPath
  }
}
