/** `vpc version`. */
import { command } from '../command.ts'
import { packageVersion } from '../package-version.ts'

export default command({
  path: 'version',
  summary: 'show the version of vpc',
  async run(_, { output }) {
    const version = packageVersion()
    output.result({ version, node: process.versions.node }, `vpc ${version} (Node ${process.versions.node})`)
  },
})
