/** `vpc flow list`. */
import type { FlowInfo } from '#abi/info.ts'
import { hostText } from '#wire/endpoint.ts'
import { command } from '../../command.ts'
import { idOf } from '../../kinds.ts'

const end = (address: string, port: number): string => (port === 0 ? address : `${hostText(address)}:${port}`)

const row = (flow: FlowInfo): (string | number)[] => [
  flow.port,
  flow.protocol,
  end(flow.inside, flow.insidePort),
  flow.begun === 'in' ? '<-' : '->',
  end(flow.outside, flow.outsidePort),
  flow.confirmed ? flow.state : `${flow.state} (unconfirmed)`,
  flow.idleSeconds,
  flow.packetsIn,
  flow.packetsOut,
  flow.rule ?? '-',
]

export default command({
  path: 'flow list',
  summary: 'list the flows of ports that are in security groups',
  description: `A flow is both directions of a connection, as the port sees it: the unit is on the left, and the arrow
    shows who began. The rule is the one that allowed it; a dash: everything may go out. Flows that no reply has
    confirmed are in a table of all ports, the others in the port's own.`,
  options: { portId: idOf('vpcp', 'only flows of this port').word },
  examples: [
    { line: 'vpc flow list', does: 'every flow of this host' },
    { line: `vpc flow list --json | jq '.[] | select(.state == "denied")'`, does: 'flows whose rule is gone' },
  ],
  async run({ portId }, { vpc, output }) {
    await using mgmt = await (await vpc()).mgmt()
    const flows = await mgmt.flows(portId)
    const right = (title: string) => ({ title, align: 'right' }) as const
    const columns = ['PORT', 'PROTOCOL', 'INSIDE', '', 'OUTSIDE', 'STATE', right('IDLE'), right('IN'), right('OUT'), 'RULE']
    output.result(flows, () => ({ columns, rows: flows.map(row) }))
  },
})
