/** Tells the service manager that vpcd is ready (sd_notify). */
import { spawn } from 'node:child_process'
import type { Log } from '#system/log.ts'

/**
 * Tell the process behind NOTIFY_SOCKET, if there is one. It is a datagram socket, which Node cannot open, so this
 * calls systemd's own command: the unit needs NotifyAccess=all.
 */
export function notifyReady(log: Log): void {
  if (!process.env['NOTIFY_SOCKET']) return
  const child = spawn('systemd-notify', ['--ready', `--pid=${process.pid}`], { stdio: 'ignore' })
  child.on('error', (error) => log.warn('the service manager cannot be told that vpcd is ready', { error: error.message }))
}
