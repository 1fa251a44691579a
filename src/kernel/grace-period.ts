/**
 * Grace periods of the kernel's RCU. To put a program on a device or to take it off, the kernel waits for one, about 20 ms: a thousand
 * devices take it 20 s. While /sys/kernel/rcu_expedited is set, a grace period is forced by interrupting all processors instead, which
 * takes well under a millisecond. It is set for the time of one large operation, so that processors are disturbed for no longer.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'

const setting = '/sys/kernel/rcu_expedited'
/** There while we have it set: the setting is the machine's, and so is this. */
const marker = '/run/vpc-rcu-expedited'

/** From so many devices on it is worth it. */
const worthwhile = 8

let depth = 0

/** Run what waits for about so many grace periods. Where the setting cannot be written, that takes its time. */
export function withQuickGracePeriods<T>(waits: number, run: () => T): T {
  if (waits < worthwhile || depth > 0 || !begin()) return run()
  depth++
  try {
    return run()
  } finally {
    depth--
    end()
  }
}

/** Take back what a process that was killed meanwhile has left. */
export function endAbandonedGracePeriods(): void {
  const owner = read(marker)
  if (owner === undefined || isAlive(Number(owner))) return
  end()
}

function begin(): boolean {
  if (read(setting)?.trim() !== '0') return false
  try {
    writeFileSync(marker, String(process.pid), { flag: 'wx', mode: 0o600 })
  } catch {
    endAbandonedGracePeriods()
    return false
  }
  return write('1')
}

function end(): void {
  write('0')
  rmSync(marker, { force: true })
}

function write(value: string): boolean {
  try {
    writeFileSync(setting, value)
    return true
  } catch {
    rmSync(marker, { force: true })
    return false
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
