/** Options of `vpc libvirt`, and what it works with. */
import { agentStateDir } from '../agent-state-dir.ts'
import { common } from '../cloud/resource-command.ts'
import type { Context } from '../command.ts'
import { Failure } from '../failure.ts'
import { integer, text, type OptionValues } from '../option.ts'
import type { Surroundings } from './interfaces.ts'
import { defaultStateDir } from './record.ts'

export const stateDir = text('directory with what vpc made for domains', 'DIR', 'directory').default(defaultStateDir)

export const surroundingOptions = {
  ...common,
  timeout: integer('seconds to wait for hosts', 'SECONDS', 1, 300).default(30),
  stateDir,
  agentStateDir,
}

/** What the options say, for root alone. */
export function surroundingsOf(given: OptionValues<typeof surroundingOptions>, { vpc }: Pick<Context, 'vpc'>): Surroundings {
  mustBeRoot()
  return { vpc, stateDir: given.stateDir, agentStateDir: given.agentStateDir, context: given.context, seconds: given.timeout }
}

/** Interfaces of guests are root's. */
export function mustBeRoot(): void {
  if (process.geteuid!() !== 0)
    throw new Failure('denied', "interfaces of libvirt's domains are root's alone; run this as root", { code: 'EPERM' })
}
