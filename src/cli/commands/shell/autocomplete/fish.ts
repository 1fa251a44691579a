/** `vpc shell autocomplete fish`. */
import { command } from '../../../command.ts'
import { text } from '../../../option.ts'
import { done } from '../../../outcome.ts'
import { writePages } from '../../../write-pages.ts'

export default command({
  path: 'shell autocomplete fish',
  summary: 'print or install the completion script for fish',
  description: `It completes commands, options, and the ids of objects that exist.`,
  options: { dir: text('directory to write it to as vpc.fish, instead of printing it', 'DIR', 'directory').short('d') },
  examples: [
    { line: 'vpc shell autocomplete fish | source', does: 'for this shell' },
    { line: 'vpc shell autocomplete fish --dir=/etc/fish/completions', does: 'for every user' },
  ],
  async run({ dir }, { output }) {
    const { fishCompletion } = await import('../../../completion-fish.ts')
    const script = await fishCompletion()
    if (dir === undefined) return output.text(script)
    const files = await writePages(dir, [{ name: 'vpc.fish', text: script }])
    done(output, `wrote ${files[0]}`, { files })
  },
})
