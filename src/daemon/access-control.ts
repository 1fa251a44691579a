/**
 * Who may connect and what they may open, by the options of vpcd: root, a group, and a policy file, which vpcd reads
 * again on SIGHUP.
 */
import { Access } from '#object/access.ts'
import { groupId } from '#system/accounts.ts'
import { StartRefused } from './start-refused.ts'
import type { Log } from '#system/log.ts'
import { PolicyProblem, readPolicy } from './policy-file.ts'

export interface AccessOptions {
  /** A group, by name or number, whose members may open everything. */
  readonly group?: string | undefined
  /** The policy file. With one, everybody may connect. */
  readonly policy?: string | undefined
}

export class AccessControl {
  readonly group: number | undefined
  readonly #policy: string | undefined
  #access: Access

  /** Throws StartRefused. */
  constructor({ group, policy }: AccessOptions) {
    this.group = group === undefined ? undefined : groupId(group)
    if (group !== undefined && this.group === undefined)
      throw new StartRefused(`there is no group '${group}'; make it with \`groupadd --system ${group}\`, or name another with --group`)
    this.#policy = policy
    try {
      this.#access = this.#read()
    } catch (error) {
      if (error instanceof PolicyProblem) throw new StartRefused(`the policy cannot be used: ${error.message}`, { cause: error })
      throw error
    }
  }

  get access(): Access {
    return this.#access
  }

  /** Whether everybody may connect. */
  get isPublic(): boolean {
    return this.#policy !== undefined
  }

  /** On SIGHUP, read the policy again and use it as a whole. If it is wrong, log that and keep the old one. */
  followHangup(log: Log, use: (access: Access) => void): Disposable {
    const reload = (): void => {
      if (this.#policy === undefined) return
      try {
        this.#access = this.#read()
        use(this.#access)
        log.info('the policy was read again', { policy: this.#policy })
      } catch (error) {
        log.error('the policy cannot be used; the old one stays in force', { error: (error as Error).message })
      }
    }
    process.on('SIGHUP', reload)
    return { [Symbol.dispose]: () => void process.off('SIGHUP', reload) }
  }

  #read(): Access {
    return new Access({ adminGid: this.group, rules: this.#policy === undefined ? [] : readPolicy(this.#policy) })
  }
}
