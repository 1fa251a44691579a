/** Holds documents: links lead to files and headings, each page is reachable, the architecture stays short. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
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
