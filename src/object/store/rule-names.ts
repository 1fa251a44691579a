/** Which rule a number means in flows and events, also after the rule is gone: flows may outlive it. */
import type { Id } from '#abi/id.ts'
import { ruleNumber } from '../sync/policy/policy.ts'
import type { RuleGroup } from '../sync/policy/policy.ts'

/** Number of rules whose names are kept. */
const most = 65_536

export interface RuleName {
  readonly group: Id
  readonly rule: string
}

export class RuleNames {
  readonly #names = new Map<number, RuleName>()

  /** Know the rules of a group. */
  note({ id, rules }: RuleGroup): void {
    for (const { id: rule } of rules) {
      const number = ruleNumber(id, rule)
      this.#names.delete(number)
      this.#names.set(number, { group: id, rule })
    }
    for (const oldest of this.#names.keys()) {
      if (this.#names.size <= most) return
      this.#names.delete(oldest)
    }
  }

  get(number: number): RuleName | undefined {
    return this.#names.get(number)
  }
}
