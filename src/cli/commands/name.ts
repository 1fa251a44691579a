/** `vpc name`. */
import { objectName } from '#abi/object-name.ts'
import { unitTypes } from '#abi/object-type.ts'
import { command } from '../command.ts'
import { idOfAny } from '../kinds.ts'
import { usageFailure } from '../failure.ts'
import { alreadySo, done, unitText } from '../outcome.ts'

export default command({
  path: 'name',
  summary: 'give an object a name',
  description: `Commands and documents take the name in place of the id. One object of a type has it. Without NAME the command shows the name; none
    takes it away.`,
  options: { object: idOfAny(unitTypes, 'the object').required },
  positionals: [{ name: 'NAME', help: 'its new name, or none', isOptional: true }],
  examples: [
    { line: 'vpc name vpcsw0 red', does: 'call the switch red' },
    { line: 'vpc name red none', does: 'a switch without a name' },
  ],
  async run({ object: id }, { vpc, output }, [name]) {
    const asked = name === undefined ? undefined : objectName.text.parse(name)
    if (asked?.ok === false) throw usageFailure(`NAME: ${asked.problem}`)
    const client = await vpc()
    await using mgmt = await client.mgmt()
    const [found] = await mgmt.find(id)
    await using object = await client.open(id, found?.type ?? 'any', { write: name !== undefined })
    const info = await object.describe()
    if (asked === undefined) return output.result(info, info.name ?? `${unitText(info)} has no name`)
    const value = asked.value as string | null
    const said = value === null ? `${unitText(info)} has no name` : `${unitText(info)} is named ${value}`
    if (info.name === value) return alreadySo(output, said, { object: info })
    await object.setName(value)
    done(output, said, { object: await object.describe() })
  },
})
