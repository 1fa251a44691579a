/** The options of a vpcd, and the default places. */
import { fileURLToPath } from 'node:url'
import type { TableSizes } from '#datapath/table-sizes.ts'
import type { AccessOptions } from './access-control.ts'
import type { Limits } from './limits.ts'
import type { LogFormat, LogLevel } from '#system/log.ts'

export interface DaemonOptions extends AccessOptions {
  /** Directory of the socket. Default /run/vpc. */
  readonly runDir?: string | undefined
  /** Directory of the journal. Default /var/lib/vpc. */
  readonly stateDir?: string | undefined
  /**
   * Directory on a bpffs for programs, maps and links; vpcd mounts a bpffs if there is none. Default /sys/fs/bpf/vpc.
   */
  readonly bpffs?: string | undefined
  /** Where the compiled programs are. Default: those of this version. */
  readonly objectDir?: string | undefined
  /** Default info. */
  readonly logLevel?: LogLevel | undefined
  /** Default auto: human on a terminal, json elsewhere. */
  readonly logFormat?: LogFormat | undefined
  /** Times of human log lines in UTC. */
  readonly utc?: boolean | undefined
  /** What one client may take. */
  readonly limits?: Partial<Limits> | undefined
  /** Sizes of the datapath's tables, in entries. Default: as before, or those of `tableSizes`. */
  readonly tables?: TableSizes | undefined
}

export const defaultDirectories = { runDir: '/run/vpc', stateDir: '/var/lib/vpc', bpffs: '/sys/fs/bpf/vpc' } as const

/** Where scripts/build-bpf puts the compiled programs. */
export const objectDir = fileURLToPath(new URL('../../build/bpf', import.meta.url))

/** Name of the socket in the run directory. */
export const socketName = 'vpcd.sock'
