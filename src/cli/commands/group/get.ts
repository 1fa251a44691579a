/** `vpc group get`. */
import { formatRule, readRule } from '#abi/group-rule.ts'
import { command } from '../../command.ts'
import { groupId } from '../../id-options.ts'

export default command({
  path: 'group get',
  summary: 'show a security group: its rules, and how many flows each has allowed',
  options: { groupId },
  examples: [{ line: 'vpc group get web', does: 'its rules' }],
  async run({ groupId: id }, { vpc, output }) {
    const client = await vpc()
    await using object = await client.openGroup(id)
    await using mgmt = await client.mgmt()
    const info = await object.describe()
    const flows = new Map((await object.ruleCounters()).map((each) => [each.rule, each.flows]))
    const units = new Map((await mgmt.describeAll()).map((each) => [each.id as string, each.unit]))
    const rules = info.rules.map((rule) => ({ ...rule, flows: flows.get(rule.id) ?? 0 }))
    const rows = info.rules.map((rule): [string, string, number] => {
      const read = readRule(rule)
      return [rule.id, read.ok ? formatRule(read.value, (peer) => units.get(peer) ?? peer) : '-', flows.get(rule.id) ?? 0]
    })
    output.result({ ...info, rules }, { columns: ['RULE', 'ALLOWS', { title: 'FLOWS', align: 'right' }], rows })
  },
})
