/** `vpc context use`. */
import { currentContext, readContexts, writeContexts } from '../../cloud/contexts.ts'
import { command } from '../../command.ts'
import { alreadySo, done } from '../../outcome.ts'

export default command({
  path: 'context use',
  summary: 'choose the cloud that vpc cloud asks',
  positionals: [{ name: 'NAME', help: 'name of a context' }],
  examples: [{ line: 'vpc context use staging', does: 'ask the cloud of context staging from now on' }],
  async run(_, { output }, [name]) {
    const { server } = currentContext(name)
    const { current, contexts } = readContexts()
    if (current === name) return alreadySo(output, `${name} is asked (${server})`)
    writeContexts({ current: name!, contexts })
    done(output, `${name} is asked from now on (${server})`)
  },
})
