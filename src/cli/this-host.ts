/** Which host of a cloud this machine is, and how its agent is. */
import type { AgentStatus } from '#agent/status.ts'
import { Failure } from './failure.ts'

/** Its id and name. Throws a Failure when this machine has not joined a cloud, or the caller may not know. */
export async function thisHost(stateDir: string): Promise<{ readonly id: string; readonly name: string }> {
  const { readIdentity } = await import('#agent/identity-file.ts')
  const { AgentStartRefused } = await import('#agent/state-dir.ts')
  try {
    const identity = readIdentity(stateDir)
    if (identity !== undefined) return { id: identity.host, name: identity.name }
  } catch (error) {
    if (error instanceof AgentStartRefused) throw new Failure('denied', error.message)
    throw error
  }
  throw new Failure('failed', `this machine is not a host of a cloud (no identity in ${stateDir}); vpc up makes it one, or vpc join`)
}

/** What the agent with this directory says of itself; undefined: none runs. */
export async function agentStatus(stateDir: string): Promise<AgentStatus | undefined> {
  const { readStatus } = await import('#agent/status.ts')
  return readStatus(stateDir)
}
