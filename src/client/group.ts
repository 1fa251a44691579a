/** A security group: who may talk to its ports. Its settings come from src/abi/settings.ts. */
import type { GroupRule, RuleJson } from '#abi/group-rule.ts'
import { readRules } from '#abi/group-rule.ts'
import type { RuleCounter } from '#abi/info.ts'
import { VpcError } from './error.ts'
import { withSettings } from './setting.ts'

export class Group extends withSettings('group') {
  /** Add rules, replacing those with the same ids. All or none. Throws EINVAL for a bad one. */
  async addRules(rules: readonly RuleJson[]): Promise<void> {
    await this.call('groupRuleAdd', whole(rules))
  }

  /** Delete rules by their ids, all or none. Throws ENOENT for one that is not there. */
  async deleteRules(ids: readonly string[]): Promise<void> {
    await this.call('groupRuleDelete', ids)
  }

  /** Add addresses of members on other hosts. Existing ones stay. */
  async addMembers(addresses: readonly string[]): Promise<void> {
    await this.call('groupMemberAdd', addresses)
  }

  /** Delete addresses of members on other hosts, all or none. Throws ENOENT for one that is not there. */
  async deleteMembers(addresses: readonly string[]): Promise<void> {
    await this.call('groupMemberDelete', addresses)
  }

  /** How many flows each of its rules has allowed. */
  async ruleCounters(): Promise<readonly RuleCounter[]> {
    return this.call('groupRuleCounters', undefined)
  }
}

function whole(rules: readonly RuleJson[]): readonly GroupRule[] {
  const read = readRules(rules)
  if (read.ok) return read.value
  throw new VpcError('EINVAL', `cannot add rules: ${read.problem}`)
}
