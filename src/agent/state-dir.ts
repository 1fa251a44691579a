/** The directory that an agent keeps its things in, one agent at a time. */
import { accessSync, constants, mkdirSync } from 'node:fs'

/** Why an agent cannot start: what stands against it, and what to do. */
export class AgentStartRefused extends Error {}

/** Make it, if it is not there. Throws AgentStartRefused when this user cannot write into it. */
export function makeStateDir(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    accessSync(path, constants.W_OK)
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException
    throw new AgentStartRefused(
      `cannot keep anything in ${path}: ${code}; make the directory for the user of the agent, or choose another with --state-dir`,
      { cause: error },
    )
  }
}
