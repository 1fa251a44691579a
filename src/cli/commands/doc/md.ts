/** `vpc doc md`. */
import { command } from '../../command.ts'
import { text } from '../../option.ts'
import { done } from '../../outcome.ts'
import { writePages } from '../../write-pages.ts'

export default command({
  path: 'doc md',
  summary: 'write the commands as Markdown pages',
  description: `They are made from the command table: README.md lists all commands, and a page such as switch.md has those of one noun.`,
  options: {
    dir: text('directory to write to', 'DIR', 'directory').short('d').default('docs/commands'),
    urlPrefix: text('prefix of the links between the pages', 'URL').defaultsTo('links are relative'),
  },
  examples: [
    { line: 'vpc doc md', does: 'into docs/commands' },
    { line: 'vpc doc md -d site --url-prefix=/manual/', does: 'for a web site' },
  ],
  async run({ dir, urlPrefix }, { output }) {
    const { markdownPages } = await import('../../markdown-page.ts')
    const files = await writePages(dir, await markdownPages(urlPrefix ?? ''))
    done(output, `${files.length} pages in ${dir}`, { files })
  },
})
