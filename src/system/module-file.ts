/** Where a module is that another process runs: .ts in the repository, .js in what is published. */
import { fileURLToPath } from 'node:url'

/** The file of a module, given its path without an extension and the URL of the module that asks. */
export const moduleFile = (path: string, from: string): string =>
  fileURLToPath(new URL(`${path}${from.endsWith('.ts') ? '.ts' : '.js'}`, from))
