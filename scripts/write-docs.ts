/**
 * Writes docs/commands and docs/operations.md from their tables: `npm run docs`. A test holds that they are up to date.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { operationsPage } from '#abi/operations-page.ts'
import { markdownPages } from '#cli/markdown-page.ts'
import { writePages } from '#cli/write-pages.ts'

await writePages(fileURLToPath(new URL('../docs/commands', import.meta.url)), await markdownPages(''))
writeFileSync(new URL('../docs/operations.md', import.meta.url), operationsPage())
