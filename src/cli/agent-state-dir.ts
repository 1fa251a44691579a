/** The option for the state directory of the agent. */
import { text } from './option.ts'

export const agentStateDir = text('directory of the agent', 'DIR', 'directory').default('/var/lib/vpc-agent')
