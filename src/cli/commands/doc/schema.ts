/** `vpc doc schema`. */
import { command } from '../../command.ts'
import { usageFailure } from '../../failure.ts'
import { suggestion } from '#abi/nearest.ts'

export default command({
  path: 'doc schema',
  summary: 'show the JSON Schema of what a command prints with --json',
  description: `Without COMMAND it prints those of all commands, by their words. Commands that print documents, scripts or the output
    of a program have none. Errors are {"error": {"code", "message"}} on standard error.`,
  positionals: [{ name: 'COMMAND', help: 'words of the command', isOptional: true, isRest: true }],
  examples: [
    { line: 'vpc doc schema switch list', does: 'what vpc switch list --json prints' },
    { line: 'vpc doc schema > schemas.json', does: 'all of them' },
  ],
  async run(_, { output }, words) {
    const { jsonSchemaOf, outputs } = await import('../../schema/outputs.ts')
    const { resolve } = await import('../../resolve.ts')
    const print = (schema: unknown): void => output.text(JSON.stringify(schema, null, 2))
    if (words.length === 0)
      return print(
        Object.fromEntries(
          [...outputs.keys()].toSorted().flatMap((path) => {
            const schema = jsonSchemaOf(path)
            return schema === undefined ? [] : [[path, schema]]
          }),
        ),
      )
    const path = resolve(words).path.join(' ')
    const schema = jsonSchemaOf(path)
    if (schema === undefined) throw usageFailure(`'${path}' prints no JSON${suggestion(path, [...outputs.keys()], 'see vpc doc schema')}`)
    print(schema)
  },
})
