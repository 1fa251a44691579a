/** `vpc shell autocomplete bash`. */
import { command } from '../../../command.ts'
import { text } from '../../../option.ts'
import { done } from '../../../outcome.ts'
import { writePages } from '../../../write-pages.ts'

export default command({
  path: 'shell autocomplete bash',
  summary: 'print or install the completion script for bash',
  description: `It completes commands, options, and the ids of objects that exist.`,
  options: { dir: text('directory to write it to as vpc, instead of printing it', 'DIR', 'directory').short('d') },
  examples: [
    { line: 'source <(vpc shell autocomplete bash)', does: 'for this shell' },
    { line: 'vpc shell autocomplete bash --dir=/etc/bash_completion.d', does: 'for every user' },
  ],
  async run({ dir }, { output }) {
    const { bashCompletion } = await import('../../../completion-bash.ts')
    const script = await bashCompletion()
    if (dir === undefined) return output.text(script)
    const files = await writePages(dir, [{ name: 'vpc', text: script }])
    done(output, `wrote ${files[0]}`, { files })
  },
})
