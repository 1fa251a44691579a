/** Fresh ids with the MAC addresses in them: the commands genid, and genmac as the original called it. */
import { generateId, idMac } from '#abi/id.ts'
import { typeNoun, type UnitType } from '#abi/object-type.ts'
import { formatMac } from '#wire/mac.ts'
import { command, type Command } from './command.ts'

/** The command that prints a random id of a type. `path`: its words, such as `switch port genid`. */
export function generateCommand(path: string, type: UnitType): Command {
  const noun = typeNoun[type]
  return command({
    path,
    summary: `generate an id for ${noun}, and the MAC address in it`,
    description: `Nothing is created; no daemon is needed. Commands that create ${noun} generate an id, too, when they are given none.`,
    examples: [{ line: `vpc ${path}`, does: `an id to create ${noun} with` }],
    async run(_, { output }) {
      const id = generateId(type)
      const mac = formatMac(idMac(id))
      output.result({ id, mac }, { columns: ['ID', 'MAC'], rows: [[id, mac]] })
    },
  })
}
