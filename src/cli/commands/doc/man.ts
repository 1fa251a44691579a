/** `vpc doc man`. */
import { command } from '../../command.ts'
import { text } from '../../option.ts'
import { done } from '../../outcome.ts'
import { writePages } from '../../write-pages.ts'

export default command({
  path: 'doc man',
  summary: 'write the manual pages',
  description: `They are made from the command table: vpc(8), and a page for each of its commands such as vpc-switch(8).`,
  options: {
    manDir: text('directory to write to, into its directory man8', 'DIR', 'directory').short('m').default('/usr/local/share/man'),
  },
  examples: [
    { line: 'vpc doc man --man-dir=/usr/local/share/man', does: 'install them' },
    { line: 'vpc doc man -m build/man && man -l build/man/man8/vpc-switch.8', does: 'read one' },
  ],
  async run({ manDir }, { output }) {
    const { manPages } = await import('../../man-page.ts')
    const files = await writePages(`${manDir}/man8`, await manPages())
    done(output, `${files.length} pages in ${manDir}/man8`, { files })
  },
})
