/** docs/api.md, as `npm run docs` writes it: the paths of the OpenAPI document and the codes of problems, as tables. */
import { statusOf } from '../model/problem.ts'
import { openApi } from './openapi.ts'

const intro = `# The API

<!-- Made by \`npm run docs\` from the OpenAPI document: change the tables in src/resource and src/control/api. -->

HTTP with JSON, at the address that \`vpc up\` and \`vpc api\` print. [openapi.json](openapi.json) has every field; the
API serves it at \`/v1/openapi.json\`. A request says who asks by \`Authorization: Bearer TOKEN\`. The rules for repeats,
revisions, lists and watches are those of [a cloud](cloud.md#the-api). \`vpc cloud\` does all of it
([commands](commands/cloud.md)).`

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const

/** The page. */
export function apiPage(): string {
  const { paths } = openApi() as { paths: Record<string, Record<string, { summary?: string }>> }
  const rows = Object.entries(paths).map(([path, item]) => {
    const does = methods.flatMap((method) => (item[method] === undefined ? [] : [`${method.toUpperCase()} ${item[method].summary}`]))
    return `| \`${path}\` | ${does.join('. ').replaceAll('|', '\\|')} |`
  })
  const codes = Object.entries(statusOf).map(([code, status]) => `| \`${code}\` | ${status} |`)
  return `${[
    intro,
    '## Paths',
    ['| path | what the methods do |', '| --- | --- |', ...rows].join('\n'),
    '## Problems',
    'A request that cannot be done is answered by `application/problem+json` (RFC 9457) with one of these codes:',
    ['| code | status |', '| --- | --- |', ...codes].join('\n'),
  ].join('\n\n')}\n`
}
