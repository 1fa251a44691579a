/** The OpenAPI document: the committed copy is what is served, and every route and kind is in it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openApi, openApiText } from '#control/api/openapi.ts'
import { apiPage } from '#control/api/reference-page.ts'
import { kindNames } from '#resource/kind-names.ts'
import { kinds } from '#resource/kinds.ts'

test('docs/openapi.json is up to date; npm run docs writes it', () => {
  // What is removed or narrowed there breaks programs of others: look at its diff.
  assert.equal(readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8'), openApiText())
  assert.equal(readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8'), apiPage())
})

test('every kind has its routes and schemas, and every reference leads somewhere', () => {
  const document = openApi()
  for (const { kind, plural } of kinds) {
    assert.deepEqual(Object.keys(document.paths[`/v1/${plural}`]), ['get', 'post'], kind)
    assert.deepEqual(Object.keys(document.paths[`/v1/${plural}/{id}`]).sort(), ['delete', 'get', 'parameters', 'patch', 'put'], kind)
  }
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path!)
  assert.ok(references.length > 100)
  for (const path of references) assert.ok(path.split('/').reduce((at: any, step) => at?.[step], document) !== undefined, path)
  const operations = [...JSON.stringify(document).matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id!)
  assert.deepEqual([...new Set(operations)], operations)
})

test('the names of kinds are those of the tables', () => {
  assert.deepEqual(
    Object.entries(kindNames),
    kinds.map(({ kind, summary }) => [kind, summary]),
  )
})
