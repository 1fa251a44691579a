/** Tells the service manager that a program serves: sd_notify(3), for programs that load no native code. */
import { spawn } from 'node:child_process'
import type { Log } from './log.ts'

/**
 * Tell the process behind NOTIFY_SOCKET, if there is one. It is a datagram socket, which Node cannot open, so systemd's
 * own command does it: the unit needs NotifyAccess=all.
 */
export function tellReady(log: Log): void {
  if (!process.env['NOTIFY_SOCKET']) return
  const child = spawn('systemd-notify', ['--ready'], { stdio: 'ignore' })
  child.on('error', (error) => log.warn('the service manager cannot be told that this serves', { error: error.message }))
}
