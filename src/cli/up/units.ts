/**
 * The units of the Debian package. Where they are, `vpc up` and `vpc down` start and stop them, and no processes of
 * their own: systemd then starts a daemon that dies anew, and all of them at each boot.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { vpcProgram } from '#system/background.ts'
import { isRunning } from '#system/process-mark.ts'
import { Failure } from '../failure.ts'
import { daemonNames, type DaemonName, type Places, type UpRecord } from './places.ts'

const unitOf: Readonly<Record<DaemonName, string>> = {
  vpcd: 'vpcd.service',
  issuer: 'vpc-issuer.service',
  api: 'vpc-api.service',
  agent: 'vpc-agent.service',
}

/** What the units have, by the files in /etc/vpc. */
const ofUnits: Readonly<Partial<Places>> = {
  stateDir: '/var/lib/vpc',
  agentStateDir: '/var/lib/vpc-agent',
  bpffs: '/sys/fs/bpf/vpc',
  runDir: '/run/vpc',
}

/** Enough for an emulated processor on a busy machine. */
const readyMs = 120_000

/** What people type to read the logs. */
export const unitLogs = (isMember: boolean): string => `journalctl -u vpcd -u vpc-agent${isMember ? '' : ' -u vpc-api -u vpc-issuer'}`

/**
 * Whether the daemons of these places are units: this program is that of the package, systemd runs, and nothing of an
 * earlier `vpc up` does.
 */
export function areUnits(places: Places, record: UpRecord | undefined): boolean {
  if (!vpcProgram[1].startsWith('/usr/lib/vpc/') || !existsSync('/run/systemd/system')) return false
  if (!daemonNames.every((name) => existsSync(`/lib/systemd/system/${unitOf[name]}`))) return false
  if (Object.values(record?.processes ?? {}).some((mark) => isRunning(mark))) return false
  return Object.entries(ofUnits).every(([key, path]) => places[key as keyof Places] === path)
}

/** Run a program to its end. Gives its status, and all that it said. */
async function run(file: string, ...words: readonly string[]): Promise<{ readonly isDone: boolean; readonly said: string }> {
  try {
    const { stdout } = await promisify(execFile)(file, words, { encoding: 'utf8' })
    return { isDone: true, said: stdout.trim() }
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    return { isDone: false, said: `${stdout}${stderr}`.trim() || (error as Error).message }
  }
}

/** Whether it runs. */
export const isUnitActive = async (name: DaemonName): Promise<boolean> =>
  (await run('systemctl', 'is-active', '--quiet', unitOf[name])).isDone

/** Whether it starts at a boot. */
export const isUnitEnabled = async (name: DaemonName): Promise<boolean> =>
  (await run('systemctl', 'is-enabled', '--quiet', unitOf[name])).isDone

/**
 * Have it run, now and, unless told otherwise, at each boot. Returns once it is ready. Throws a Failure with its last
 * words.
 */
export async function startUnit(name: DaemonName, isReady: () => Promise<boolean>, atBoots = true): Promise<void> {
  // One that has died and waits for its next start shall not wait, and what systemd counted says nothing of this start.
  if ((await shown(name, 'SubState')).startsWith('auto-restart')) await run('systemctl', 'stop', unitOf[name])
  await run('systemctl', 'reset-failed', unitOf[name])
  const words = atBoots ? ['enable', '--now'] : ['start']
  if (!(await run('systemctl', ...words, unitOf[name])).isDone) throw await troubleOf(name)
  for (const end = performance.now() + readyMs; !(await isReady()); await sleep(50))
    if ((await shown(name, 'NRestarts')) !== '0' || performance.now() > end) throw await troubleOf(name)
}

/** A property of a unit. */
const shown = async (name: DaemonName, property: string): Promise<string> =>
  (await run('systemctl', 'show', `--property=${property}`, '--value', unitOf[name])).said

/**
 * Have them run anew, with the program as it is now. At once: who needs another one starts anew with it. Throws a
 * Failure with the last words of the first that does not start.
 */
export async function restartUnits(names: readonly DaemonName[]): Promise<void> {
  if (names.length === 0) return
  const { isDone } = await run('systemctl', 'restart', ...names.map((name) => unitOf[name]))
  if (isDone) return
  for (const name of names) if (!(await isUnitActive(name))) throw await troubleOf(name)
}

/** Stop it now; `forGood`: the next boot does not start it either. Gives whether it ran. Throws a Failure. */
export async function stopUnit(name: DaemonName, { now, forGood } = { now: true, forGood: true }): Promise<boolean> {
  const ran = await isUnitActive(name)
  for (const word of [...(now ? ['stop'] : []), ...(forGood ? ['disable'] : [])]) {
    const { isDone, said } = await run('systemctl', word, '--quiet', unitOf[name])
    if (!isDone) throw new Failure('failed', `cannot ${word} ${unitOf[name]}: ${said}`)
  }
  return ran
}

/** Have systemd read its files anew. Throws a Failure. */
export async function reloadUnits(): Promise<void> {
  const { isDone, said } = await run('systemctl', 'daemon-reload')
  if (!isDone) throw new Failure('failed', `systemd cannot read its files anew: ${said}`)
}

async function troubleOf(name: DaemonName): Promise<Failure> {
  const unit = unitOf[name].replace('.service', '')
  const { said } = await run('journalctl', '--unit', unit, '--identifier', 'vpc', '--lines=3', '--output=cat', '--no-pager')
  return new Failure('failed', `${unit} does not start; it said:\n${said}\nits log: journalctl -u ${unit}`)
}

/** Make the directories of the units again, as the package has made them. */
export async function makeUnitDirectories(): Promise<void> {
  const { isDone, said } = await run('systemd-tmpfiles', '--create', '/usr/lib/tmpfiles.d/vpc.conf')
  if (!isDone) throw new Failure('failed', `cannot make the directories of the units: ${said}`)
}
