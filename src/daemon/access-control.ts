/** Who may connect and what they may open, by the options of vpcd: root, a group, and a policy file. */
import { Access } from '#object/access.ts'
import { groupId } from '#system/accounts.ts'
import { StartRefused } from './start-refused.ts'
import { PolicyProblem, readPolicy } from './policy-file.ts'

export interface AccessOptions {
  /** A group, by name or number, whose members may open everything. */
  readonly group?: string | undefined
  /** The policy file. With one, everybody may connect. */
  readonly policy?: string | undefined
}

export class AccessControl {
  readonly group: number | undefined
  /** Whether everybody may connect. */
  readonly isPublic: boolean
  readonly access: Access

  /** Throws StartRefused. */
  constructor({ group, policy }: AccessOptions) {
    this.group = group === undefined ? undefined : groupId(group)
    if (group !== undefined && this.group === undefined)
      throw new StartRefused(`there is no group '${group}'; make it with \`groupadd --system ${group}\`, or name another with --group`)
    this.isPublic = policy !== undefined
    try {
      this.access = new Access({ adminGid: this.group, rules: policy === undefined ? [] : readPolicy(policy) })
    } catch (error) {
      if (error instanceof PolicyProblem) throw new StartRefused(`the policy cannot be used: ${error.message}`, { cause: error })
      throw error
    }
  }
}
