/**
 * Writes docs/commands, docs/operations.md, docs/drop-reasons.md, docs/metrics.md, docs/api.md, docs/openapi.json,
 * include/vpc.h, the dashboard of examples/monitoring and the modules of integrations/ansible from their tables:
 * `npm run docs`. Tests hold that they are up to date.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cHeader } from '#abi/c-header.ts'
import { operationsPage } from '#abi/operations-page.ts'
import { reasonsPage } from '#cli/drop-reason.ts'
import { markdownPages } from '#cli/markdown-page.ts'
import { dashboardText } from '#metrics/dashboard.ts'
import { metricsPage } from '#metrics/page.ts'
import { openApiText } from '#control/api/openapi.ts'
import { apiPage } from '#control/api/reference-page.ts'
import { writePages } from '#cli/write-pages.ts'
import { packageVersion } from '#cli/package-version.ts'
import { ansibleFiles } from './ansible/modules.ts'

await writePages(fileURLToPath(new URL('../docs/commands', import.meta.url)), await markdownPages(''))
writeFileSync(new URL('../docs/operations.md', import.meta.url), operationsPage())
writeFileSync(new URL('../include/vpc.h', import.meta.url), cHeader())
writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsPage())
writeFileSync(new URL('../examples/monitoring/dashboard.json', import.meta.url), dashboardText())
writeFileSync(new URL('../docs/drop-reasons.md', import.meta.url), reasonsPage())
writeFileSync(new URL('../docs/api.md', import.meta.url), apiPage())
writeFileSync(new URL('../docs/openapi.json', import.meta.url), openApiText())
for (const [path, text] of ansibleFiles(packageVersion())) writeFileSync(new URL(`../integrations/ansible/${path}`, import.meta.url), text)
