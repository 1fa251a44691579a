/** Options by which ssh reaches a guest of this host. */
import { join } from 'node:path'
import { vpcProgram } from '#system/background.ts'

export interface SshGuest {
  readonly id: string
  /** The directory of the machine. */
  readonly directory: string
  /** Options of the command, which `vpc vm connect` gets, too. */
  readonly vmDir: string | undefined
  readonly socket: string | undefined
  readonly user: string | undefined
}

/** Words for ssh: through `vpc vm connect`, with the guest's key beside the machine. */
export function sshSettings({ id, directory, vmDir, socket, user }: SshGuest): string[] {
  const given = Object.entries({ 'vm-dir': vmDir, socket }).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}=${value}`]))
  const options = {
    ProxyCommand: [...vpcProgram, 'vm', 'connect', id, ...given].map(quoted).join(' '),
    HostKeyAlias: id,
    UserKnownHostsFile: oneFile(join(directory, 'known_hosts')),
    StrictHostKeyChecking: 'accept-new',
    // A shared connection of the user's may go to another host of this name.
    ControlPath: 'none',
    ...(user !== undefined && { User: user }),
  }
  return Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`])
}

/** For ssh's shell, which also takes % for something else. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''").replaceAll('%', '%%')}'`

/** For ssh, which takes several files there, with spaces between them. */
const oneFile = (path: string): string => `"${path.replaceAll(/["\\]/g, '\\$&').replaceAll('%', '%%')}"`
