/** `vpc shell autocomplete zsh`. */
import { command } from '../../../command.ts'
import { text } from '../../../option.ts'
import { done } from '../../../outcome.ts'
import { writePages } from '../../../write-pages.ts'

export default command({
  path: 'shell autocomplete zsh',
  summary: 'print or install the completion script for zsh',
  description: `It completes commands, options, and the ids of objects that exist.`,
  options: { dir: text('directory to write it to as _vpc, instead of printing it', 'DIR', 'directory').short('d') },
  examples: [
    { line: 'source <(vpc shell autocomplete zsh)', does: 'for this shell' },
    { line: 'vpc shell autocomplete zsh --dir=/usr/local/share/zsh/site-functions', does: 'for every user' },
  ],
  async run({ dir }, { output }) {
    const { zshCompletion } = await import('../../../completion-zsh.ts')
    const script = await zshCompletion()
    if (dir === undefined) return output.text(script)
    const files = await writePages(dir, [{ name: '_vpc', text: script }])
    done(output, `wrote ${files[0]}`, { files })
  },
})
