/** A second name for a unit's device: the domain names the device before vpcd has given it a number. */
import { spawnSync } from 'node:child_process'
import { Failure } from '../failure.ts'

interface Link {
  readonly ifname: string
}

/** Have a device answer to a name, too. Throws a Failure when another one has the name. */
export function giveName(device: string, name: string): void {
  const holder = holderOf(name)
  if (holder === device) return
  if (holder !== undefined)
    throw new Failure(
      'conflict',
      `${holder === name ? 'this host has another interface' : `${holder} has the name`} ${name}; give the domain's interface another name`,
    )
  const { status, stderr } = ip('link', 'property', 'add', 'dev', device, 'altname', name)
  if (status !== 0) throw new Failure('failed', `cannot give ${device} the name ${name}: ${stderr.trim()}`)
}

/** The device that has a name; undefined: none. */
function holderOf(name: string): string | undefined {
  const { status, stdout } = ip('-json', 'link', 'show', 'dev', name)
  return status === 0 ? (JSON.parse(stdout) as Link[])[0]?.ifname : undefined
}

function ip(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { error, status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: 10_000 })
  if (error !== undefined) throw new Failure('failed', `cannot run ip: ${error.message}; install iproute2`)
  return { status, stdout, stderr }
}
