/** What security groups refused, in the words of the objects. */
import type { RefusalInfo } from '#abi/info.ts'
import type { Refusal } from '#datapath/events.ts'
import { unitName, type Group, type Model } from './store/model.ts'
import { groupsOf } from './sync/policy/vpc-policy.ts'

/** Say which port, which groups, and of a revoked flow which rule. */
export function describeRefusal(model: Model, { port: source, direction, rule }: Refusal): RefusalInfo {
  const port = model.sources.get(source)
  const groups = port?.type === 'vpcp' ? groupsOf(model, port) : []
  return {
    port: port === undefined ? null : unitName(port),
    direction,
    groups: groups.map(groupName),
    rules: groups.reduce((sum, { rules }) => sum + rules.filter((each) => each.direction === direction).length, 0),
    rule: ruleName(model, rule),
  }
}

/** `group0 (web)`. */
export const groupName = (group: Group): string => (group.name === null ? unitName(group) : `${unitName(group)} (${group.name})`)

/** `rule 10 of group0 (web)`; null: none. */
export function ruleName(model: Model, number: number): string | null {
  if (number === 0) return null
  const known = model.ruleNames.get(number)
  if (known === undefined) return 'a rule that is gone'
  const group = model.find('group', known.group)
  return `rule ${known.rule} of ${group === undefined ? `group ${known.group}` : groupName(group)}`
}
