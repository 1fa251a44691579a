/** Writes docs/commands from the command table: `npm run docs`. A test holds that they are up to date. */
import { fileURLToPath } from 'node:url'
import { markdownPages } from '#cli/markdown-page.ts'
import { writePages } from '#cli/write-pages.ts'

await writePages(fileURLToPath(new URL('../docs/commands', import.meta.url)), await markdownPages(''))
