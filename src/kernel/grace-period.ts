/**
 * Grace periods of the kernel's RCU. To attach a program to a device or to detach it, the kernel waits for one, about
 * 20 ms: a thousand devices take it 20 s. While /sys/kernel/rcu_expedited is set, the kernel forces a grace period by
 * interrupting all processors, which takes well under a millisecond. vpcd sets it for one large operation at a time, so
 * that it disturbs processors for no longer.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'

const setting = '/sys/kernel/rcu_expedited'
/** This file is there while vpcd has the setting on. The setting belongs to the whole machine, and so does the file. */
const marker = '/run/vpc-rcu-expedited'

/** From this many devices on it pays. */
const worthwhile = 8

let depth = 0

/**
 * Run an operation that waits for about this many grace periods. Where the setting cannot be written, the operation
 * takes its time.
 */
export function withQuickGracePeriods<T>(waits: number, run: () => T): T {
  using _ = quickGracePeriods(waits)
  return run()
}

/** The same until it is disposed: for what takes more than one turn of the event loop. */
export function quickGracePeriods(waits: number): Disposable {
  if (waits < worthwhile || depth > 0 || !begin()) return { [Symbol.dispose]: () => {} }
  depth++
  return {
    [Symbol.dispose]: () => {
      depth--
      end()
    },
  }
}

/** Reset the setting that a killed process left behind. */
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
