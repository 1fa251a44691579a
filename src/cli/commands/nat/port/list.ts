/** `vpc nat port list`. */
import { hostText } from '#wire/endpoint.ts'
import { command } from '../../../command.ts'
import { natId } from '../../../id-options.ts'

const end = (address: string, port: number): string => `${hostText(address)}:${port}`

export default command({
  path: 'nat port list',
  summary: 'list the public ports of a NAT that are in use',
  options: { natId },
  examples: [{ line: 'vpc nat port list outside', does: 'which station has which port' }],
  async run({ natId: id }, { vpc, output }) {
    await using nat = await (await vpc()).openNat(id)
    const ports = await nat.listPorts()
    const columns = ['PROTOCOL', 'INSIDE', 'PUBLIC', 'STATE', { title: 'IDLE', align: 'right' } as const]
    output.result(ports, () => ({
      columns,
      rows: ports.map(({ protocol, inside, insidePort, address, port, state, idleSeconds }) => {
        return [protocol, end(inside, insidePort), end(address, port), state, idleSeconds]
      }),
    }))
  },
})
