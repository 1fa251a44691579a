/** Holds documents: links lead to files and headings, each page is reachable, the architecture stays short. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { dropReasonNames } from '#abi/drop-words.ts'
import { obstacleCodes } from '#control/path/answer.ts'
import { metrics } from '#metrics/table.ts'
import { filesBelow, root, textOf } from './sources.ts'

const documents = filesBelow('.').filter((file) => file.endsWith('.md'))

/** The anchors that GitHub makes of a document's headings. */
function anchorsOf(text: string): string[] {
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title!.toLowerCase())
  return headings.map((title) => title.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-'))
}

test('links between documents lead to a file and a heading', () => {
  const broken: string[] = []
  for (const file of documents)
    for (const [, target, anchor] of textOf(file).matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)) {
      const path = target === '' ? file : join(dirname(file), target!)
      const isThere = existsSync(join(root, path))
      if (!isThere || (anchor !== undefined && !anchorsOf(textOf(path)).includes(anchor))) broken.push(`${file}: ${target}#${anchor}`)
    }
  assert.deepEqual(broken, [])
})

test('ARCHITECTURE.md has 250 lines at most; details belong to the pages of docs/', () => {
  const lines = textOf('ARCHITECTURE.md').split('\n').length - 1
  assert.ok(lines <= 250, `${lines} lines`)
})

const pages = documents.filter((file) => /^docs\/[a-z-]+\.md$/.test(file))

test('README.md leads to docs/index.md, and that one to each page of docs/', () => {
  const index = textOf('docs/index.md')
  assert.ok(textOf('README.md').includes('(docs/index.md)'))
  assert.deepEqual(
    pages.filter((page) => page !== 'docs/index.md' && !index.includes(`(${page.slice('docs/'.length)}`)),
    [],
  )
})

test('docs/troubleshooting.md names reasons, metrics and answers that there are', () => {
  const page = textOf('docs/troubleshooting.md')
  const known = new Set<string>([...dropReasonNames, ...metrics.map(({ name }) => name)])
  const named = page.match(/\b[a-z]+(?:_[a-z]+)+\b/g)!
  assert.ok(named.length > 20)
  assert.deepEqual(
    named.filter((name) => !known.has(name)),
    [],
  )
  const answers = textOf('src/control/path/answer.ts')
  const [, table] = /\| the answer has \|.*\n\|[-|]+\n((?:\|.*\n)+)/.exec(page)!
  const codes = table!.split('\n').flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, code]) => code!))
  assert.deepEqual(
    obstacleCodes.filter((code) => !codes.includes(code)),
    [],
  )
  assert.deepEqual(
    codes.filter((code) => !answers.includes(`'${code}'`)),
    [],
  )
})

test('the pages that people read from end to end have 300 lines at most', () => {
  const reference = ['docs/operations.md', 'docs/performance.md']
  const long = pages.filter((page) => !reference.includes(page) && textOf(page).split('\n').length > 301)
  assert.deepEqual(long, [])
})
